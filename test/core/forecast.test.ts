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

describe('a pace', () => {
  it('never stands still for good, whatever was learnt', () => {
    for (const durations of [[], [1], [1, 1], Array(64).fill(30), [1, 1e5]]) {
      expect(looks(durations, 1, 86_400).length).toBeGreaterThan(10);
    }
  });

  it('looks where jobs end: most looks fall near the durations that were seen', () => {
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

  it('of two clusters looks at both', () => {
    const ages = looks([...Array(40).fill(5), ...Array(24).fill(120)], 1, 300);
    const within = (low: number, high: number) => ages.filter((age) => age > low && age < high).length;
    expect([within(3, 8) > 0, within(90, 160) > within(20, 90)]).toEqual([true, true]);
  });
});

describe('the pace of a batch', () => {
  const median = (completed: number) => {
    const schedule = scheduleForBatch(Array(32).fill(100), 60, completed, 100);
    return 60 + secondsToNextPoll(schedule, 60, 1);
  };

  it.each([
    [1, 1000],
    [1, 2],
    [999, 1000],
    [1000, 1000],
  ])('is a pace at %d of %d, too, with any experience', (completed, total) => {
    for (const durations of [[], [1], [0.01, 600_000], Array(64).fill(30)]) {
      for (const age of [0.001, 1, 30, 600_000]) {
        expect(secondsToNextPoll(scheduleForBatch(durations, age, completed, total), age, 1)).toBeGreaterThan(
          0,
        );
      }
    }
  });

  it('is drawn from what is known towards what is seen', () => {
    expect(median(50)).toBeGreaterThan(65);
    expect(median(50)).toBeLessThan(125);
    expect(median(40)).toBeGreaterThan(median(50));
  });
});

describe('a duration to learn from', () => {
  it.each([
    [10, 20, 0, 10],
    [10, 20, 0.5, 15],
    [0, 16, 0, 16],
  ])('lies between the looks at %d and %d s', (from, to, random, seconds) => {
    expect(sampleDuration(from, to, random, [])).toBe(seconds);
  });

  it('may lie far below a first look', () => {
    expect(sampleDuration(0, 100, 0.999, [])).toBeLessThan(20);
    expect(sampleDuration(0, 100, 0.999, [])).toBeGreaterThan(0);
  });

  it('lies nearer to a first look at which such jobs have often ended', () => {
    const [expected, surprise] = [Array(10).fill(80), Array(10).fill(600)];
    expect(sampleDuration(0, 100, 0.5, expected)).toBeGreaterThan(sampleDuration(0, 100, 0.5, surprise));
  });
});

it.each([
  ['m', 1, '0/m'],
  ['m', 3, '1/m'],
  ['m', 4, '2/m'],
  ['m', 1000, '9/m'],
])('%s with %i tasks is of the kind %s', (model, tasks, kind) => {
  expect(durationBucket(model, tasks)).toBe(kind);
});
