import type { Millis } from '../job.ts';

/** How far ModelStudio's refusals have slowed down all polls of this deployment. */
export interface Backpressure {
  /** The factor by which gaps were stretched at that time where jobs end rarely, 1 to SLOWDOWN_MAX. */
  slowdown: number;
  at: Millis;
}

const SLOWDOWN_MAX = 8;
const STRETCH = 1.5;
const HALF_LIFE_MILLIS = 60_000;

/** The factor by which to stretch the gaps between polls now. Its excess over 1 halves each minute. */
export function slowdownAt(backpressure: Backpressure | null, now: Millis): number {
  if (backpressure === null) return 1;
  const halves = Math.max(0, now - backpressure.at) / HALF_LIFE_MILLIS;
  return 1 + (backpressure.slowdown - 1) * 0.5 ** halves;
}

/** After a 429 or 503. */
export function afterThrottle(backpressure: Backpressure | null, now: Millis): Backpressure {
  return { slowdown: Math.min(SLOWDOWN_MAX, slowdownAt(backpressure, now) * STRETCH), at: now };
}
