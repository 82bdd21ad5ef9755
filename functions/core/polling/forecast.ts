/**
 * The law of optimal spacing: for a hazard h of finishing and λ seconds of lag worth one poll, the best gap is near √(2λ / h), so
 * poll each time ∫ √h dt has grown by √(2λ). A schedule is that integral from 0 to each age of the grid, estimated for a bucket.
 */
export type PollSchedule = Float64Array;

/** A likely duration: log-logistic around `center` (ln seconds) with the scale `width`. */
interface Kernel {
  center: number;
  width: number;
  weight: number;
}

/** Ages in seconds, each a few percent above the last, up to a week. */
const FIRST_AGE_SECONDS = 0.25;
const STEP = Math.log(1.05);
const AGES = Float64Array.from({ length: 300 }, (_, i) =>
  i === 0 ? 0 : FIRST_AGE_SECONDS * Math.exp((i - 1) * STEP),
);
const LOG_FIRST_AGE = Math.log(FIRST_AGE_SECONDS);

/** This far below its center, no job of a kernel has ended; at these odds, all of them have. */
const FLAT_WIDTHS = 30;
const ODDS_MAX = 1e16;

/** The prior for a new model: half a minute or an hour, hardly a second or a day. */
const UNKNOWN = { center: Math.log(20), width: 1.2 };
/** The prior counts as this many observed jobs, so that a surprise never ends the polling. */
const UNKNOWN_WEIGHT = 0.75;
/** A factor of the spread: less would follow randomness, more would blur. Found by `npm run bench -- polling`. */
const WIDTH_SHARE = 0.22;
const WIDTH_MIN = 0.07;

/** How many past durations of a bucket are kept: more would add little, and old ones mislead. */
export const DURATIONS_KEPT = 64;

/** Jobs of one model with about the same number of tasks take about the same time: they share a bucket. */
export function durationBucket(modelId: string, totalTasks: number): string {
  return `${Math.floor(Math.log2(totalTasks))}/${modelId}`;
}

/** A first poll that finds the job ended says little: it may have ended up to this many octaves earlier. */
const BLIND_OCTAVES = 4.5;
/** If fewer of the known jobs ended this early, it is a surprise: the model may have become much faster. */
const SURPRISE_SHARE = 0.3;

/**
 * A duration to record. ModelStudio says only that a job finished between two polls, and the time of the second one would teach us
 * our own delay, again and again. All in seconds, the job last seen running at `from`, or never if that is 0.
 */
export function sampleDuration(from: number, to: number, random: number, known: readonly number[]): number {
  if (from > 0) return from + random * (to - from);
  const asEarly = known.filter((seconds) => seconds <= to).length;
  // For a surprise, all octaves are equally likely; otherwise the last ones are likelier, where such jobs do end.
  const far = asEarly < SURPRISE_SHARE * known.length ? random : random ** 1.75;
  return to * 2 ** (-BLIND_OCTAVES * far);
}

/** @param durations of past jobs of the bucket, in seconds; none for a new bucket */
export function scheduleFor(durations: readonly number[]): PollSchedule {
  const logs = logsOf(durations);
  const width = Math.max(WIDTH_MIN, WIDTH_SHARE * spreadOf(logs) * logs.length ** -0.2);
  const kernels = logs.map((center) => ({ center, width, weight: 1 }));
  return scheduleFrom([{ ...UNKNOWN, weight: UNKNOWN_WEIGHT }, ...kernels]);
}

function logsOf(durations: readonly number[]): number[] {
  return durations.map((seconds) => Math.log(Math.max(seconds, FIRST_AGE_SECONDS)));
}

/** The narrower of two measures, as two clusters far apart must not blur each other. */
function spreadOf(logs: readonly number[]): number {
  if (logs.length < 2) return 1;
  const { deviation } = momentsOf(logs);
  if (logs.length < 4) return deviation;
  const sorted = logs.toSorted((a, b) => a - b);
  const quartile = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0;
  return Math.min(deviation, (quartile(0.75) - quartile(0.25)) / 1.35 || deviation);
}

function momentsOf(logs: readonly number[]): { mean: number; deviation: number } {
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, logs.length - 1)) };
}

/** Early counts of finished tasks say little about a batch's speed: this many weigh as much as the first guess. */
const PROGRESS_NOISE = 0.35;
const PROGRESS_NOISE_MIN = 0.04;
/** Some of a batch's tasks are half done when others are counted, and the last one is slow. */
const UNDER_WAY = 0.5;
const LAST_TASK = 0.06;
/** The assumed spread of the logarithms of the tasks' times, if they all run at once. */
const TASK_SPREAD = 0.5;
const TASK_SPREAD_NOISE = 0.1;
const LAST_TASK_NOISE = 0.15;
const PARALLEL_WEIGHT = 0.6;
/** The prior counts less here than for jobs without progress, as the next count corrects a surprise. */
const UNKNOWN_WEIGHT_IN_BATCH = 0.005;

/** A guess at the logarithm of a duration. */
interface Guess {
  center: number;
  variance: number;
}

/**
 * For a batch that shows progress: its tasks' own speed, shrunk toward its bucket's while few are done. Nobody says whether they
 * run one by one or all at once: the guess that fits the bucket better weighs more.
 * @param age of the job in seconds when `completed` of `total` tasks were done
 */
export function scheduleForBatch(
  durations: readonly number[],
  age: number,
  completed: number,
  total: number,
): PollSchedule {
  const known = durations.length < 2 ? null : momentsOf(logsOf(durations));
  const before = { center: known?.mean ?? UNKNOWN.center, variance: (known?.deviation ?? 2) ** 2 + 0.09 };
  const sequential = posterior(before, ifSequential(age, completed, total));
  const parallel = posterior(before, ifParallel(age, completed, total));
  const fit = parallel.weight * PARALLEL_WEIGHT + sequential.weight || 1;
  return scheduleFrom([
    { ...UNKNOWN, weight: UNKNOWN_WEIGHT_IN_BATCH },
    { ...sequential, weight: sequential.weight / fit },
    { ...parallel, weight: (PARALLEL_WEIGHT * parallel.weight) / fit },
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
    width: Math.max(WIDTH_MIN / 2, Math.sqrt(3 * trust * seen.variance) / Math.PI),
    weight: Math.exp(-(surprise ** 2) / (2 * both)) / Math.sqrt(both),
  };
}

/** Within 0.02 of it, by the logistic curve: at the scale 1.702 the two are closest. */
function normalQuantile(share: number): number {
  return Math.log(share / (1 - share)) / 1.702;
}

function scheduleFrom(kernels: readonly Kernel[]): PollSchedule {
  const survival = survivalOf(kernels);
  const cumulative = new Float64Array(AGES.length);
  for (let i = 1; i < AGES.length; i++) {
    const hazards = Math.log((survival[i - 1] ?? 1) / Math.max(survival[i] ?? 0, 1e-300));
    const seconds = (AGES[i] ?? 0) - (AGES[i - 1] ?? 0);
    cumulative[i] = (cumulative[i - 1] ?? 0) + Math.sqrt(Math.max(0, hazards) * seconds);
  }
  return cumulative;
}

/** The share of jobs that are still running at each age of the grid. */
function survivalOf(kernels: readonly Kernel[]): Float64Array {
  const survival = new Float64Array(AGES.length);
  const total = kernels.reduce((sum, { weight }) => sum + weight, 0);
  for (const { center, width, weight } of kernels) {
    const share = weight / total;
    const begin = indexAbove(center - FLAT_WIDTHS * width);
    for (let i = 0; i < begin; i++) survival[i] = (survival[i] as number) + share;
    // The grid is even in log time, in which a log-logistic kernel's odds of having ended grow by a constant ratio.
    let odds = Math.exp((LOG_FIRST_AGE + (begin - 1) * STEP - center) / width);
    const ratio = Math.exp(STEP / width);
    for (let i = begin; i < AGES.length && odds < ODDS_MAX; i++, odds *= ratio)
      survival[i] = (survival[i] as number) + share / (1 + odds);
  }
  return survival;
}

/** The index of the first age on the grid, beyond 0, whose logarithm is no less. */
function indexAbove(logAge: number): number {
  const place = 1 + Math.ceil((logAge - LOG_FIRST_AGE) / STEP);
  return Math.max(1, Math.min(AGES.length, place));
}

/** Seconds until the next poll; may be less than one, or more than a queue can delay. */
export function secondsToNextPoll(schedule: PollSchedule, age: number, lagPerPollSeconds: number): number {
  const place =
    age <= FIRST_AGE_SECONDS ? age / FIRST_AGE_SECONDS : 1 + Math.log(age / FIRST_AGE_SECONDS) / STEP;
  const last = Math.min(Math.floor(place), AGES.length - 2);
  const wanted = interpolated(AGES, schedule, last, age) + Math.sqrt(2 * lagPerPollSeconds);
  const next = schedule.findIndex((sum) => sum > wanted);
  return next === -1 ? Number.POSITIVE_INFINITY : interpolated(schedule, AGES, next - 1, wanted) - age;
}

/** Where `to` is when `from` is at a value between its i-th and its next one. */
function interpolated(from: Float64Array, to: Float64Array, i: number, value: number): number {
  const [least = 0, most = 0] = [from[i], from[i + 1]];
  const [start = 0, end = 0] = [to[i], to[i + 1]];
  return start + (end - start) * Math.min(1, (value - least) / (most - least));
}
