import { describe, expect, it } from 'vitest';
import {
  durationBucket,
  sampleDuration,
  scheduleFor,
  scheduleForBatch,
  secondsToNextPoll,
} from '../../functions/core/polling/forecast.ts';

/** Ages of the looks until a job has run for so long. */
function looks(durations: number[], lagPerPoll: number, until: number): number[] {
  const schedule = scheduleFor(durations);
  const ages: number[] = [];
  for (let age = 0; age < until; ) {
    age += secondsToNextPoll(schedule, age, lagPerPoll);
    ages.push(age);
  }
  return ages;
}

describe('a schedule of polls', () => {
  it('never stops, whatever durations are known', () => {
    for (const durations of [[], [1], [1, 1], Array(64).fill(30), [1, 1e5]]) {
      expect(looks(durations, 1, 86_400).length).toBeGreaterThan(10);
    }
  });

  it('puts most polls near the durations that were seen', () => {
    const ages = looks(Array(64).fill(600), 1, 720);
    const near = ages.filter((age) => age > 480);
    expect(near.length).toBeGreaterThan(ages.length / 2);
  });

  it('has gaps that grow with the square root of the lag that a poll is worth', () => {
    const [once = 0] = looks([], 1, 1);
    const few = looks([], 4, 3600).length;
    const many = looks([], 1, 3600).length;
    expect(once).toBeGreaterThan(1);
    expect(many / few).toBeGreaterThan(1.8);
    expect(many / few).toBeLessThan(2.2);
  });

  it('puts polls at both of two clusters of durations', () => {
    const ages = looks([...Array(40).fill(5), ...Array(24).fill(120)], 1, 300);
    const within = (low: number, high: number) => ages.filter((age) => age > low && age < high).length;
    expect([within(3, 8) > 0, within(90, 160) > within(20, 90)]).toEqual([true, true]);
  });
});

describe('the schedule for a batch under way', () => {
  const median = (completed: number) => {
    const schedule = scheduleForBatch(Array(32).fill(100), 60, completed, 100);
    return 60 + secondsToNextPoll(schedule, 60, 1);
  };

  it.each([
    [1, 1000],
    [1, 2],
    [999, 1000],
    [1000, 1000],
  ])('never stops at %d of %d tasks either, whatever durations are known', (completed, total) => {
    for (const durations of [[], [1], [0.01, 600_000], Array(64).fill(30)]) {
      for (const age of [0.001, 1, 30, 600_000]) {
        expect(secondsToNextPoll(scheduleForBatch(durations, age, completed, total), age, 1)).toBeGreaterThan(
          0,
        );
      }
    }
  });

  it("moves from the known durations towards the batch's own speed", () => {
    expect(median(50)).toBeGreaterThan(65);
    expect(median(50)).toBeLessThan(125);
    expect(median(40)).toBeGreaterThan(median(50));
  });
});

describe('a duration that is sampled for the statistics', () => {
  it.each([
    [10, 20, 0, 10],
    [10, 20, 0.5, 15],
    [0, 16, 0, 16],
  ])('lies between the polls at %d and %d s', (from, to, random, seconds) => {
    expect(sampleDuration(from, to, random, [])).toBe(seconds);
  });

  it('may lie far below the age at the first poll', () => {
    expect(sampleDuration(0, 100, 0.999, [])).toBeLessThan(20);
    expect(sampleDuration(0, 100, 0.999, [])).toBeGreaterThan(0);
  });

  it('lies nearer to the first poll if such jobs have often ended then', () => {
    const [expected, surprise] = [Array(10).fill(80), Array(10).fill(600)];
    expect(sampleDuration(0, 100, 0.5, expected)).toBeGreaterThan(sampleDuration(0, 100, 0.5, surprise));
  });
});

it.each([
  ['m', 1, '0/m'],
  ['m', 3, '1/m'],
  ['m', 4, '2/m'],
  ['m', 1000, '9/m'],
])('a job of model %s with %i tasks counts in the bucket %s', (model, tasks, kind) => {
  expect(durationBucket(model, tasks)).toBe(kind);
});
