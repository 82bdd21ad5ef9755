/** The share of a kind's jobs that still run at each age of the grid. */
export type Survival = Float64Array;

/** A likely duration: log-logistic around `center` (ln seconds) with the scale `width`. */
export interface Kernel {
  center: number;
  width: number;
  weight: number;
}

/** The prior for a new model: half a minute or an hour, hardly a second or a day. */
export const UNKNOWN = { center: Math.log(20), width: 1.2 };

/** Ages in seconds, each two percent above the last, up to six days. */
export const AGES = new Float64Array(740);
export const LAST = AGES.length - 1;
const FIRST_AGE_SECONDS = 0.25;
const LOG_FIRST_AGE = Math.log(FIRST_AGE_SECONDS);
export const LOG_STEP = Math.log(1.02);
for (let i = 1; i <= LAST; i++) AGES[i] = Math.exp(logAt(i));

/** The logarithm of the age at a place of the grid. */
export function logAt(place: number): number {
  return LOG_FIRST_AGE + (place - 1) * LOG_STEP;
}

/** Where an age lies on the grid: at one of its ages, or in parts between two. */
export function placeOf(age: number): number {
  if (age < FIRST_AGE_SECONDS) return Math.max(0, age / FIRST_AGE_SECONDS);
  return Math.min(LAST, 1 + (Math.log(age) - LOG_FIRST_AGE) / LOG_STEP);
}

/** What a curve over the grid is at a place. */
export function valueAt(curve: Float64Array, place: number): number {
  const i = Math.min(Math.floor(place), LAST - 1);
  const before = curve[i] as number;
  return before + (place - i) * ((curve[i + 1] as number) - before);
}

export function survivalOf(kernels: readonly Kernel[]): Survival {
  const survival = new Float64Array(AGES.length);
  const total = kernels.reduce((sum, { weight }) => sum + weight, 0);
  for (const { center, width, weight } of kernels) {
    const share = weight / total;
    survival[0] = (survival[0] as number) + share;
    for (let i = 1; i <= LAST; i++)
      survival[i] = (survival[i] as number) + share / (1 + Math.exp((logAt(i) - center) / width));
  }
  return survival;
}
