import { describe, expect, it } from 'vitest';
import { DISTRIBUTIONS } from '../../../tools/bench/polling/distributions.ts';
import { costOf, gridOf, optimalCost } from '../../../tools/bench/polling/optimum.ts';
import { Planner } from '../../../tools/bench/polling/planner.ts';
import { Random } from '../../../tools/simulation/random.ts';

const LIVES = 6;

/** J of planners that have seen so many jobs, as a multiple of the least there can be; `npm run bench -- polling` has the figures. */
function ratioAfter(jobs: number, index: number, lagPerPoll: number): number {
  const durations = DISTRIBUTIONS[index] as (typeof DISTRIBUTIONS)[number];
  const grid = gridOf(durations);
  const totals = Array.from({ length: jobs === 0 ? 1 : LIVES }, (_, life) => {
    const random = new Random(index * 100 + life);
    const planner = new Planner(lagPerPoll, () => random.fraction());
    planner.live(jobs, durations);
    return costOf(grid, lagPerPoll, (age) => planner.waitAt(age)).total;
  });
  const mean = totals.reduce((sum, total) => sum + total, 0) / totals.length;
  return mean / optimalCost(grid, lagPerPoll).total;
}

describe.each(DISTRIBUTIONS.map(({ name }, index) => [name, index] as const))(
  'polling for %s',
  (_name, index) => {
    it('is near the optimum after 64 jobs', () => {
      expect(ratioAfter(64, index, 1)).toBeLessThan(1.2);
    });

    it('is not far from the optimum before the first job', () => {
      expect(ratioAfter(0, index, 1)).toBeLessThan(2.2);
    });
  },
);
