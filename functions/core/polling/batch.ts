import { type Kernel, type Survival, survivalOf, UNKNOWN } from './survival.ts';

/** Early counts of finished tasks say little: the variance of a batch's speed after one of them, and the deviation that always stays. */
const PROGRESS_NOISE = 0.35;
const PROGRESS_NOISE_MIN = 0.04;
/** Some of a batch's tasks are half done when others are counted, and the last one is slow. */
const UNDER_WAY = 0.5;
const LAST_TASK = 0.06;
/** The assumed spread of the logarithms of the tasks' times, if they all run at once. */
const TASK_SPREAD = 0.5;
const TASK_SPREAD_NOISE = 0.06;
const LAST_TASK_NOISE = 0.15;
/** The prior counts less here than for jobs without progress, as the next count corrects a surprise. */
const UNKNOWN_WEIGHT_IN_BATCH = 0.005;

const WIDTH_MIN = 0.035;

/** A guess at the logarithm of a duration. */
interface Guess {
  center: number;
  variance: number;
}

/**
 * For a batch that shows progress: its tasks' own speed, shrunk toward its kind's while few are done. Nobody says whether they
 * run one by one or all at once: the guess that fits the kind better weighs more.
 * @param age of the job in seconds when `completed` of `total` tasks were done: one at least, and not all
 */
export function survivalOfBatch(
  durations: readonly number[],
  age: number,
  completed: number,
  total: number,
): Survival {
  const known = durations.length < 2 ? null : momentsOf(durations.map(Math.log));
  const before = { center: known?.mean ?? UNKNOWN.center, variance: (known?.deviation ?? 2) ** 2 + 0.09 };
  const sequential = posterior(before, ifSequential(age, completed, total));
  const parallel = posterior(before, ifParallel(age, completed, total));
  const fit = sequential.weight + parallel.weight || 1;
  return survivalOf([
    { ...UNKNOWN, weight: UNKNOWN_WEIGHT_IN_BATCH },
    { ...sequential, weight: sequential.weight / fit },
    { ...parallel, weight: parallel.weight / fit },
  ]);
}

function ifSequential(age: number, completed: number, total: number): Guess {
  return {
    center: Math.log((age * total) / (completed + UNDER_WAY)) + LAST_TASK,
    variance: PROGRESS_NOISE * (1 / completed - 1 / total) + PROGRESS_NOISE_MIN ** 2,
  };
}

function ifParallel(age: number, completed: number, total: number): Guess {
  const deviations =
    normalQuantile((total - 0.4) / (total + 0.2)) - normalQuantile(completed / (total + 0.2));
  return {
    center: Math.log(age) + TASK_SPREAD * deviations,
    variance: (TASK_SPREAD_NOISE * deviations) ** 2 + LAST_TASK_NOISE ** 2,
  };
}

/** The normal-normal posterior of a guess, weighted by how well the guess fits. */
function posterior(before: Guess, seen: Guess): Kernel {
  const both = before.variance + seen.variance;
  const trust = before.variance / both;
  const surprise = seen.center - before.center;
  return {
    center: before.center + trust * surprise,
    // A logistic curve of scale w has the deviation of w·π/√3.
    width: Math.max(WIDTH_MIN, Math.sqrt(3 * trust * seen.variance) / Math.PI),
    weight: Math.exp(-(surprise ** 2) / (2 * both)) / Math.sqrt(both),
  };
}

function momentsOf(logs: readonly number[]): { mean: number; deviation: number } {
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (logs.length - 1)) };
}

/** By the logistic curve, whose shares are within 0.01 of it at the scale 1.702; far out it is too large: 4.4 instead of 3.2 for the last of 1000. */
function normalQuantile(share: number): number {
  return Math.log(share / (1 - share)) / 1.702;
}
