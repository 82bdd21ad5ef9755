import { createHash } from 'node:crypto';
import type { Job, Millis } from '../../functions/core/job.ts';
import type { LogFields } from '../../functions/core/log.ts';
import { traceOf } from '../../functions/core/trace.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { must } from './judge.ts';

const VALID = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-0[0-3]$/;
const MARKER = /job-\d+|marker-\d+/;
const PARENT = '00f067aa0ba902b7';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** Of all that an app submits for a wish, the traces begin like this, and no others do. */
const beginningOf = (marker: string) => hashOf(marker).slice(0, 24);

/** By its wish, an app sends a trace, none, or something that is not one. */
const KINDS = ['valid', 'valid', 'later', 'none', 'upper case', 'two', 'more', 'no parent'] as const;

const stateOf = (marker: string) => `app=${marker},other=1`;

/** Workers that have the same message at the same moment make the same call. */
const AT_ONCE_MAX = 3;
const AT_ONCE_MILLIS = 60_000;

/** Each call that is made for a job, and each line about it, belongs to the trace of the submission that made it. */
export class Traces {
  readonly #seed: number;
  #submissions = 0;
  readonly #ofJobs = new Map<string, string>();
  /** As their rows say. */
  readonly #ofRows = new Map<string, string>();
  /** Those of jobs that have left their id to another one. */
  readonly #earlier = new Set<string>();
  /** By ModelStudio's name for the job. */
  readonly #ofCreated = new Map<string, string>();
  /** When they were first made, and by whom, by their parent ids. */
  readonly #calls = new Map<string, { at: Millis; invocations: Set<object> }>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  #kindOf(marker: string) {
    return KINDS[Number.parseInt(hashOf(`${marker} ${this.#seed}`).slice(-4), 16) % KINDS.length] ?? 'none';
  }

  #isTraced(marker: string): boolean {
    return ['valid', 'later'].includes(this.#kindOf(marker));
  }

  /** Each submission has a trace of its own, a repeated one as well. */
  headersFor(submission: string): Record<string, string> {
    const [marker] = MARKER.exec(submission) ?? [];
    if (marker === undefined) return {};
    this.#submissions += 1;
    const traceId = beginningOf(marker) + this.#submissions.toString(16).padStart(8, '0');
    const valid = `00-${traceId}-${PARENT}-01`;
    const traceparent = {
      valid,
      later: `cc${valid.slice(2)}-more`,
      none: undefined,
      'upper case': `00-${traceId}-${PARENT.toUpperCase()}-01`,
      two: `${valid},${valid}`,
      more: `${valid}-more`,
      'no parent': `00-${traceId}-${'0'.repeat(16)}-01`,
    }[this.#kindOf(marker)];
    return { ...(traceparent && { traceparent }), tracestate: stateOf(marker) };
  }

  /** @param created ModelStudio's name for the job that the call has created */
  called(request: ExchangeRequest, at: Millis, invocation: object, created?: string): void {
    const { url, method, headers, body = '' } = request;
    const { traceparent = '', tracestate } = headers;
    const [, traceId = '', parentId = ''] = VALID.exec(traceparent) ?? [];
    const what = `${method} ${url.pathname}`;
    must(traceId !== '', 'I26', () => `${what} has the traceparent ${traceparent}`);
    const call = this.#calls.get(parentId) ?? { at, invocations: new Set() };
    this.#calls.set(parentId, call);
    call.invocations.add(invocation);
    const isOften = call.invocations.size > AT_ONCE_MAX && at - call.at > AT_ONCE_MILLIS;
    must(!isOften, 'I26', () => `${what} has the parent id of other calls`);
    const isPost = url.hostname !== 'modelstudio';
    must(isPost || tracestate === undefined, 'I26', () => `${what} has the tracestate ${tracestate}`);
    if (isPost) this.#posted(body, traceId, tracestate);
    else if (method === 'POST') this.#created(body, traceId, created);
    else this.#polled(url.pathname.split('/').at(-1) ?? '', traceId);
  }

  #polled(created: string, traceId: string): void {
    const known = this.#ofCreated.get(created) ?? traceId;
    must(traceId === known, 'I26', () => `${created} is polled in the trace ${traceId}, not ${known}`);
  }

  #created(body: string, traceId: string, created: string | undefined): void {
    const [marker] = MARKER.exec(body) ?? [];
    const isOfApp = marker !== undefined && traceId.startsWith(beginningOf(marker));
    const mustBe = marker !== undefined && this.#isTraced(marker);
    must(isOfApp === mustBe, 'I26', () => `${marker} is created in the trace ${traceId}`);
    if (created !== undefined) this.#ofCreated.set(created, traceId);
  }

  #posted(body: string, traceId: string, tracestate: string | undefined): void {
    const { job_id } = JSON.parse(body).data;
    this.#same(job_id, traceId, 'a webhook');
    const [, marker = ''] = /^app=(.*),other=1$/.exec(tracestate ?? '') ?? [];
    const isOfApp = marker !== '' && this.#isTraced(marker) && traceId.startsWith(beginningOf(marker));
    must(tracestate === undefined || isOfApp, 'I26', () => `a webhook has the tracestate ${tracestate}`);
  }

  told({ outcome, job_id, trace_id = '' }: LogFields): void {
    // Of a queued job whose row could not be read, nobody knows it.
    const isUnread = outcome === 'failed' && trace_id === '';
    // Of a large job that was refused, a message may be left, which then is about the other one of the same key.
    const isOfEarlier = this.#earlier.has(`${job_id} ${trace_id}`);
    if (job_id !== undefined && !isUnread && !isOfEarlier)
      this.#same(job_id, trace_id, `a line (${outcome})`);
  }

  /** A job that was refused leaves its id to another one of the same key. */
  wrote({ jobId, version, ...job }: Job): void {
    if (version === 1) {
      this.#earlier.add(`${jobId} ${this.#ofRows.get(jobId)}`);
      this.#ofJobs.delete(jobId);
    }
    this.#ofRows.set(jobId, traceOf({ jobId, ...job }).slice(0, 32));
    const traceId = job.status === 'running' ? this.#ofCreated.get(job.upstreamJobId) : undefined;
    if (traceId !== undefined) this.#same(jobId, traceId, 'what ModelStudio has created');
  }

  #same(jobId: string, traceId: string, what: string): void {
    const known = this.#ofJobs.get(jobId) ?? traceId;
    this.#ofJobs.set(jobId, known);
    must(
      traceId === known && traceId !== '',
      'I26',
      () => `${what} of ${jobId} is of ${traceId}, not ${known}`,
    );
  }
}
