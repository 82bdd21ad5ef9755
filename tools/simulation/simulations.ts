import { simulateParts } from './parts/simulate.ts';
import { simulateQueue } from './queueing/simulate.ts';
import { type Run, simulate } from './simulate.ts';

export const SIMULATIONS = { jobs: simulate, queue: simulateQueue, parts: simulateParts };

/** Where all are run: every so many seeds are of each, too. */
const EVERY = { jobs: 1, queue: 5, parts: 5 } as const satisfies Record<Run['of'], number>;

/** @param only null: a share of all */
export function simulationsOf(seed: number, only: Run['of'] | null): Run['of'][] {
  if (only !== null) return [only];
  return (Object.keys(SIMULATIONS) as Run['of'][]).filter((each) => seed % EVERY[each] === 0);
}
