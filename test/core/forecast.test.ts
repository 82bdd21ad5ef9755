import { describe, expect, it } from 'vitest';
import { scheduleForBatch } from '../../functions/core/polling/batch.ts';
import { type PollSchedule, scheduleFor, secondsToNextPoll } from '../../functions/core/polling/forecast.ts';

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
    const ages = looks(
      Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? 120 : 5)),
      1,
      300,
    );
    const within = (low: number, high: number) => ages.filter((age) => age > low && age < high).length;
    expect([within(3, 8) > 0, within(90, 160) > within(20, 90)]).toEqual([true, true]);
  });
});

/** The ages of the next five polls, to a tenth of a second. */
function nextPolls(schedule: PollSchedule, from: number): number[] {
  const ages: number[] = [];
  for (let age = from; ages.length < 5; ) {
    age += secondsToNextPoll(schedule, age, 1);
    ages.push(Math.round(age * 10) / 10);
  }
  return ages;
}

// As `npm run bench -- polling` found them to be good: whoever changes the plan runs that first, and then changes these.
describe('the first polls are planned as they were measured', () => {
  it.each<[what: string, durations: number[], ages: number[]]>([
    ['no job is known', [], [5.9, 13.7, 22.9, 33.4, 45.3]],
    ['one job is known', [60], [13.3, 31, 43.2, 52.3, 60.3]],
    ['two jobs are known', [40, 80], [19.8, 35.8, 42.8, 51.6, 64.8]],
    ['three jobs are known', [40, 60, 80], [25.8, 39.6, 48.2, 57.6, 64.4]],
    ['four jobs are known', [30, 40, 80, 160], [23.1, 32.6, 41, 51.6, 66.1]],
    ['five jobs are known, in any order', [160, 30, 80, 40, 60], [26.1, 35.4, 44.5, 56, 65.2]],
    ['jobs come in two clusters', [20, 20, 20, 20, 300, 300], [14.4, 20.5, 26.6, 35.3, 53.3]],
    ['one of the jobs was odd', [50, 60, 60, 60, 600], [29.4, 43.8, 52.7, 60.5, 68]],
    ['all jobs take the same time', Array(64).fill(60), [59.9, 60.5, 61, 61.4, 62.3]],
  ])('when %s', (_what, durations, ages) => {
    expect(nextPolls(scheduleFor(durations), 0)).toEqual(ages);
  });

  it.each<[completed: number, total: number, durations: number[], ages: number[]]>([
    [10, 100, [], [261.1, 322.8, 365.1, 398.9, 428]],
    // One job alone says nothing of a batch.
    [10, 100, [100], [261.1, 322.8, 365.1, 398.9, 428]],
    [10, 100, [80, 120], [179.5, 213, 235.7, 253.8, 269.3]],
    [50, 100, [80, 120], [115.3, 122.1, 126.9, 131.1, 135.3]],
    [99, 100, [80, 120], [65.4, 70.1, 75.1, 79.4, 83.4]],
    [50, 100, [300, 300, 300], [165.7, 209.2, 231.8, 248.1, 261.5]],
    [1, 3, [10, 20, 40], [72.6, 83.8, 93.3, 101, 107.6]],
  ])('after a minute with %i of %i tasks done and the durations %j', (completed, total, durations, ages) => {
    expect(nextPolls(scheduleForBatch(durations, 60, completed, total), 60)).toEqual(ages);
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
