import type { Millis } from '../job.ts';

/** How ModelStudio bears the polling: how far apart its refusals have driven all polls of this deployment. */
export interface Pressure {
  /** By how much the gaps were stretched at that time, 1 to SPACING_MAX. */
  spacing: number;
  at: Millis;
}

const SPACING_MAX = 8;
const STRETCH = 1.5;
const HALF_LIFE_MILLIS = 60_000;

/** By how much to stretch the gaps between polls now: it falls back by half each minute. */
export function spacingAt(pressure: Pressure | null, now: Millis): number {
  if (pressure === null) return 1;
  const halves = Math.max(0, now - pressure.at) / HALF_LIFE_MILLIS;
  return 1 + (pressure.spacing - 1) * 0.5 ** halves;
}

/** After a 429 or 503. */
export function afterRefusal(pressure: Pressure | null, now: Millis): Pressure {
  return { spacing: Math.min(SPACING_MAX, spacingAt(pressure, now) * STRETCH), at: now };
}

/** Gaps grow with the square root of λ. */
export function lagPerPollUnder(lagPerPoll: number, spacing: number): number {
  return lagPerPoll * spacing ** 2;
}
