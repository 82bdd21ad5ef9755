import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { faultsInAnswer } from './answers.ts';
import { type Description, faultIn, type Operation, type Schema } from './description.ts';
import type { Likely } from './instances.ts';
import { type Caller, type Request, type Step, sequences } from './requests.ts';
import { type Answer, send } from './send.ts';
import { verdictOn } from './verdict.ts';

export interface World {
  origin: string;
  description: Description;
  callers: Caller[];
  /** Jobs, uploads and cursors that are there before anything is asked. */
  jobIds: string[];
  uploadIds: string[];
  cursors: string[];
  webhookUrls: string[];
}

export interface Exploration {
  seed: number;
  sequences: number;
  operations: Operation[];
  likely: Likely;
  /** The 5xx that may be met, as ModelStudio gives cause for them. */
  failures: number[];
}

/** What one sequence has met, the newest first. */
interface Memory {
  run: string;
  jobIds: string[];
  uploadIds: string[];
  cursors: string[];
}

/** How often each operation was answered with each status; '' is no operation of the document. */
export type Census = Record<string, Record<number, number>>;

const SHOWN_MAX = 600;
/** When something is wrong, the time to find the smallest sequence that shows it. */
const SHRINK_MILLIS = 60_000;

/** Sends sequences of requests that a document gives rise to, and compares every answer with it. */
export class Explorer {
  readonly census: Census = {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get requests(): number {
    return Object.values(this.census)
      .flatMap(Object.values<number>)
      .reduce((sum, count) => sum + count, 0);
  }

  async explore({ seed, sequences: numRuns, operations, likely, failures }: Exploration): Promise<void> {
    const all = sequences(operations, { callers: this.#world.callers, likely });
    const property = fc.asyncProperty(all, (steps) => this.#play(steps, failures));
    await fc.assert(property, { seed, numRuns, interruptAfterTimeLimit: SHRINK_MILLIS });
  }

  async #play(steps: Step[], failures: number[]): Promise<void> {
    const memory: Memory = {
      run: randomUUID(),
      jobIds: [...this.#world.jobIds],
      uploadIds: [...this.#world.uploadIds],
      cursors: [...this.#world.cursors],
    };
    for (const { request, times } of steps) {
      // The jobs that were there before are for all sequences.
      const own = memory.jobIds.filter((jobId) => !this.#world.jobIds.includes(jobId));
      const isSpared = request.method === 'DELETE' && own.length > 0;
      const known = isSpared ? { ...memory, jobIds: own } : memory;
      const ask = () => this.#ask(filled(request, known), failures, memory);
      if (times === 'twice at once') await Promise.all([ask(), ask()]);
      else await ask();
      if (times === 'twice in a row') await ask();
    }
  }

  async #ask(request: Request, failures: number[], memory: Memory): Promise<Answer> {
    const { origin, description, callers, webhookUrls } = this.#world;
    const caller = callers.find(({ name }) => name === request.caller) as Caller;
    const verdict = verdictOn(request, caller, description, {
      isCursor: (text) => memory.cursors.includes(text),
      isWebhookUrl: (text) => webhookUrls.includes(text),
    });
    const statuses = verdict.statuses.filter((status) => status < 500 || failures.includes(status));
    const answer = await send(origin, request, caller.authorization);
    const faults = faultsInAnswer(answer, { ...verdict, statuses }, request.method, description);
    if (faults.length > 0) throw new Error(`${faults.join('\n')}\n${shown(request)}\n${shown(answer)}`);
    this.#count(verdict.operation?.id ?? '', answer.status);
    if (answer.status >= 200 && answer.status < 400) await this.#follow(request, answer, failures, memory);
    return answer;
  }

  #count(operation: string, status: number): void {
    const counts = this.census[operation] ?? {};
    this.census[operation] = { ...counts, [status]: (counts[status] ?? 0) + 1 };
  }

  /** What an answer refers to is there. */
  async #follow(request: Request, answer: Answer, failures: number[], memory: Memory): Promise<void> {
    const { location } = answer.headers;
    const json = answer.body === '' ? null : JSON.parse(answer.body);
    if (typeof json?.next_cursor === 'string') memory.cursors.push(json.next_cursor);
    if (typeof json?.upload_id === 'string') memory.uploadIds.unshift(json.upload_id);
    if (location === undefined) return;
    if (answer.status === 307) return this.#followAway(location);
    const plain = { method: 'GET', query: '', headers: [], body: null };
    const job = await this.#ask({ ...request, ...plain, path: location }, failures, memory);
    if (JSON.parse(job.body).job_id !== json.job_id) throw new Error(`${location} is not ${json.job_id}`);
    memory.jobIds.unshift(json.job_id);
  }

  async #followAway(location: string): Promise<void> {
    const { schemas } = this.#world.description;
    const results = await (await fetch(location)).json();
    const fault = faultIn(results, schemas['Results'] as Schema);
    if (fault) throw new Error(`What is at ${location}${fault}`);
  }
}

function filled(request: Request, { run, jobIds, uploadIds, cursors }: Memory): Request {
  const fill = (text: string) =>
    text
      .replaceAll('{run}', run)
      .replace(/\{job:(\d+)\}/g, (_, n) => jobIds[n % jobIds.length] ?? '')
      .replace(/\{upload:(\d+)\}/g, (_, n) => uploadIds[n % uploadIds.length] ?? '')
      .replace(/\{cursor:(\d+)\}/g, (_, n) => cursors[n % cursors.length] ?? '');
  const headers = request.headers.map(([name, value]): [string, string] => [name, fill(value)]);
  return { ...request, path: fill(request.path), query: fill(request.query), headers };
}

function shown(value: object): string {
  return JSON.stringify(value).slice(0, SHOWN_MAX);
}
