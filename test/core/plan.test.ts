import { describe, expect, it } from 'vitest';
import { secondsToNextPoll } from '../../functions/core/polling/plan.ts';
import {
  AGES,
  placeOf,
  type Survival,
  survivalOf,
  UNKNOWN,
  valueAt,
} from '../../functions/core/polling/survival.ts';

const HORIZON_SECONDS = 14_400;
const kernel = (seconds: number, width: number, weight = 1) => ({ center: Math.log(seconds), width, weight });
const running = (survival: Survival, age: number) => valueAt(survival, placeOf(age));

/** What the polls cost, from the start to the horizon. */
function costOf(survival: Survival, lagPerPoll: number, waitAt: (age: number) => number): number {
  let cost = 0;
  for (let age = 0; age < HORIZON_SECONDS; age += waitAt(age))
    cost += running(survival, age) * (waitAt(age) + lagPerPoll);
  const alive = Array.from({ length: HORIZON_SECONDS }, (_, age) => running(survival, age + 0.5));
  return cost - alive.reduce((sum, share) => sum + share, 0);
}

/** The least that polls at whole seconds can cost: all of them are tried. */
function leastCost(survival: Survival, lagPerPoll: number): number {
  const alive = Float64Array.from({ length: HORIZON_SECONDS + 1 }, (_, age) => running(survival, age));
  const costs = new Float64Array(HORIZON_SECONDS + 1);
  const best = new Int32Array(HORIZON_SECONDS);
  for (let age = HORIZON_SECONDS - 1; age >= 0; age--) {
    let least = Number.POSITIVE_INFINITY;
    const longest = Math.min(900, HORIZON_SECONDS - age);
    for (let gap = 1; gap <= longest && (alive[age] as number) * gap < least; gap++) {
      const cost = (alive[age] as number) * (gap + lagPerPoll) + (costs[age + gap] as number);
      if (cost < least) [least, best[age]] = [cost, gap];
    }
    costs[age] = least;
  }
  return costOf(survival, lagPerPoll, (age) => best[age] as number);
}

describe('the next poll', () => {
  const unknown = { ...UNKNOWN, weight: 0.004 };
  it.each<[what: string, survival: Survival, most?: number]>([
    ['jobs take half a minute', survivalOf([kernel(30, 0.25), unknown])],
    ['they always take a minute', survivalOf([kernel(60, 0.005), unknown])],
    ['they come in two clusters', survivalOf([kernel(5, 0.15, 7), kernel(120, 0.2, 3), unknown])],
    // Narrower than the grid.
    ['they always take a quarter of an hour', survivalOf([kernel(900, 0.005), unknown]), 1.06],
    ['they always take an hour', survivalOf([kernel(3600, 0.005), unknown]), 1.08],
    ['they take a quarter of an hour', survivalOf([kernel(900, 0.1), unknown])],
    ['a tenth fails at once', survivalOf([kernel(1, 0.3), kernel(30, 0.3, 9), unknown])],
  ])('belongs to polls that cost hardly more than the best when %s', (_what, survival, most = 1.02) => {
    for (const lagPerPoll of [0.5, 1, 5]) {
      const cost = costOf(survival, lagPerPoll, (age) => secondsToNextPoll(survival, age, lagPerPoll));
      expect(cost / leastCost(survival, lagPerPoll)).toBeLessThan(most);
    }
  });

  it('follows the law where jobs end at a constant rate', () => {
    const survival = AGES.map((age) => Math.exp(-0.01 * age));
    // exp(hg) - 1 - hg = λh
    const lagPerPoll = (Math.expm1(0.3) - 0.3) / 0.01;
    for (const age of [0, 7, 30, 100, 400]) {
      expect(Math.abs(secondsToNextPoll(survival, age, lagPerPoll) - 30)).toBeLessThanOrEqual(2);
    }
  });

  it.each([1e4, 1e5, 6e5, 1e12])('comes after a quarter of an hour at most at an age of %d s', (age) => {
    const wait = secondsToNextPoll(survivalOf([{ ...UNKNOWN, weight: 1 }]), age, 5);
    expect(wait).toBeGreaterThan(60);
    expect(wait).toBeLessThanOrEqual(900);
  });
});
