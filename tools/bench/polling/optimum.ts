import type { Durations } from './distributions.ts';

const HORIZON_SECONDS = 4 * 3600;
const GAP_MAX_SECONDS = 900;
const STEPS_PER_SECOND = 20;
/** So few jobs that still run change no digit that is shown. */
const NOBODY = 1e-9;

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

/** Seconds to wait at each age before the nth look, from 0. */
export type WaitAt = (age: number, nth: number) => number;

/** J* and how it comes about. */
export function optimalCost(grid: Grid, lagPerPoll: number): Cost {
  return costOf(grid, lagPerPoll, optimalWaits(grid, lagPerPoll));
}

/**
 * The best of all schedules of whole seconds, by dynamic programming: nothing of the planner's is used here. Where
 * nobody is expected to run any more, it looks each second.
 */
export function optimalWaits({ survival, area }: Grid, lagPerPoll: number): WaitAt {
  const costFrom = new Float64Array(HORIZON_SECONDS + 1);
  const bestGap = new Uint16Array(HORIZON_SECONDS + 1);
  for (let from = HORIZON_SECONDS - 1; from >= 0; from--) {
    const alive = survival[from] as number;
    if (alive <= NOBODY) continue;
    const reach = Math.min(GAP_MAX_SECONDS, HORIZON_SECONDS - from);
    let best = Number.POSITIVE_INFINITY;
    for (let gap = 1; gap <= reach; gap++) {
      const cost = alive * gap - (area[from + gap] as number) + (costFrom[from + gap] as number);
      if (cost < best) {
        best = cost;
        bestGap[from] = gap;
      }
    }
    costFrom[from] = best + alive * lagPerPoll + (area[from] as number);
  }
  return (age) => (age < HORIZON_SECONDS ? bestGap[age] || 1 : GAP_MAX_SECONDS);
}

/** What a schedule costs for a job that takes so many seconds. */
export function costFor(seconds: number, lagPerPoll: number, waitAt: WaitAt): Cost {
  let polls = 0;
  let age = 0;
  do age += waitAt(age, polls++);
  while (age < seconds);
  const lag = age - seconds;
  return { polls, lag, total: lag + lagPerPoll * polls };
}

/** The exact cost of a schedule. */
export function costOf({ survival, area }: Grid, lagPerPoll: number, waitAt: WaitAt): Cost {
  let polls = 0;
  let lag = 0;
  let nth = 0;
  for (let age = 0; age < HORIZON_SECONDS && (survival[age] as number) > NOBODY; nth++) {
    const wait = Math.min(waitAt(age, nth), HORIZON_SECONDS - age);
    const alive = survival[age] as number;
    polls += alive;
    lag += alive * wait - ((area[age + wait] as number) - (area[age] as number));
    age += wait;
  }
  return { polls, lag, total: lag + lagPerPoll * polls };
}
