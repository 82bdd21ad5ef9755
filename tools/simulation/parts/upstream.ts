import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { PartLimits } from '../../../functions/core/parts/row.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import { CANARY } from '../judge.ts';
import type { QueueSystem } from '../queueing/system.ts';
import {
  type Answer,
  answered,
  cut,
  drawOutages,
  FAULTS,
  type Outage,
  type Outcome,
  silence,
} from '../queueing/upstream.ts';
import type { Simulation } from '../simulation.ts';
import { textOf, type Wish } from './wishes.ts';

export type PartsSystem = QueueSystem<PartsUpstream>;

/** A job there. */
export interface PartJob {
  id: string;
  endsAt: number;
  /** Those that fail. */
  failed: ReadonlySet<number>;
  isBroken: boolean;
  /** Its end has been told, whoever heard it. */
  isReported: boolean;
}

/** Conversations that were given to it. */
export interface Given {
  marker: string;
  tasks: readonly number[];
  /** Of the largest, and of all. */
  bytes: number;
  at: number;
  outcome: Outcome;
  /** What was created, whatever was said. */
  job: PartJob | null;
}

const AT_FAULT: Answer = {
  name: '400, for what it holds',
  outcome: answered(400, { detail: 'One of the conversations is too rude' }),
  is: 'at fault',
};
const UNKNOWN_MODEL: Answer = {
  name: '404',
  outcome: answered(404, { detail: 'The model m is not known' }),
  is: 'at fault',
};
const CREATED: Answer = { name: 'created', outcome: silence, is: 'created' };

/** ModelStudio as large jobs have to do with it: it knows each conversation by its text. */
export class PartsUpstream {
  readonly #sim: Simulation;
  readonly outages: Outage[];
  readonly isAlwaysThere: boolean;
  readonly apiKey = `key-1-${CANARY}`;
  readonly wishes = new Map<string, Wish>();
  readonly given: Given[] = [];
  /** When a cancel was answered. */
  readonly cancelledAt = new Map<string, number>();
  readonly #jobs = new Map<string, { given: Given; job: PartJob }>();
  /** Told of each create before it is answered. */
  onGiven: (given: Given) => void = () => undefined;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.outages = drawOutages(sim);
    this.isAlwaysThere = this.outages.length === 0;
  }

  of(marker: string): Given[] {
    return this.given.filter((each) => each.marker === marker);
  }

  answer(request: ExchangeRequest): { outcome: HttpOutcome; millis: number; created?: string } {
    const millis = this.#sim.duration(20, 400, 'ModelStudio');
    if (request.method === 'GET') {
      const outcome = this.#report(request.url);
      return { outcome, millis: outcome === silence ? 3_600_000 : millis };
    }
    const { messages = [] } = JSON.parse(request.body ?? '{}') as { messages?: object[] };
    const texts = messages.map((each) => JSON.stringify(each));
    const [, marker = ''] = / (marker-\d+) task/.exec(texts[0] ?? '') ?? [];
    const tasks = texts.map((text) => Number(new RegExp(`${marker} task (\\d+);`).exec(text)?.[1]));
    const answer = this.#creation(marker, tasks);
    const { name, is, isCreated = is === 'created' } = answer;
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const given: Given = { marker, tasks, bytes, at: this.#sim.now, outcome: is, job: null };
    if (isCreated) given.job = this.#create(given);
    this.given.push(given);
    this.#sim.note(`ModelStudio: create of ${marker}, tasks ${tasks}: ${name}`);
    this.onGiven(given);
    if (given.job === null)
      return { outcome: answer.outcome, millis: name === 'silent' ? 3_600_000 : millis };
    if (is !== 'created') return { outcome: answer.outcome, millis };
    const { id } = given.job;
    return { outcome: answered(200, { job_id: id, status: 'CREATED' }), millis, created: id };
  }

  #create(given: Given): PartJob {
    const { marker, tasks } = given;
    const fate = this.wishes.get(marker)?.fate;
    const times = (task: number) =>
      this.of(marker).filter((each) => each.job !== null && each.tasks.includes(task)).length;
    const failed = new Set(tasks.filter((task) => times(task) < (fate?.failures.get(task) ?? 0)));
    const isBroken = tasks.some((task) => task === fate?.brokenTask);
    const endsAt = this.#sim.now + this.#sim.duration(500, fate?.longestMillis ?? 0, 'jobs');
    const job = { id: `up-${this.#jobs.size + 1}`, endsAt, failed, isBroken, isReported: false };
    this.#jobs.set(job.id, { given, job });
    return job;
  }

  #creation(marker: string, tasks: readonly number[]): Answer {
    const now = this.#sim.now;
    const outage = this.outages.find(({ from, to }) => from <= now && now < to);
    if (outage) return outage.answer;
    const fault = this.#sim.fault('upstream', 'ModelStudio', 'create');
    if (fault) return fault.pick(FAULTS);
    const { isModelUnknown = false, refusedTask = null } = this.wishes.get(marker)?.fate ?? {};
    if (isModelUnknown) return UNKNOWN_MODEL;
    return tasks.some((task) => task === refusedTask) ? AT_FAULT : CREATED;
  }

  #report({ pathname }: URL): HttpOutcome {
    const fault = this.#sim.fault('upstream', 'ModelStudio', 'report');
    if (fault) return fault.pick([answered(503, {}), answered(500, {}), cut, silence]);
    const known = this.#jobs.get(pathname.split('/').at(-1) ?? '');
    if (!known) return answered(404, { detail: 'There is no such job' });
    const { given, job } = known;
    const total_tasks = given.tasks.length;
    const about = { job_id: job.id, total_tasks };
    if (this.#sim.now < job.endsAt)
      return answered(200, { ...about, job_status: 'processing', completed_tasks: 0, results: [] });
    job.isReported = true;
    if (job.isBroken)
      return answered(200, { ...about, job_status: 'failed', completed_tasks: 0, results: [] });
    const results = given.tasks.map((_, index) => this.#result(given, job, index)).reverse();
    return answered(200, { ...about, job_status: 'completed', completed_tasks: total_tasks, results });
  }

  #result({ marker, tasks }: Given, { id, failed }: PartJob, task_index: number): object {
    const task = tasks[task_index] ?? 0;
    if (failed.has(task)) return { task_index, status: 'failed', result: null, error: `${id} failed` };
    const bytes = this.wishes.get(marker)?.fate.bytes ?? 0;
    const result = `${textOf(marker, task)} of ${id};${'.'.repeat(bytes)}`;
    return { task_index, status: 'completed', result, error: null };
  }
}

/** Whether one create takes so much. */
export function isTooMuch({ tasks, bytes }: Given, limits: PartLimits): boolean {
  return tasks.length > limits.conversations || (tasks.length > 1 && bytes > limits.bytes);
}
