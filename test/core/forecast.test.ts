import { describe, expect, it } from 'vitest';
import { survivalOfBatch } from '../../functions/core/polling/batch.ts';
import { type Forecast, forecastOf, type Span } from '../../functions/core/polling/forecast.ts';
import { secondsToNextPoll } from '../../functions/core/polling/plan.ts';
import { placeOf, type Survival, valueAt } from '../../functions/core/polling/survival.ts';
import { exactly } from '../cloud/contents.ts';

/** Ages of the looks until a job has run for so long. */
function looks(durations: number[], lagPerPoll: number, until: number): number[] {
  const { survival } = forecastOf(durations.map(exactly));
  const ages: number[] = [];
  for (let age = 0; age < until; ) {
    age += secondsToNextPoll(survival, age, lagPerPoll);
    ages.push(age);
  }
  return ages;
}

describe('the polls by a forecast', () => {
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
    expect(looks(narrow, 0.1, 61).slice(-2)).toEqual([60, 61]);
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

describe('a forecast', () => {
  const WIDE: Span = { from: 10, to: 100 };
  const BLIND: Span = { from: 0, to: 100 };
  const share = ({ survival }: Forecast, from: number, to: number) =>
    valueAt(survival, placeOf(from)) - valueAt(survival, placeOf(to));

  it('takes a job to have ended near the end of its span, for want of anything better', () => {
    const forecast = forecastOf(Array(16).fill(WIDE));
    expect(share(forecast, 60, 110)).toBeGreaterThan(0.7);
    expect(forecast.durations[0]).toBeGreaterThan(60);
  });

  it('takes jobs that were never seen running to have ended soon before the poll, unless hardly any was', () => {
    const some = forecastOf([...Array(8).fill(BLIND), ...Array(8).fill({ from: 100, to: 150 })]);
    const all = forecastOf(Array(16).fill(BLIND));
    const below = (forecast: Forecast) => share(forecast, 1, 50);
    expect(below(some)).toBeLessThan(0.2);
    expect(below(all)).toBeGreaterThan(0.4);
  });

  it('takes it to have ended where others did, if there is such a place in its span', () => {
    const others = Array(16).fill({ from: 19, to: 20 });
    const forecast = forecastOf([WIDE, ...others]);
    expect(forecast.durations[0]).toBeLessThan(30);
    expect(share(forecast, 15, 25)).toBeGreaterThan(0.8);
  });

  it('takes jobs that still run to take longer', () => {
    const known = Array(16).fill(exactly(30));
    const alone = valueAt(forecastOf(known).survival, placeOf(60));
    const beside = valueAt(forecastOf(known, Array(16).fill(60)).survival, placeOf(60));
    expect(alone).toBeLessThan(0.05);
    expect(beside).toBeGreaterThan(0.4);
  });

  it.each<[what: string, ended: Span[], running: number[]]>([
    ['no job', [], []],
    ['spans of nothing', [{ from: 60, to: 60 }], []],
    ['an end before its begin', [{ from: 61, to: 60 }], []],
    ['times beyond all that is looked at', [exactly(1e9), { from: 0, to: 1e12 }], [1e9, 1e12]],
    ['times below it', [exactly(1e-9), { from: 0, to: 1e-12 }], [0, 1e-9]],
    ['jobs that still run alone', [], Array(64).fill(600)],
    ['both', [exactly(1), exactly(1e5)], [10, 1e6]],
  ])('is one of shares that fall from one to nearly none, of %s', (_what, ended, running) => {
    const { survival, durations } = forecastOf(ended, running);
    expect(survival[0]).toBe(1);
    expect(survival.every((alive, i) => i === 0 || alive <= (survival[i - 1] as number))).toBe(true);
    expect(survival.at(-2)).toBeGreaterThan(0);
    expect(durations.length).toBe(ended.length);
    expect(durations.every((seconds) => seconds > 0 && Number.isFinite(seconds))).toBe(true);
  });
});

/** The ages of the next five polls. */
function nextPolls(survival: Survival, from: number): number[] {
  const ages: number[] = [];
  for (let age = from; ages.length < 5; ) {
    age += secondsToNextPoll(survival, age, 1);
    ages.push(age);
  }
  return ages;
}

// As `npm run bench -- polling` found them to be good: whoever changes the plan runs that first, and then changes these.
describe('the first polls are planned as they were measured', () => {
  it.each<[what: string, durations: number[], ages: number[]]>([
    ['no job is known', [], [5, 12, 20, 30, 41]],
    ['one job is known', [60], [13, 34, 47, 56, 63]],
    ['two jobs are known', [40, 80], [23, 37, 45, 54, 64]],
    ['three jobs are known', [40, 60, 80], [29, 42, 51, 60, 68]],
    ['four jobs are known', [30, 40, 80, 160], [26, 35, 44, 55, 68]],
    ['five jobs are known, in any order', [160, 30, 80, 40, 60], [30, 41, 51, 62, 72]],
    ['jobs come in two clusters', [20, 20, 20, 20, 300, 300], [18, 23, 29, 38, 53]],
    ['one of the jobs was odd', [50, 60, 60, 60, 600], [34, 48, 57, 65, 74]],
    ['all jobs take the same time', Array(64).fill(60), [60, 61, 62, 63, 77]],
  ])('when %s', (_what, durations, ages) => {
    expect(nextPolls(forecastOf(durations.map(exactly)).survival, 0)).toEqual(ages);
  });

  it.each<[completed: number, total: number, durations: number[], ages: number[]]>([
    [10, 100, [], [303, 355, 392, 423, 450]],
    // One job alone says nothing of a batch.
    [10, 100, [100], [303, 355, 392, 423, 450]],
    [10, 100, [80, 120], [203, 232, 252, 268, 283]],
    [50, 100, [80, 120], [121, 126, 130, 134, 138]],
    [99, 100, [80, 120], [66, 71, 76, 80, 84]],
    [50, 100, [300, 300, 300], [147, 216, 239, 254, 267]],
    [1, 3, [10, 20, 40], [73, 85, 95, 103, 110]],
  ])('after a minute with %i of %i tasks done and the durations %j', (completed, total, durations, ages) => {
    expect(nextPolls(survivalOfBatch(durations, 60, completed, total), 60)).toEqual(ages);
  });
});

describe('the polls of a batch under way', () => {
  const nextPoll = (completed: number) => {
    const survival = survivalOfBatch(Array(32).fill(100), 60, completed, 100);
    return 60 + secondsToNextPoll(survival, 60, 1);
  };

  it.each([
    [1, 1000],
    [1, 2],
    [999, 1000],
    [1000, 1000],
  ])('never stops at %d of %d tasks either, whatever durations are known', (completed, total) => {
    for (const durations of [[], [1], [0.01, 600_000], Array(64).fill(30)]) {
      for (const age of [0.001, 1, 30, 600_000]) {
        expect(secondsToNextPoll(survivalOfBatch(durations, age, completed, total), age, 1)).toBeGreaterThan(
          0,
        );
      }
    }
  });

  it("moves from the known durations towards the batch's own speed", () => {
    expect(nextPoll(50)).toBeGreaterThan(65);
    expect(nextPoll(50)).toBeLessThan(125);
    expect(nextPoll(40)).toBeGreaterThan(nextPoll(50));
  });
});
