import type { Millis } from '../../functions/core/job.ts';
import type { Service } from '../../test/cloud/clients.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import type { Random } from './random.ts';
import { drawRollout, type Rollout } from './rollout.ts';

/** What becomes of one request of the SDK, which sends another when it has failed. */
export type AttemptFate = 'well' | 'slow' | 'fails' | 'reply lost' | 'hangs' | 'hangs, done';

/** The one call that fails in a run in which all else goes well: with all that the SDK tries. */
export interface Strike {
  stage: FunctionName;
  /** Until then, this one included. */
  calls: number;
  /** `repeated`: one answer is lost, and the SDK sends the same request again, which nobody should notice. */
  how: Exclude<AttemptFate, 'well' | 'slow'> | 'repeated';
}

/** A service of AWS that is away for a while, from whenever it is. */
export interface Outage {
  service: Service;
  from: Millis;
  to: Millis;
  how: 'fails' | 'hangs';
}

const ROLLOUT_SHARE = 0.12;
const FOCUS_SHARE = 0.3;
const FOCI = ['crash', 'error', 'lostReply', 'duplicate', 'forgotten'] as const satisfies (keyof Faults)[];

/** One kind of fault that strikes one of those who act far more often than all else: what is rare in a mix is common there. */
export interface Focus {
  fault: (typeof FOCI)[number];
  who: FunctionName | 'ModelStudio';
}

/** How often what goes wrong, each as a probability per occasion. */
export interface Faults {
  /** The environment dies before a call's effect, or after it. */
  crash: number;
  /** The call fails, without its effect. */
  error: number;
  /** The call fails, though it has had its effect. */
  lostReply: number;
  /** The call takes seconds. */
  slow: number;
  /** The call is not answered at all, done or not. */
  hang: number;
  outages: Outage[];
  /** DynamoDB leaves a key of many unread. */
  unprocessed: number;
  /** SQS does not take a message of a batch. */
  partialSend: number;
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
  /** How far an index lags behind the rows, at most. */
  indexLagMillis: number;
  /** How many entries of an index come in one page at most. */
  pageMax: number;
  /** How far an environment's clock is off, at most. */
  skewMillis: number;
  /** How long a queue hides a message; shorter than the function may run makes two workers out of one message. */
  visibilityMillis: number | null;
  /** How many functions may run at once. */
  concurrency: number;
  /** All calls take the same time, so that two workers stay in step. */
  isInStep: boolean;
  /** The share of environments of the release before, whose rows and messages lack what is new. */
  olderRelease: number;
  rollout: Rollout | null;
  strike: Strike | null;
  focus: Focus | null;
}

/** Those that last as long as the faults do, and what happens by them. A run may do without each. */
const CONDITIONS = {
  outages: 'a service is away',
  rotation: 'keys are rotated',
  indexLagMillis: 'indexes lag',
  pageMax: 'pages are short',
  skewMillis: 'clocks differ',
  visibilityMillis: 'messages come again early',
  concurrency: 'functions are throttled',
  isInStep: 'workers are in step',
  rollout: 'a later release comes, goes and returns',
  strike: 'one call fails',
} as const satisfies Partial<Record<keyof Faults, string>>;
type Condition = keyof typeof CONDITIONS;

/** Those that are drawn anew at each occasion, by their probability. */
export type Chance = Exclude<keyof Faults, Condition | 'focus'>;

const QUIET: Faults = {
  crash: 0,
  error: 0,
  lostReply: 0,
  slow: 0,
  hang: 0,
  outages: [],
  unprocessed: 0,
  partialSend: 0,
  duplicate: 0,
  late: 0,
  upstream: 0,
  forgotten: 0,
  receiver: 0,
  rotation: false,
  indexLagMillis: 0,
  pageMax: 100,
  skewMillis: 0,
  visibilityMillis: null,
  concurrency: Number.POSITIVE_INFINITY,
  isInStep: false,
  olderRelease: 0,
  rollout: null,
  strike: null,
  focus: null,
};

/** A quarter of the seeds are quiet, most of those but for one call; some have one kind of fault alone, and each of the others a mix of its own, from mild to wild. */
export function drawFaults(random: Random, start: Millis): { faults: Faults; isQuiet: boolean } {
  if (random.happens(0.25)) {
    const strike = random.happens(0.6) ? drawStrike(random) : null;
    return { faults: { ...QUIET, strike }, isQuiet: true };
  }
  const focus = random.happens(0.35) ? drawFocus(random) : null;
  if (focus && random.happens(0.6)) return { faults: { ...QUIET, focus }, isQuiet: false };
  const wildness = random.pick([0.02, 0.06, 0.15]);
  const maybe = (share = 0.5) => (random.happens(share) ? wildness * random.fraction() : 0);
  const faults: Faults = {
    crash: maybe(),
    error: maybe(),
    lostReply: maybe(),
    slow: maybe() * 2,
    hang: maybe(),
    outages: random.happens(0.3) ? [drawOutage(random, start)] : [],
    unprocessed: maybe() * 4,
    partialSend: maybe(),
    duplicate: maybe() * 2,
    late: maybe() * 2,
    upstream: maybe() * 4,
    forgotten: maybe(0.5),
    receiver: maybe() * 6,
    rotation: random.happens(0.3),
    indexLagMillis: random.happens(0.5) ? random.between(0, 60_000) : 0,
    pageMax: random.pick([1, 3, 100]),
    skewMillis: random.happens(0.4) ? random.between(0, 3000) : 0,
    visibilityMillis: random.happens(0.3) ? random.between(5, 60) * 1000 : null,
    concurrency: random.happens(0.2) ? random.pick([1, 2, 3, 10]) : Number.POSITIVE_INFINITY,
    isInStep: random.happens(0.2),
    olderRelease: random.happens(0.2) ? 0.3 : 0,
    rollout: null,
    strike: null,
    focus,
  };
  return { faults, isQuiet: false };
}

function drawStrike(random: Random): Strike {
  const how = random.pick(['fails', 'fails', 'fails', 'reply lost', 'hangs, done', 'hangs'] as const);
  const isRepeated = random.happens(0.3);
  if (isRepeated)
    return {
      stage: random.pick(['submit', 'poll', 'deliver']),
      calls: random.between(1, 8),
      how: 'repeated',
    };
  return { stage: random.pick(['poll', 'deliver', 'deliver']), calls: random.between(1, 10), how };
}

/** Secrets Manager may be away from the very first call on. */
function drawOutage(random: Random, start: Millis): Outage {
  const from = start + (random.happens(0.3) ? 0 : random.between(0, 900) * 1000);
  const to = from + random.pick([5, 60, 300]) * 1000;
  const service = random.pick(['secrets', 's3', 'sqs', 'dynamodb'] as const);
  return { service, from, to, how: random.pick(['fails', 'hangs']) };
}

/** In some of the seeds with faults, a later release comes and goes, in half of them without anything else. */
export function withRollout(faults: Faults, random: Random, start: Millis): Faults {
  if (!random.happens(ROLLOUT_SHARE)) return faults;
  const rollout = drawRollout(random, start);
  return { ...(rollout.isAlone ? { ...QUIET, olderRelease: random.pick([0, 0.3]) } : faults), rollout };
}

/** Each call takes its time, and an index has its entries in pages of one. */
export function slowed(): Faults {
  return { ...QUIET, slow: 1, pageMax: 1 };
}

function drawFocus(random: Random): Focus {
  const fault = random.pick([...FOCI, 'forgotten'] as const);
  const who = random.pick(['submit', 'jobs', 'poll', 'collect', 'deliver', 'sweep'] as const);
  return { fault, who: fault === 'forgotten' ? 'ModelStudio' : who };
}

/** How probable a fault is, whenever there is occasion for it. */
export function probabilityOf(faults: Faults, fault: Chance, who: string): number {
  const { focus } = faults;
  return focus !== null && focus.fault === fault && focus.who === who ? FOCUS_SHARE : faults[fault];
}

/** Without those of the lasting faults that a run is to do without. */
export function withConditions(drawn: Faults, isIn: (what: string) => boolean): Faults {
  const faults = { ...drawn };
  const doWithout = <C extends Condition>(condition: C) => {
    faults[condition] = QUIET[condition];
  };
  for (const [condition, what] of Object.entries(CONDITIONS) as [Condition, string][]) {
    const isDrawn = String(drawn[condition]) !== String(QUIET[condition]);
    if (isDrawn && !isIn(what)) doWithout(condition);
  }
  return faults;
}

/** The state when the faults have ended: liveness is checked from then on. */
export function healed(): Faults {
  return QUIET;
}
