import type { Random } from './random.ts';

/** The one call that fails in a run in which all else goes well. */
export interface Strike {
  stage: 'poll' | 'deliver';
  /** Until then, this one included. */
  calls: number;
  how: 'error' | 'lost reply';
}

/** How often what goes wrong, each as a probability per occasion. */
export interface Faults {
  /** The worker dies before a call's effect, or after it. */
  crash: number;
  /** The call fails, without its effect. */
  error: number;
  /** The call fails, though it has had its effect. */
  lostReply: number;
  /** The call takes seconds, now and then longer than the function may run. */
  latency: number;
  /** A message is delivered twice. */
  duplicate: number;
  /** A message is delivered seconds or minutes late. */
  late: number;
  /** ModelStudio answers wrongly: 429, 500 (done or not), garbage, silence, a cut, a moment's 404. */
  upstream: number;
  /** ModelStudio forgets a job. */
  forgotten: number;
  /** A receiver fails an attempt, in any of the ways it can. */
  receiver: number;
  /** Keys and secrets are rotated, in a moment in which both sides differ. */
  rotation: boolean;
  /** How far the index lags behind the rows, at most. */
  indexLagMillis: number;
  /** How far a worker's clock is off, at most. */
  skewMillis: number;
  /** How long a queue hides a message; shorter than the function may run makes two workers out of one message. */
  visibilityMillis: number;
  /** All calls take the same time, so that two workers stay in step. */
  isInStep: boolean;
  /** Rows and messages as the version before wrote them. */
  previousVersion: number;
  strike: Strike | null;
}

const QUIET: Faults = {
  crash: 0,
  error: 0,
  lostReply: 0,
  latency: 0,
  duplicate: 0,
  late: 0,
  upstream: 0,
  forgotten: 0,
  receiver: 0,
  rotation: false,
  indexLagMillis: 0,
  skewMillis: 0,
  visibilityMillis: 180_000,
  isInStep: false,
  previousVersion: 0,
  strike: null,
};

/** A fifth of the seeds are quiet, half of those but for one call; each of the others draws a mix of its own, from mild to wild. */
export function drawFaults(random: Random): { faults: Faults; isQuiet: boolean } {
  if (random.happens(0.2)) {
    const strike = random.happens(0.5) ? drawStrike(random) : null;
    return { faults: { ...QUIET, strike }, isQuiet: true };
  }
  const wildness = random.pick([0.02, 0.06, 0.15]);
  const maybe = (share = 0.5) => (random.happens(share) ? wildness * random.fraction() : 0);
  const faults: Faults = {
    crash: maybe(),
    error: maybe(),
    lostReply: maybe(),
    latency: maybe(),
    duplicate: maybe() * 2,
    late: maybe() * 2,
    upstream: maybe() * 4,
    forgotten: maybe(0.2),
    receiver: maybe() * 6,
    rotation: random.happens(0.3),
    indexLagMillis: random.happens(0.5) ? random.between(0, 60_000) : 0,
    skewMillis: random.happens(0.4) ? random.between(0, 3000) : 0,
    visibilityMillis: random.happens(0.3) ? random.between(5, 60) * 1000 : QUIET.visibilityMillis,
    isInStep: random.happens(0.2),
    previousVersion: random.happens(0.2) ? 0.3 : 0,
    strike: null,
  };
  return { faults, isQuiet: false };
}

function drawStrike(random: Random): Strike {
  const how = random.happens(0.7) ? 'error' : 'lost reply';
  return { stage: random.pick(['poll', 'deliver', 'deliver']), calls: random.between(1, 12), how };
}

/** What is left when the faults have ended: liveness is judged from then on. */
export function healed(): Faults {
  return QUIET;
}
