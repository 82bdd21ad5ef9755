import { DELAY_MAX_SECONDS } from '../sqs-delay.ts';
import { weightsSinceChange } from './change.ts';

/**
 * The law of optimal spacing: for a constant hazard h of ending and λ seconds of lag worth one poll, the best gap g solves
 * exp(hg) - 1 - hg = λh: near √(2λ / h), less where jobs end within a gap. So poll each time ∫ dt / g has grown by 1. A schedule
 * is the integral of the hazard from 0 to each age of the grid, estimated for a kind of jobs.
 */
export type PollSchedule = Float64Array;

/** A likely duration: log-logistic around `center` (ln seconds) with the scale `width`. */
export interface Kernel {
  center: number;
  width: number;
  weight: number;
}

/** Ages in seconds, each two percent above the last, up to six days. */
const FIRST_AGE_SECONDS = 0.25;
const STEP = Math.log(1.02);
const AGES = new Float64Array(740);
for (let i = 1; i < AGES.length; i++) AGES[i] = FIRST_AGE_SECONDS * Math.exp((i - 1) * STEP);
const LOG_FIRST_AGE = Math.log(FIRST_AGE_SECONDS);

/** This far below its center, no job of a kernel has ended; at these odds, all of them have. */
const FLAT_WIDTHS = 14;
const ODDS_MAX = 1e16;

/** The prior for a new model: half a minute or an hour, hardly a second or a day. */
export const UNKNOWN = { center: Math.log(20), width: 1.2 };
/** The prior counts as this many observed jobs, so that a surprise never ends the polling. */
const UNKNOWN_WEIGHT = 0.5;
/** Of a job that has taken longer than all that ended. */
const MUCH_LONGER = Math.log(2);
const MUCH_LONGER_WIDTH = 0.5;
/** A factor of the spread: less would follow randomness, more would blur. Found by `npm run bench -- polling`. */
const WIDTH_SHARE = 0.22;
/** At least so much, unless so many jobs have all taken about the same time. */
export const USUAL_WIDTH = 0.07;
const NARROW_COUNT = 8;
const NARROW_SHARE = 0.25;
const NARROWEST = 0.003;

/**
 * @param known durations of jobs of a kind, in seconds, the latest submission first
 * @param atLeast those of jobs that still run
 */
export function scheduleFor(known: readonly number[], atLeast: readonly number[] = []): PollSchedule {
  const logs = logsOf(known);
  const weights = weightsSinceChange(logs);
  const width = widthOf(logs.filter((_, i) => (weights[i] as number) > 0.5));
  const kernels = logs.map((center, i) => ({ center, width, weight: weights[i] as number }));
  // Where all jobs have taken about the same time, a surprise is less likely.
  const unknown = { ...UNKNOWN, weight: UNKNOWN_WEIGHT * Math.min(1, width / USUAL_WIDTH) };
  return scheduleFrom([unknown, ...withThoseThatRun(kernels, atLeast)]);
}

function widthOf(logs: readonly number[]): number {
  const spread = spreadOf(logs);
  const narrow = Math.max(NARROWEST, NARROW_SHARE * spread);
  const least = logs.length < NARROW_COUNT ? USUAL_WIDTH : Math.min(USUAL_WIDTH, narrow);
  return Math.max(least, WIDTH_SHARE * spread * logs.length ** -0.2);
}

/** A job that still runs counts as those that took longer or, a little, as one that takes much longer. */
function withThoseThatRun(ended: readonly Kernel[], atLeast: readonly number[]): Kernel[] {
  let kernels = [...ended];
  for (const age of logsOf(atLeast).sort((a, b) => a - b)) {
    const longer = kernels.filter(({ center }) => center > age);
    const most = UNKNOWN_WEIGHT + longer.reduce((sum, { weight }) => sum + weight, 0);
    kernels = kernels.map((kernel) =>
      kernel.center > age ? { ...kernel, weight: (kernel.weight * (most + 1)) / most } : kernel,
    );
    kernels.push({ center: age + MUCH_LONGER, width: MUCH_LONGER_WIDTH, weight: UNKNOWN_WEIGHT / most });
  }
  return kernels;
}

export function logsOf(durations: readonly number[]): number[] {
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

export function momentsOf(logs: readonly number[]): { mean: number; deviation: number } {
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, logs.length - 1)) };
}

export function scheduleFrom(kernels: readonly Kernel[]): PollSchedule {
  return survivalOf(kernels).map((alive) => -Math.log(Math.max(alive, 1e-300)));
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

/** A poll that saves less than this share of its price is left out. */
const WORTH_MIN = 0.5;

/** Whole seconds until the next poll; may be more than a queue can delay. */
export function secondsToNextPoll(schedule: PollSchedule, age: number, lagPerPollSeconds: number): number {
  const waitFrom = (from: number) => Math.max(1, Math.round(gapFrom(schedule, from, lagPerPollSeconds)));
  let seconds = waitFrom(age);
  while (seconds < DELAY_MAX_SECONDS) {
    const more = waitFrom(age + seconds);
    // For each job that the poll finds running, so many have ended. Without it, these would wait for the next one.
    const ended = Math.expm1(hazardUpTo(schedule, age + seconds) - hazardUpTo(schedule, age));
    if (ended * more >= WORTH_MIN * lagPerPollSeconds) break;
    seconds += more;
  }
  return seconds;
}

function gapFrom(schedule: PollSchedule, age: number, lagPerPollSeconds: number): number {
  let wanted = 1;
  let from = age;
  for (let i = indexAbove(Math.log(age)); i < AGES.length; i++) {
    const gap = gapAt(hazardBefore(schedule, i), lagPerPollSeconds);
    const to = AGES[i] as number;
    if (to - from >= wanted * gap) return from + wanted * gap - age;
    wanted -= (to - from) / gap;
    from = to;
  }
  return Number.POSITIVE_INFINITY;
}

/** The best gap for a constant hazard: five percent too long where λh is 10, and a quarter where it is 4000. */
function gapAt(hazard: number, lagPerPollSeconds: number): number {
  return (3 * Math.log1p(Math.sqrt(2 * lagPerPollSeconds * hazard) / 3)) / hazard;
}

/** The hazard between an age of the grid and the one before it. */
function hazardBefore(schedule: PollSchedule, i: number): number {
  const more = (schedule[i] as number) - (schedule[i - 1] as number);
  return Math.max(more / ((AGES[i] as number) - (AGES[i - 1] as number)), 1e-300);
}

function hazardUpTo(schedule: PollSchedule, age: number): number {
  const i = Math.min(indexAbove(Math.log(age)), AGES.length - 1);
  return (schedule[i] as number) - hazardBefore(schedule, i) * ((AGES[i] as number) - age);
}
