import type { Outcome } from '../functions/core/outcome.ts';
import type { ExchangeRequest } from '../functions/edge/exchange.ts';
import { CANARY, must } from './judge.ts';
import type { Simulation } from './simulation.ts';

const CONNECTION_REFUSED: Outcome = { kind: 'not_connected', code: 'ECONNREFUSED' };

interface UpstreamJob {
  id: string;
  marker: string;
  tasks: number;
  createdAt: number;
  endsAt: number;
  status: 'completed' | 'failed';
  resultBytes: number;
  isForgotten: boolean;
}

/** What is to become of a job, by the marker in its prompt. */
export interface Fate {
  runMillis: number;
  status: 'completed' | 'failed';
  resultBytes: number;
}

/** ModelStudio, with everything that it may do to a client. */
export class SimulatedModelStudio {
  readonly #sim: Simulation;
  readonly #jobs = new Map<string, UpstreamJob>();
  readonly #fates = new Map<string, Fate>();
  readonly creates = new Map<string, number>();
  /** Status requests, by the marker of the job. */
  readonly asked = new Map<string, number>();
  /** Of these, what is asked again at once: refused keys, cut connections, reports for the collector. */
  readonly askedAgain = new Map<string, number>();
  apiKey = `key-1-${CANARY}`;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  destine(marker: string, fate: Fate): void {
    this.#fates.set(marker, fate);
  }

  /** How ModelStudio has ended a job, if it has. */
  endOf(upstreamJobId: string): 'completed' | 'failed' | null {
    const job = this.#jobs.get(upstreamJobId);
    return job && this.#sim.now >= job.endsAt ? job.status : null;
  }

  /** An answer and how long it takes. */
  answer(request: ExchangeRequest): { outcome: Outcome; millis: number } {
    const { random, faults } = this.#sim;
    const millis = this.#sim.duration(20, 400);
    const isAllowed = request.headers['authorization'] === `Bearer ${this.apiKey}`;
    if (!isAllowed) {
      this.#askedAgain(request.url);
      return { outcome: answered(401, { error: 'bad key' }), millis };
    }
    const isFaulty = random.happens(faults.upstream);
    if (request.method === 'POST') return this.#create(request, isFaulty, millis);
    return this.#report(request, isFaulty, millis);
  }

  #create(request: ExchangeRequest, isFaulty: boolean, millis: number) {
    const { random } = this.#sim;
    const fault = isFaulty ? random.pick(CREATE_FAULTS) : null;
    if (fault?.isCreated !== false) {
      const job = this.#newJob(JSON.parse(request.body ?? ''));
      if (!fault) return { outcome: answered(200, { job_id: job.id, status: 'CREATED' }), millis };
    }
    this.#sim.note(`ModelStudio: create ${fault.name}`);
    return { outcome: fault.outcome, millis: fault.name === 'silent' ? 3_600_000 : millis };
  }

  #newJob({ messages }: { messages: { content: string }[][] }): UpstreamJob {
    const marker = messages[0]?.[0]?.content.split(' ')[1] ?? '';
    const { runMillis, status, resultBytes } = this.#fates.get(marker) as Fate;
    const id = `up-${this.#jobs.size + 1}`;
    const { now } = this.#sim;
    const job = {
      id,
      marker,
      tasks: messages.length,
      createdAt: now,
      endsAt: now + runMillis,
      status,
      resultBytes,
      isForgotten: false,
    };
    this.#jobs.set(id, job);
    const creates = (this.creates.get(marker) ?? 0) + 1;
    this.creates.set(marker, creates);
    must(creates === 1, 'I4', () => `${marker} is created ${creates} times: billed twice`);
    return job;
  }

  #report({ url }: ExchangeRequest, isFaulty: boolean, millis: number) {
    const { random, faults } = this.#sim;
    const job = this.#jobAt(url);
    if (job) this.asked.set(job.marker, (this.asked.get(job.marker) ?? 0) + 1);
    if (job && random.happens(faults.forgotten)) job.isForgotten = true;
    if (isFaulty) {
      const fault = random.pick(REPORT_FAULTS);
      const isHandedOver = fault.outcome.kind === 'answered' && fault.outcome.isTruncated;
      if (fault.outcome.kind === 'cut' || isHandedOver) this.#askedAgain(url);
      this.#sim.note(`ModelStudio: report ${fault.name}`);
      return { outcome: fault.outcome, millis: fault.name === 'silent' ? 3_600_000 : millis };
    }
    return { outcome: job && !job.isForgotten ? answered(200, this.#view(job)) : answered(404, {}), millis };
  }

  #jobAt(url: URL): UpstreamJob | undefined {
    return this.#jobs.get(url.pathname.split('/').at(-1) ?? '');
  }

  #askedAgain(url: URL): void {
    const marker = this.#jobAt(url)?.marker;
    if (marker !== undefined) this.askedAgain.set(marker, (this.askedAgain.get(marker) ?? 0) + 1);
  }

  #view({ id, tasks, createdAt, endsAt, status, resultBytes }: UpstreamJob) {
    const { now } = this.#sim;
    const isDone = now >= endsAt;
    const share = Math.min(1, (now - createdAt) / Math.max(1, endsAt - createdAt));
    const result = 'r'.repeat(resultBytes);
    return {
      job_id: id,
      job_status: isDone ? status : 'processing',
      total_tasks: tasks,
      completed_tasks: Math.floor(share * tasks),
      results: isDone
        ? Array.from({ length: tasks }, (_, task_index) => ({
            task_index,
            status: 'completed',
            result,
            error: null,
          }))
        : [],
    };
  }
}

interface UpstreamFault {
  name: string;
  outcome: Outcome;
  isCreated?: boolean;
}

const HALF_A_WORD = Buffer.from('{"job_');
const garbage: Outcome = {
  kind: 'answered',
  status: 200,
  headers: {},
  body: HALF_A_WORD,
  isTruncated: false,
};
const silence: Outcome = { kind: 'timeout', isConnected: true };
const cut: Outcome = { kind: 'cut', code: 'ECONNRESET' };

const CREATE_FAULTS: UpstreamFault[] = [
  { name: 'refused', outcome: CONNECTION_REFUSED, isCreated: false },
  { name: '429', outcome: answered(429, {}, { 'retry-after': '3' }), isCreated: false },
  { name: '503', outcome: answered(503, {}), isCreated: false },
  { name: '500 not created', outcome: answered(500, {}), isCreated: false },
  { name: '500 created', outcome: answered(500, {}), isCreated: true },
  { name: 'garbage, created', outcome: garbage, isCreated: true },
  { name: 'silent', outcome: silence, isCreated: true },
  { name: 'cut, created', outcome: cut, isCreated: true },
];

const REPORT_FAULTS: UpstreamFault[] = [
  { name: 'refused', outcome: CONNECTION_REFUSED },
  { name: '429', outcome: answered(429, {}, { 'retry-after': '20' }) },
  { name: '500', outcome: answered(500, {}) },
  { name: '404 for a moment', outcome: answered(404, {}) },
  { name: 'garbage', outcome: garbage },
  { name: 'silent', outcome: silence },
  { name: 'cut', outcome: cut },
  { name: 'too large', outcome: { ...garbage, isTruncated: true } },
  { name: 'unknown state', outcome: answered(200, { job_status: 'warming_up' }) },
];

function answered(status: number, body: object, headers: Record<string, string> = {}): Outcome {
  return { kind: 'answered', status, headers, body: Buffer.from(JSON.stringify(body)), isTruncated: false };
}
