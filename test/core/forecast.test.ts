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

  it('leaves out a poll that finds few jobs ended, if polls are dear', () => {
    const narrow = Array.from({ length: 64 }, (_, i) => 59 + i / 32);
    const [first] = looks(narrow, 5, 61);
    expect(first).toBeGreaterThanOrEqual(61);
    expect(looks(narrow, 0.1, 61).filter((age) => age > 58 && age < 61).length).toBeGreaterThan(1);
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

/** The ages of the next five polls. */
function nextPolls(schedule: PollSchedule, from: number): number[] {
  const ages: number[] = [];
  for (let age = from; ages.length < 5; ) {
    age += secondsToNextPoll(schedule, age, 1);
    ages.push(age);
  }
  return ages;
}

// As `npm run bench -- polling` found them to be good: whoever changes the plan runs that first, and then changes these.
describe('the first polls are planned as they were measured', () => {
  it.each<[what: string, durations: number[], ages: number[]]>([
    ['no job is known', [], [6, 14, 23, 34, 46]],
    ['one job is known', [60], [13, 31, 43, 52, 60]],
    ['two jobs are known', [40, 80], [20, 36, 43, 52, 65]],
    ['three jobs are known', [40, 60, 80], [26, 40, 49, 58, 65]],
    ['four jobs are known', [30, 40, 80, 160], [23, 33, 41, 52, 66]],
    ['five jobs are known, in any order', [160, 30, 80, 40, 60], [26, 35, 44, 55, 64]],
    ['jobs come in two clusters', [20, 20, 20, 20, 300, 300], [14, 20, 26, 34, 50]],
    ['one of the jobs was odd', [50, 60, 60, 60, 600], [29, 44, 53, 61, 69]],
    ['all jobs take the same time', Array(64).fill(60), [60, 61, 62, 67, 82]],
  ])('when %s', (_what, durations, ages) => {
    expect(nextPolls(scheduleFor(durations), 0)).toEqual(ages);
  });

  it.each<[completed: number, total: number, durations: number[], ages: number[]]>([
    [10, 100, [], [261, 323, 365, 399, 428]],
    // One job alone says nothing of a batch.
    [10, 100, [100], [261, 323, 365, 399, 428]],
    [10, 100, [80, 120], [179, 213, 236, 254, 270]],
    [50, 100, [80, 120], [115, 122, 127, 131, 135]],
    [99, 100, [80, 120], [65, 70, 75, 79, 83]],
    [50, 100, [300, 300, 300], [166, 209, 232, 248, 261]],
    [1, 3, [10, 20, 40], [73, 84, 93, 101, 108]],
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
