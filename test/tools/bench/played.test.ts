import { describe, expect, it } from 'vitest';
import { doubling } from '../../../tools/bench/lag/doubling.ts';
import { lognormal } from '../../../tools/bench/polling/distributions.ts';
import { asPolled } from '../../../tools/bench/polling/judge.ts';
import { costFor, costOf, gridOf, optimalCost, optimalWaits } from '../../../tools/bench/polling/optimum.ts';
import { play } from '../../../tools/bench/polling/play.ts';
import { playOne } from '../../../tools/bench/polling/played.ts';
import { BACK_OFF, SCHEDULES } from '../../../tools/bench/polling/schedules.ts';
import type { TracedJob } from '../../../tools/bench/polling/trace.ts';
import { Upstream } from '../../../tools/bench/polling/upstream.ts';
import { Random } from '../../../tools/simulation/random.ts';

const KNOWN = lognormal('lognormal 8 s / 0.3', 8, 0.3);
const PLANNER = 'planner';

function jobsOf(count: number, random: () => number) {
  return Array.from({ length: count }, (_, i) => ({
    ...{ at: 20 * i, work: KNOWN.draw(random), part: 'measured', known: KNOWN },
  }));
}

describe('an upstream that works on few jobs at once', () => {
  it('begins the next one when the first of those it works on is done', () => {
    const upstream = new Upstream(2);
    const durations = [10, 4, 5, 1].map((work) => upstream.millisFor(work, 0));
    // The third begins at 4, the fourth at 9.
    expect(durations).toEqual([10, 4, 9, 10]);
  });

  it('begins at once when it has worked off the others', () => {
    const upstream = new Upstream(1);
    expect(upstream.millisFor(10, 0)).toBe(10);
    expect(upstream.millisFor(10, 5)).toBe(15);
    expect(upstream.millisFor(10, 20)).toBe(10);
  });

  it('has no queue when it works on any number', () => {
    const upstream = new Upstream(Number.POSITIVE_INFINITY);
    expect([10, 4].map((work) => upstream.millisFor(work, 0))).toEqual([10, 4]);
  });
});

describe('a load that the deployed code polls', () => {
  it('has a row for the planner and for each usual schedule, and a reference', async () => {
    const load = {
      ...{ lives: 1, rows: [{ name: 'a load', parts: ['measured'] }] as const },
      loadOf: (random: () => number) => ({ jobs: jobsOf(20, random) }),
    };
    const found = await playOne(load, { lagPerPoll: 1, planner: PLANNER, seed: 1, isTraced: true });
    expect(found.rows.map(({ policy }) => policy)).toEqual([PLANNER, ...SCHEDULES.map(({ name }) => name)]);
    expect(found.references).toMatchObject([{ policy: 'optimum', distribution: 'a load', ratio: 1 }]);

    // As a stranger would, who has nothing but the trace and a table of the best moments to look.
    const traced = found.trace.map((line): TracedJob => JSON.parse(line));
    const waitAt = optimalWaits(gridOf(KNOWN), 1);
    const totals = traced.map(({ duration, polls }) => {
      let [age, looks] = [0, 0];
      while (age < duration) age += waitAt(age, looks++);
      return { cost: (polls.at(-1) ?? 0) - duration + polls.length, best: age - duration + looks };
    });
    const sum = (of: (total: (typeof totals)[number]) => number) =>
      totals.reduce((all, one) => all + of(one), 0);
    expect(traced).toHaveLength(20);
    expect(sum(({ cost }) => cost) / sum(({ best }) => best)).toBeCloseTo(found.rows[0]?.ratio ?? 0, 3);
  });

  it('costs under a usual schedule what arithmetic says', async () => {
    const random = new Random(3);
    const jobs = await play({ jobs: jobsOf(40, () => random.fraction()) }, 1, 3, doubling);
    const sum = (of: (job: (typeof jobs)[number]) => number) => jobs.reduce((all, job) => all + of(job), 0);
    const played = sum((job) => asPolled(job, 1).total);
    const waits = (_age: number, nth: number) => BACK_OFF.waitBefore(nth, Math.random);
    // A hop takes a fraction of a second.
    expect(Math.abs(played / sum(({ seconds }) => costFor(seconds, 1, waits).total) - 1)).toBeLessThan(0.05);
  });

  it('is judged by a schedule that costs on average what the optimum does', () => {
    const grid = gridOf(KNOWN);
    expect(costOf(grid, 1, optimalWaits(grid, 1)).total).toBe(optimalCost(grid, 1).total);
  });
});
