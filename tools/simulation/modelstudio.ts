import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import {
  DIALECTS,
  type Dialect,
  dialectNamed,
  type Report,
  spellCreated,
  spellReport,
  type Task,
} from '../local/sandbox/dialects.ts';
import { CANARY, must, PROMPT } from './judge.ts';
import { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

/** Within the minute for which we ask on. */
const LATE_MAX_MILLIS = 30_000;

const CONNECTION_REFUSED: HttpOutcome = { kind: 'not_connected', code: 'ECONNREFUSED' };

/** What may be odd about the results of a job, for good. */
const QUIRKS = ['unreadable results', 'surplus result', 'results of any size'] as const;

interface UpstreamJob {
  id: string;
  marker: string;
  tasks: number;
  createdAt: number;
  endsAt: number;
  status: 'completed' | 'failed';
  resultBytes: number;
  /** A character that takes one byte, or three. */
  letter: string;
  isForgotten: boolean;
  /** With escapes, and numbers that are too long for a parser. */
  isOddlyWritten: boolean;
  /** One of its results comes later than the job's end, or never. */
  late: { index: number; at: number } | null;
  quirk: (typeof QUIRKS)[number] | null;
}

/** What will happen to a job, by the marker in its prompt. */
export interface Fate {
  runMillis: number;
  status: 'completed' | 'failed';
  resultBytes: number;
  letter: 'r' | '€';
}

/** ModelStudio, with everything that it may do to a client. */
export class SimulatedModelStudio {
  readonly #sim: Simulation;
  readonly #jobs = new Map<string, UpstreamJob>();
  readonly #fates = new Map<string, Fate>();
  /** Draws what came later, so that older seeds keep their runs. */
  readonly #own: Random;
  readonly #words: Random;
  readonly #dialect: Dialect;
  readonly #outage: { from: number; to: number; stranger: UpstreamFault };
  readonly creates = new Map<string, number>();
  /** Status requests, by the marker of the job. */
  readonly asked = new Map<string, number>();
  /** Markers of jobs of which some create may have been made, by what was answered. */
  readonly uncertain = new Set<string>();
  /** Of these, the calls that are repeated at once: refused keys, cut connections, reports for the collector. */
  readonly askedAgain = new Map<string, number>();
  /** Told of each question about a job, and of how long its answer takes. */
  onReport: (upstreamJobId: string, millis: number) => void = () => undefined;
  apiKey = `key-1-${CANARY}`;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#own = new Random(sim.seed + 1);
    this.#words = new Random(sim.seed + 4);
    const dialect = this.#own.pick(Object.keys(DIALECTS));
    this.#dialect = dialectNamed(dialect);
    const from = sim.now + this.#own.between(0, 600_000);
    const isDrawn = this.#own.happens(0.3) && sim.faults.upstream > 0;
    const to = isDrawn ? from + this.#own.between(60_000, 900_000) : from;
    const isOutage = isDrawn && sim.injects('outage', 'ModelStudio');
    this.#outage = { from, to: isOutage ? to : from, stranger: this.#own.pick(STRANGERS) };
    sim.note(`ModelStudio speaks ${dialect}`);
  }

  destine(marker: string, fate: Fate): void {
    this.#fates.set(marker, fate);
  }

  /** It may create the job once more. */
  absolve(marker: string): void {
    this.creates.delete(marker);
  }

  /** How ModelStudio has ended a job, if it has. */
  endOf(upstreamJobId: string): 'completed' | 'failed' | null {
    const job = this.#jobs.get(upstreamJobId);
    return job && this.#sim.now >= job.endsAt ? job.status : null;
  }

  endsAt(upstreamJobId: string): number | undefined {
    return this.#jobs.get(upstreamJobId)?.endsAt;
  }

  /** An answer and how long it takes. `onReport` learns of a job on which the answer reports. */
  answer(
    request: ExchangeRequest,
    onReport: (upstreamJobId: string) => void,
  ): { outcome: HttpOutcome; millis: number; created?: string } {
    const millis = this.#sim.duration(20, 400, 'ModelStudio');
    const isAllowed = request.headers['authorization'] === `Bearer ${this.apiKey}`;
    if (!isAllowed) {
      this.#askedAgain(request.url);
      return { outcome: answered(401, { error: 'bad key' }), millis };
    }
    const what = request.method === 'POST' ? 'create' : 'report';
    const chance = this.#sim.fault('upstream', 'ModelStudio', what);
    const stranger = this.#strangerNow(chance);
    if (stranger && (request.method !== 'POST' || isRefusal(stranger.outcome))) {
      this.#sim.note(`ModelStudio: ${stranger.name} in its place`);
      const job = this.#jobAt(request.url);
      if (job) this.asked.set(job.marker, (this.asked.get(job.marker) ?? 0) + 1);
      return { outcome: this.#worded(stranger, request).outcome, millis };
    }
    if (request.method === 'POST') return this.#create(request, chance, millis);
    return this.#report(request, chance, millis, onReport);
  }

  /** A proxy in front of ModelStudio answers in its place: for a while, or now and then. */
  #strangerNow(chance: Random | null): UpstreamFault | null {
    if (this.#sim.faults.upstream === 0) return null;
    const { from, to, stranger } = this.#outage;
    if (this.#sim.now >= from && this.#sim.now < to) return stranger;
    return chance?.happens(0.3) ? chance.pick(STRANGERS) : null;
  }

  #create(request: ExchangeRequest, chance: Random | null, millis: number) {
    const fault = chance?.pick(CREATE_FAULTS);
    if (fault?.isCreated !== false) {
      const job = this.#newJob(JSON.parse(request.body ?? ''));
      const answer = { job_id: job.id, status: 'CREATED', message: 'ok' };
      if (!fault)
        return { outcome: answered(200, spellCreated(answer, this.#dialect)), millis, created: job.id };
    }
    this.#sim.note(`ModelStudio: create ${fault.name}`);
    if (!isRefusal(fault.outcome)) this.uncertain.add(markerIn(JSON.parse(request.body ?? '')));
    const { outcome } = this.#worded(fault, request);
    return { outcome, millis: fault.name === 'silent' ? 3_600_000 : millis };
  }

  /** A create is refused in other words now and then, of which some quote the prompt. */
  #worded(fault: UpstreamFault, { method }: ExchangeRequest): UpstreamFault {
    const others = method === 'POST' ? WORDINGS[fault.name] : undefined;
    return others && this.#words.happens(0.6) ? this.#words.pick(others) : fault;
  }

  #newJob({ messages }: Asked): UpstreamJob {
    const marker = markerIn({ messages });
    const { runMillis, status, resultBytes, letter } = this.#fates.get(marker) as Fate;
    const id = this.#dialect.jobId?.(this.#jobs.size) ?? `up-${this.#jobs.size + 1}`;
    const { now } = this.#sim;
    const late = this.#drawLate(messages.length, now + runMillis);
    const job = {
      id,
      marker,
      tasks: messages.length,
      createdAt: now,
      endsAt: now + runMillis,
      status,
      resultBytes,
      letter,
      isForgotten: false,
      isOddlyWritten: resultBytes < 100 && this.#words.happens(0.5),
      late,
      // Of results of which one is missing and one too many, nobody can tell which is which.
      quirk: late ? null : this.#drawQuirk(),
    };
    this.#jobs.set(id, job);
    const creates = (this.creates.get(marker) ?? 0) + 1;
    this.creates.set(marker, creates);
    must(creates === 1, 'I4', () => `${marker} is created ${creates} times: billed twice`);
    return job;
  }

  #drawLate(tasks: number, endsAt: number): UpstreamJob['late'] {
    if (this.#sim.isQuiet || !this.#own.happens(0.2)) return null;
    const index = this.#own.between(0, tasks - 1);
    const at = this.#own.happens(0.3)
      ? Number.POSITIVE_INFINITY
      : endsAt + this.#own.between(1, LATE_MAX_MILLIS);
    return this.#sim.injects('late result', 'ModelStudio') ? { index, at } : null;
  }

  #drawQuirk(): UpstreamJob['quirk'] {
    if (this.#sim.isQuiet || !this.#own.happens(0.1)) return null;
    const quirk = this.#own.pick(QUIRKS);
    return this.#sim.injects(quirk, 'ModelStudio') ? quirk : null;
  }

  #report(
    { url }: ExchangeRequest,
    chance: Random | null,
    millis: number,
    onReport: (upstreamJobId: string) => void,
  ) {
    const job = this.#jobAt(url);
    if (job) this.asked.set(job.marker, (this.asked.get(job.marker) ?? 0) + 1);
    if (job && this.#sim.fault('forgotten', 'ModelStudio', 'report')) job.isForgotten = true;
    if (chance) {
      const fault = chance.pick(REPORT_FAULTS);
      const isHandedOver = fault.outcome.kind === 'answered' && fault.outcome.isTruncated;
      const isSilent = fault.name === 'silent';
      if (fault.outcome.kind === 'cut' || isHandedOver || isSilent) this.#askedAgain(url);
      this.#sim.note(`ModelStudio: report ${fault.name}`);
      return { outcome: fault.outcome, millis: fault.name === 'silent' ? 3_600_000 : millis };
    }
    if (!job || job.isForgotten) return { outcome: answered(404, {}), millis };
    const quirk = this.endOf(job.id) === 'completed' ? job.quirk : null;
    // Nobody has read it to its end, so it says nothing.
    if (quirk === 'results of any size') return { outcome: { ...garbage, isTruncated: true }, millis };
    onReport(job.id);
    this.onReport(job.id, millis);
    if (quirk === 'unreadable results')
      return { outcome: answered(200, { job_status: 'completed', results: 'lost' }), millis };
    const outcome = answered(200, spellReport(this.#view(job), this.#dialect));
    return { outcome: job.isOddlyWritten ? oddlyWritten(outcome) : outcome, millis };
  }

  #jobAt(url: URL): UpstreamJob | undefined {
    return this.#jobs.get(url.pathname.split('/').at(-1) ?? '');
  }

  #askedAgain(url: URL): void {
    const marker = this.#jobAt(url)?.marker;
    if (marker !== undefined) this.askedAgain.set(marker, (this.askedAgain.get(marker) ?? 0) + 1);
  }

  #view(job: UpstreamJob): Report {
    const { id, tasks, createdAt, endsAt, status } = job;
    const { now } = this.#sim;
    const isDone = now >= endsAt;
    const share = Math.min(1, (now - createdAt) / Math.max(1, endsAt - createdAt));
    const given = job.quirk === 'surplus result' ? tasks + 1 : tasks;
    const isGiven = ({ task_index }: Task) => job.late?.index !== task_index || now >= job.late.at;
    return {
      job_id: id,
      job_status: isDone ? status : 'processing',
      total_tasks: tasks,
      completed_tasks: Math.floor(share * tasks),
      results: isDone ? Array.from({ length: given }, (_, index) => taskOf(job, index)).filter(isGiven) : [],
    };
  }

  /** What a finished job must bring for each of its conversations; null for what was never given. */
  resultsOf(upstreamJobId: string): (string | null)[] {
    const job = this.#jobs.get(upstreamJobId);
    if (!job) return [];
    const isNever = (index: number) => job.late?.index === index && job.late.at === Number.POSITIVE_INFINITY;
    // By order alone, nobody can tell which is missing.
    if (job.late && isByOrder(this.#dialect)) return [];
    return Array.from({ length: job.tasks }, (_, index) =>
      isNever(index) ? null : taskOf(job, index).result,
    );
  }

  /** ModelStudio does not know the job, or has answered as if it did not. */
  hasForgotten(upstreamJobId: string): boolean {
    return this.#jobs.get(upstreamJobId)?.isForgotten ?? true;
  }
}

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;

interface Asked {
  messages: { content: string }[][];
}

function markerIn({ messages }: Asked): string {
  return messages[0]?.[0]?.content.split(' ')[1] ?? '';
}

function taskOf({ resultBytes, letter }: UpstreamJob, task_index: number): Task {
  const result = `${task_index}:${letter.repeat(Math.ceil(resultBytes / Buffer.byteLength(letter)))}`;
  return { task_index, status: 'completed', result, error: null };
}

function isByOrder({ task, report }: Dialect): boolean {
  const spelled = task?.({ task_index: 7, status: 'completed', result: 'r', error: null });
  const isIndexed = spelled === undefined || JSON.stringify(spelled).includes('7');
  return !isIndexed && report === undefined;
}

/** The same JSON, in bytes that no parser would write. */
function oddlyWritten(outcome: Answered): Answered {
  const text = outcome.body.toString();
  const escaped = text.replaceAll('€', '\\u20AC').replace(/(\d):r/g, '$1:\\u0072');
  const weighed = escaped.replaceAll('"task_index":', '"weight":12345678901234567890.10,"task_index":');
  return { ...outcome, body: Buffer.from(weighed) };
}

/** By which nothing is created. */
function isRefusal(outcome: HttpOutcome): boolean {
  if (outcome.kind !== 'answered') return outcome.kind === 'not_connected';
  const { status } = outcome;
  return status === 503 || (status >= 300 && status < 500 && status !== 408);
}

interface UpstreamFault {
  name: string;
  outcome: HttpOutcome;
  isCreated?: boolean;
}

const HALF_A_WORD = Buffer.from('{"job_');
const garbage: HttpOutcome = {
  kind: 'answered',
  status: 200,
  headers: {},
  body: HALF_A_WORD,
  isTruncated: false,
};
const silence: HttpOutcome = { kind: 'timeout', isConnected: true };
const cut: HttpOutcome = { kind: 'cut', code: 'ECONNRESET' };

const CREATE_FAULTS: UpstreamFault[] = [
  { name: 'refused', outcome: CONNECTION_REFUSED, isCreated: false },
  { name: '429', outcome: answered(429, {}, { 'retry-after': '3' }), isCreated: false },
  { name: '503', outcome: answered(503, {}), isCreated: false },
  { name: '400', outcome: answered(400, { detail: 'max_tokens is too large' }), isCreated: false },
  { name: '404', outcome: answered(404, { detail: 'The model m is not known' }), isCreated: false },
  { name: '503 for weeks', outcome: answered(503, {}, { 'retry-after': '2000000' }), isCreated: false },
  { name: '500 not created', outcome: answered(500, {}), isCreated: false },
  { name: '500 created', outcome: answered(500, {}), isCreated: true },
  { name: '502 created', outcome: inText(502, '<h1>Bad Gateway</h1>'), isCreated: true },
  { name: '504 created', outcome: inText(504, '<h1>Gateway Time-out</h1>'), isCreated: true },
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

/** An ingress that reloads, a maintenance page, a gateway, a plan that is used up. */
const STRANGERS: UpstreamFault[] = [
  { name: 'an ingress', outcome: inText(404, 'default backend - 404') },
  { name: 'a page', outcome: inText(200, '<!doctype html><title>Back soon</title>') },
  { name: 'a page of 404', outcome: inText(404, '<h1>Not Found</h1>') },
  { name: 'a redirect', outcome: answered(302, {}, { location: 'https://login.example.com/' }) },
  { name: '402', outcome: answered(402, { detail: 'Credits used up' }) },
];

/** Refusals of the same kind. */
const WORDINGS: Record<string, UpstreamFault[]> = {
  '400': [
    { name: '400, quoting', outcome: answered(400, { detail: `The content "${PROMPT}" is too long` }) },
    { name: '422', outcome: answered(422, { detail: 'temperature is too high' }) },
    { name: '413', outcome: answered(413, { detail: 'too much' }) },
  ],
  '402': [
    { name: '402, quoting', outcome: answered(402, { detail: `Your plan does not cover "${PROMPT}"` }) },
    { name: '403', outcome: answered(403, { detail: 'This account may not generate' }) },
    { name: '403, quoting', outcome: answered(403, { detail: `This account may not ask "${PROMPT}"` }) },
    { name: '409', outcome: answered(409, { detail: 'The slow-model-7b is being moved' }) },
  ],
  '404': [{ name: '404 of a router', outcome: answered(404, { detail: 'Not Found' }) }],
  '429': [
    { name: '429, soon', outcome: answered(429, {}, { 'retry-after': '0.4' }) },
    { name: '429, at once', outcome: answered(429, {}, { 'retry-after': '0' }) },
    { name: '429, in an hour and a second', outcome: answered(429, {}, { 'retry-after': '3601' }) },
  ],
};

function inText(status: number, text: string): HttpOutcome {
  return { kind: 'answered', status, headers: {}, body: Buffer.from(text), isTruncated: false };
}

function answered(status: number, body: object, headers: Record<string, string> = {}): Answered {
  return { kind: 'answered', status, headers, body: Buffer.from(JSON.stringify(body)), isTruncated: false };
}
