import type { Durations } from './distributions.ts';

const HORIZON_SECONDS = 4 * 3600;
const GAP_MAX_SECONDS = 900;
const STEPS_PER_SECOND = 20;

/** A distribution on a grid of a second. */
export interface Grid {
  /** The share of jobs that still run. */
  survival: Float64Array;
  /** ∫ survival dt from 0. */
  area: Float64Array;
}

export interface Cost {
  /** Polls and seconds of lag of a job, on average. */
  polls: number;
  lag: number;
  /** J = lag + λ · polls. */
  total: number;
}

export function gridOf({ cdf }: Pick<Durations, 'cdf'>): Grid {
  const survival = Float64Array.from({ length: HORIZON_SECONDS + 1 }, (_, second) => 1 - cdf(second));
  const area = new Float64Array(HORIZON_SECONDS + 1);
  for (let second = 0; second < HORIZON_SECONDS; second++) {
    let sum = 0;
    for (let step = 0; step < STEPS_PER_SECOND; step++)
      sum += 1 - cdf(second + (step + 0.5) / STEPS_PER_SECOND);
    area[second + 1] = (area[second] ?? 0) + sum / STEPS_PER_SECOND;
  }
  return { survival, area };
}

/** J* by dynamic programming over all schedules of whole seconds: nothing of the planner's is used here. */
export function optimalCost({ survival, area }: Grid, lagPerPoll: number): number {
  const costFrom = new Float64Array(HORIZON_SECONDS + 1);
  for (let from = HORIZON_SECONDS - 1; from >= 0; from--) {
    const alive = survival[from] ?? 0;
    const reach = Math.min(GAP_MAX_SECONDS, HORIZON_SECONDS - from);
    let best = Number.POSITIVE_INFINITY;
    for (let gap = 1; gap <= reach; gap++) {
      const lag = alive * gap - ((area[from + gap] ?? 0) - (area[from] ?? 0));
      best = Math.min(best, alive * lagPerPoll + lag + (costFrom[from + gap] ?? 0));
    }
    costFrom[from] = best;
  }
  return costFrom[0] ?? 0;
}

/** The exact cost of a schedule that says, at each age, how many seconds to wait. */
export function costOf(grid: Grid, lagPerPoll: number, waitAt: (age: number) => number): Cost {
  const { survival, area } = grid;
  let polls = 0;
  let lag = 0;
  for (let age = 0; age < HORIZON_SECONDS && (survival[age] ?? 0) > 1e-9; ) {
    const wait = Math.min(waitAt(age), HORIZON_SECONDS - age);
    const alive = survival[age] ?? 0;
    polls += alive;
    lag += alive * wait - ((area[age + wait] ?? 0) - (area[age] ?? 0));
    age += wait;
  }
  return { polls, lag, total: lag + lagPerPoll * polls };
}
