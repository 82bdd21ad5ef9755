import type { Millis } from '../job.ts';

/**
 * How fast queued jobs are created: faster by a constant step while ModelStudio takes them, half as fast after a
 * refusal, as in TCP's congestion control. While it takes none, it is asked with one job at a time.
 */
export interface Pace {
  /** Creates per second. */
  rate: number;
  /** The rate at which ModelStudio last refused a part: near it, the next refusal is due. 0 if there was none. */
  ceiling: number;
  /** Probes in a row that ModelStudio has refused. */
  refusedProbes: number;
  /** Until then, ModelStudio is not asked. */
  nextAt: Millis;
}

/** What came of a few creates at once. */
export interface Round {
  startedAt: Millis;
  answered: number;
  refused: number;
  /** The longest wait that ModelStudio has asked for. */
  retryAfterSeconds: number;
}

const FIRST_RATE = 2;
const RATE_MIN = 0.5;
const RATE_MAX = 40;
const ROUND_SECONDS = 0.5;
const STEP = 1;
/** From this share of the ceiling on, the rate rises by a smaller step; above it by this factor, the ceiling is forgotten. */
const NEAR = 0.95;
const SMALL_SHARE = 0.005;
const BEYOND = 1.2;

const PROBE_MAX_SECONDS = 15;
export const RETRY_AFTER_MAX_SECONDS = 300;

/** After the refusal that made the first job wait. */
export function closedPace(retryAfterSeconds: number, now: Millis): Pace {
  const wait = Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, retryAfterSeconds));
  return { rate: FIRST_RATE, ceiling: 0, refusedProbes: 1, nextAt: now + wait * 1000 };
}

export function roundSize({ rate, refusedProbes }: Pace): number {
  return refusedProbes > 0 ? 1 : Math.max(1, Math.floor(rate * ROUND_SECONDS));
}

/** @param random 0 to 1, which spreads the probes of several deployments */
export function afterRound(pace: Pace, round: Round, now: Millis, random: number): Pace {
  const { startedAt, answered, refused, retryAfterSeconds } = round;
  if (answered + refused === 0) return unasked(pace, now);
  const askedMillis = Math.min(RETRY_AFTER_MAX_SECONDS, retryAfterSeconds) * 1000;
  if (answered === 0) {
    const seconds = Math.min(PROBE_MAX_SECONDS, 2 ** pace.refusedProbes) * (1 - random / 5);
    const nextAt = now + Math.max(askedMillis, seconds * 1000);
    // One refusal says no more than that it was too fast; after several, nothing is known any longer.
    const next =
      pace.refusedProbes === 0 ? slower(pace) : { rate: Math.min(pace.rate, FIRST_RATE), ceiling: 0 };
    return { ...next, refusedProbes: pace.refusedProbes + 1, nextAt };
  }
  const next = refused > 0 ? slower(pace) : faster(pace);
  const nextAt = Math.max(startedAt + ((answered + refused) / next.rate) * 1000, now + askedMillis);
  return { ...next, refusedProbes: 0, nextAt };
}

/** After a while in which ModelStudio was not asked, as with all places taken. */
export function unasked(pace: Pace, now: Millis): Pace {
  return { ...pace, nextAt: now + ROUND_SECONDS * 1000 };
}

function slower({ rate }: Pace): Pick<Pace, 'rate' | 'ceiling'> {
  return { rate: Math.max(RATE_MIN, rate / 2), ceiling: rate };
}

/** Back near the ceiling soon, then carefully, as the next refusal is due there; far beyond it, the ceiling was a mistake. */
function faster({ rate, ceiling }: Pace): Pick<Pace, 'rate' | 'ceiling'> {
  const near = NEAR * ceiling;
  if (rate < near) return { rate: Math.min(near, rate + Math.max(STEP, ceiling / 4)), ceiling };
  const isBeyond = rate >= BEYOND * ceiling;
  const next = Math.min(RATE_MAX, rate + (isBeyond ? STEP : SMALL_SHARE * ceiling));
  return { rate: next, ceiling: isBeyond ? 0 : ceiling };
}
