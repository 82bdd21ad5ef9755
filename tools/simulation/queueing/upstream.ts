import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import { CANARY, must } from '../judge.ts';
import type { Random } from '../random.ts';
import type { Simulation } from '../simulation.ts';

/** `refused`: nothing was created, and ModelStudio says so. `unknown`: nobody but ModelStudio knows. */
export type Outcome = 'created' | 'refused' | 'at fault' | 'unknown';

/** A job there. */
export interface UpstreamJob {
  id: string;
  marker: string;
  createdAt: number;
  endsAt: number;
}

export interface Asked {
  marker: string;
  at: number;
  outcome: Outcome;
  /** By the queue's worker. */
  isQueued: boolean;
  retryAfterSeconds: number;
  /** What was created, whatever was said. */
  job: UpstreamJob | null;
}

export interface Answer {
  name: string;
  outcome: HttpOutcome;
  is: Outcome;
  isCreated?: boolean;
  retryAfterSeconds?: number;
}

/** What it says for a while. */
export interface Outage {
  from: number;
  to: number;
  answer: Answer;
}

const SUBMISSIONS_MAX = 3;

/** ModelStudio as the queue has to do with it: it is away, takes so many creates a second, and fails some. */
export class QueueUpstream {
  readonly #sim: Simulation;
  readonly jobs: UpstreamJob[] = [];
  readonly outages: Outage[];
  /** Creates that it takes in a second; it refuses the others. */
  readonly limit: number;
  /** Jobs that it runs at once; it refuses the others, in one way or the other. */
  readonly #atOnce: { limit: number; refusal: Answer } | null;
  /** The longest that a job takes there. */
  readonly #longestMillis: number;
  readonly #doubts: Random;
  readonly asked: Asked[] = [];
  /** Markers of jobs that may be created more than once. */
  readonly resubmitted = new Set<string>();
  readonly apiKey = `key-1-${CANARY}`;
  /** Told of each create before it is answered, when it has happened. */
  onCreate: (asked: Asked) => void = () => undefined;

  constructor(sim: Simulation, jobsAtOnce: number | null) {
    this.#sim = sim;
    this.#atOnce = jobsAtOnce === null ? null : this.#drawLimit(jobsAtOnce);
    this.#longestMillis = jobsAtOnce === null ? 40_000 : sim.chanceOf('long jobs').pick(LONGEST_MILLIS);
    this.#doubts = sim.chanceOf('doubts');
    const limits = [1, 2, 5, 20, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.limit = sim.chanceOf('outages').pick(limits);
    this.outages = drawOutages(sim);
  }

  #drawLimit(jobsAtOnce: number) {
    const chance = this.#sim.chanceOf('the limit');
    const limit = Math.max(1, jobsAtOnce + chance.pick([-1, 0, 0, 0, 1]));
    const refusal = chance.pick(TOO_MANY);
    const isIn = chance.happens(0.5) && this.#sim.injects(`a limit: ${refusal.name}`, 'ModelStudio');
    return isIn ? { limit, refusal } : null;
  }

  of(marker: string): Asked[] {
    return this.asked.filter((each) => each.marker === marker);
  }

  answer(request: ExchangeRequest): { outcome: HttpOutcome; millis: number; created?: string } {
    const millis = this.#sim.duration(20, 400, 'ModelStudio');
    if (request.method === 'GET') {
      const outcome = this.#report(request.url);
      return { outcome, millis: outcome === silence ? 3_600_000 : millis };
    }
    const marker = markerIn(request.body ?? '');
    const answer = this.#creation();
    const { name, is, retryAfterSeconds = 0, isCreated = is === 'created' } = answer;
    const isQueued = this.#sim.acting?.name === 'create';
    const job = isCreated ? this.#create(marker) : null;
    const asked = { marker, at: this.#sim.now, outcome: is, isQueued, retryAfterSeconds, job };
    this.asked.push(asked);
    this.#sim.note(`ModelStudio: create of ${marker}: ${name}`);
    this.onCreate(asked);
    const most = this.resubmitted.has(marker) ? SUBMISSIONS_MAX : 1;
    const creates = this.of(marker).filter(({ outcome }) => outcome === 'created' || outcome === 'unknown');
    must(creates.length <= most, 'I4', () => `${marker} is created ${creates.length} times`);
    if (job === null) return { outcome: answer.outcome, millis: name === 'silent' ? 3_600_000 : millis };
    if (is !== 'created') return { outcome: answer.outcome, millis };
    return { outcome: answered(200, { job_id: job.id, status: 'CREATED' }), millis, created: job.id };
  }

  #create(marker: string): UpstreamJob {
    const millis = this.#sim.duration(500, this.#longestMillis, 'jobs');
    const job = {
      id: `up-${this.jobs.length + 1}`,
      marker,
      createdAt: this.#sim.now,
      endsAt: this.#sim.now + millis,
    };
    this.jobs.push(job);
    return job;
  }

  #creation(): Answer {
    const now = this.#sim.now;
    const outage = this.outages.find(({ from, to }) => from <= now && now < to);
    if (outage) return outage.answer;
    const chance = this.#sim.fault('upstream', 'ModelStudio', 'create');
    if (chance) return chance.pick(FAULTS);
    const taken = this.asked.filter(({ at, outcome }) => outcome === 'created' && at > now - 1000);
    const running = this.jobs.filter(({ endsAt }) => endsAt > now).length;
    if (this.#atOnce && running >= this.#atOnce.limit) return this.#atOnce.refusal;
    return taken.length >= this.limit ? refusal(429) : { name: 'created', outcome: silence, is: 'created' };
  }

  /** What it says to a review of places about a job that runs; later, that may be taken for an end. */
  #doubtOf({ createdAt, endsAt }: UpstreamJob): HttpOutcome | null {
    const { now, acting } = this.#sim;
    const mayBe = acting?.name === 'create' && now < Math.min(endsAt, createdAt + DOUBTED_MILLIS);
    if (!mayBe || !this.#doubts.happens(DOUBTED_SHARE)) return null;
    const doubt = this.#doubts.pick([UNKNOWN, LARGE]);
    return this.#sim.injects('a job that runs is in doubt', 'ModelStudio') ? doubt : null;
  }

  #report({ pathname }: URL): HttpOutcome {
    const fault = this.#sim.fault('upstream', 'ModelStudio', 'report');
    const id = pathname.split('/').at(-1) ?? '';
    const job = this.jobs.find((each) => each.id === id);
    if (fault) return fault.pick([answered(503, {}), answered(500, {}), cut, silence]);
    if (!job) return UNKNOWN;
    const doubt = this.#doubtOf(job);
    if (doubt) return doubt;
    const isDone = this.#sim.now >= job.endsAt;
    const result = { task_index: 0, status: 'completed', result: 'r', error: null };
    const results = isDone ? [result] : [];
    const counts = { total_tasks: 1, completed_tasks: results.length };
    return answered(200, { job_id: id, job_status: isDone ? 'completed' : 'processing', ...counts, results });
  }
}

export function drawOutages(sim: Simulation): Outage[] {
  const chance = sim.chanceOf('outages');
  let end = sim.now;
  const outages = Array.from({ length: chance.pick([0, 1, 1, 2, 3]) }, () => {
    // One may turn into another.
    const from = end === sim.now || chance.happens(0.5) ? sim.now + chance.between(0, 900) * 1000 : end;
    end = from + chance.pick([2, 20, 60, 400]) * 1000;
    return { from, to: end, answer: chance.pick(OUTAGES) };
  });
  return outages.filter(({ answer }) => sim.injects(`outage: ${answer.name}`, 'ModelStudio'));
}

const UNKNOWN = answered(404, { detail: 'There is no such job' });
/** As of a job that runs, and has large results already. */
const LARGE: HttpOutcome = {
  kind: 'answered',
  status: 200,
  headers: {},
  body: Buffer.from('{'),
  isTruncated: true,
};
/** Less than the ten minutes after which a place is given away whose job may not exist, by clocks that are apart. */
const DOUBTED_MILLIS = 9 * 60_000;
const DOUBTED_SHARE = 0.2;

export const silence: HttpOutcome = { kind: 'timeout', isConnected: true };
export const cut: HttpOutcome = { kind: 'cut', code: 'ECONNRESET' };

export function refusal(status: number, retryAfterSeconds?: number): Answer {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  const name = `${status}${retryAfterSeconds === undefined ? '' : `, come in ${retryAfterSeconds} s`}`;
  return {
    name,
    outcome: answered(status, {}, headers),
    is: 'refused',
    retryAfterSeconds: retryAfterSeconds ?? 0,
  };
}

const OUTAGES: Answer[] = [
  refusal(429),
  refusal(503),
  refusal(503, 20),
  refusal(429, 5),
  refusal(503, 2_000_000),
  refusal(401),
  refusal(402),
  { name: 'no connection', outcome: { kind: 'not_connected', code: 'ECONNREFUSED' }, is: 'refused' },
  { name: '500, not created', outcome: answered(500, {}), is: 'unknown' },
];

const LONGEST_MILLIS = [5000, 40_000, 40_000, 40_000, 120_000, 900_000];

const TOO_MANY: Answer[] = [
  refusal(429),
  { name: '400', outcome: answered(400, { detail: 'There are too many parallel queries' }), is: 'refused' },
];

export const FAULTS: Answer[] = [
  refusal(429),
  refusal(503, 3),
  { name: '400', outcome: answered(400, { detail: 'max_tokens is too large' }), is: 'at fault' },
  { name: '404', outcome: answered(404, { detail: 'The model m is not known' }), is: 'at fault' },
  { name: '500, not created', outcome: answered(500, {}), is: 'unknown' },
  { name: '500, created', outcome: answered(500, {}), is: 'unknown', isCreated: true },
  { name: 'cut, created', outcome: cut, is: 'unknown', isCreated: true },
  { name: 'silent', outcome: silence, is: 'unknown' },
];

export function markerIn(body: string): string {
  return /marker-[\w-]+/.exec(body)?.[0] ?? '';
}

export function answered(status: number, body: object, headers: Record<string, string> = {}): HttpOutcome {
  return { kind: 'answered', status, headers, body: Buffer.from(JSON.stringify(body)), isTruncated: false };
}
