import { Connection } from './connection.ts';
import { ApiError, ConnectionError, JobError, StillRunningError } from './errors.ts';
import type { ClientOptions } from './options.ts';
import { type CallOptions, sleep } from './repeating.ts';
import { eachResult } from './results.ts';
import type {
  Deliveries,
  Job,
  JobList,
  Redeliveries,
  RedeliveriesBegun,
  Redelivery,
  Result,
  Submission,
} from './types.ts';
import { type UploadOptions, upload } from './uploads.ts';

export interface SubmitOptions extends CallOptions {
  /**
   * An id of your own, such as that of the order: the same key and request get the same job, even from another process.
   * Without it, a key is made that holds for this call and its repeats.
   */
  idempotencyKey?: string;
}

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds after which it is no longer waited for. A job ends by itself at its `expires_at`. */
  deadlineMs?: number | undefined;
  /** Called with the job each time that it was read. */
  onProgress?: (job: Job) => void;
}

export type ListQuery = {
  status?: Job['status'];
  webhook_status?: NonNullable<Job['webhook']>['status'];
  created_after?: string | Date;
  created_before?: string | Date;
};

export type RedeliveriesQuery = Omit<Redeliveries, 'cursor'>;

const PAGE_JOBS = 100;
const POLL_MS = 2000;
/** However soon or late the API says. */
const [POLL_MIN_MS, POLL_MAX_MS] = [500, 900_000];
/** What a look at a job, or at its results, is given even at the deadline. */
const LOOK_MS = 5000;

/** A job by its id, or as it was answered. */
type Which = string | Pick<Job, 'job_id'>;

/**
 * Calls the API of a deployment. Each call is repeated after what may pass: 429, 500, 503, lost connections, and 409 while
 * the same key is being submitted; as `Retry-After` says, until its deadline. What has then failed throws an `ApiError`
 * or a `ConnectionError`. A signal that ends throws its reason.
 */
export class ModelStudioJobsClient {
  readonly #connection: Connection;

  /** @throws a TypeError that says what is wrong with the URL, the key or fetch */
  constructor(options: ClientOptions) {
    this.#connection = new Connection(options);
  }

  /**
   * Submits a job, once, however often it has to ask. If nobody knows whether ModelStudio has created it, that job is
   * returned, as `failed` with `submission_unknown`: submitting it again might bill it twice, and is yours to decide.
   * @throws the `ApiError` of that, with the `problem.job_id`, if the job cannot be read either; `cause` says why
   */
  async submit(request: Submission, options: SubmitOptions = {}): Promise<Job> {
    const { idempotencyKey = crypto.randomUUID(), ...rest } = options;
    const headers = { 'idempotency-key': idempotencyKey };
    const call = { method: 'POST', path: '/v1/jobs', headers, body: JSON.stringify(request) } as const;
    try {
      return (await this.#connection.job(call, rest)).body;
    } catch (error) {
      if (error instanceof ApiError || error instanceof ConnectionError)
        error.idempotencyKey = idempotencyKey;
      const jobId = error instanceof ApiError && error.code === 'submission_unknown' && error.problem?.job_id;
      if (!jobId) throw error;
      return this.get(jobId, rest).catch((cause) => {
        rest.signal?.throwIfAborted();
        // Which job it was, and under which key, nobody else can say.
        throw Object.assign(error, { cause });
      });
    }
  }

  async get(job: Which, options: CallOptions = {}): Promise<Job> {
    return (await this.#connection.job({ method: 'GET', path: pathOf(job) }, options)).body;
  }

  /**
   * Reads a job, as often as the API says, until it has ended: `completed`, `failed`, `cancelled` or `expired`.
   * @throws a `StillRunningError` at the deadline; an `ApiError` or a `ConnectionError` if the job cannot be read for the
   * whole of the client's deadline
   */
  async wait(
    job: Which,
    { signal, deadlineMs = Number.POSITIVE_INFINITY, onProgress }: WaitOptions = {},
  ): Promise<Job> {
    const deadlineAt = performance.now() + deadlineMs;
    for (;;) {
      const call = { method: 'GET', path: pathOf(job) } as const;
      const lookMs = this.#lookMs(deadlineAt);
      const { body, retryAfterMs } = await this.#connection.job(call, { signal, deadlineMs: lookMs });
      onProgress?.(body);
      if (body.finished_at !== null) return body;
      const leftMs = deadlineAt - performance.now();
      if (leftMs <= 0) throw new StillRunningError(body);
      const pauseMs = Math.min(POLL_MAX_MS, Math.max(POLL_MIN_MS, retryAfterMs ?? POLL_MS));
      await sleep(Math.min(leftMs, pauseMs * (1 + Math.random() / 10)), signal);
    }
  }

  #lookMs(deadlineAt: number): number {
    return Math.min(this.#connection.deadlineMs, Math.max(LOOK_MS, deadlineAt - performance.now()));
  }

  /**
   * Submits a job, waits for its end and reads its results, however large. A completed job may hold failed tasks: see
   * `failed_tasks`. The deadline is that of all three; results that have begun to come by then are read to their end.
   * @throws a `JobError` with the job if it has ended otherwise; and what `submit` and `wait` throw
   */
  async run(
    request: Submission,
    options: SubmitOptions & WaitOptions = {},
  ): Promise<Job & { results: Result[] }> {
    const { idempotencyKey, deadlineMs = Number.POSITIVE_INFINITY, ...rest } = options;
    const deadlineAt = performance.now() + deadlineMs;
    const submitted = await this.submit(request, options);
    const leftMs = Math.max(0, deadlineAt - performance.now());
    const job = submitted.finished_at
      ? submitted
      : await this.wait(submitted, { ...rest, deadlineMs: leftMs });
    if (job.status !== 'completed') throw new JobError(job);
    const lookMs = this.#lookMs(deadlineAt);
    return { ...job, results: await this.results(job, { signal: rest.signal, deadlineMs: lookMs }) };
  }

  /** A finished job's results in the order of its conversations; those of an expired job are what there was by then. */
  async results(job: string | Job, options: CallOptions = {}): Promise<Result[]> {
    if (typeof job !== 'string' && job.results) return job.results;
    const results: Result[] = [];
    for await (const result of this.eachResult(job, options)) results.push(result);
    return results;
  }

  /** The same one after the other, as they come, without all of them in memory: for large jobs. */
  eachResult(job: Which, options: CallOptions = {}): AsyncGenerator<Result, void, undefined> {
    return eachResult(this.#connection, idOf(job), options);
  }

  /** The client's jobs, newest first, without results; page after page, as they are asked for. */
  async *list(query: ListQuery = {}, options: CallOptions = {}): AsyncGenerator<Job, void, undefined> {
    const search = new URLSearchParams({ limit: String(PAGE_JOBS) });
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, typeof value === 'string' ? value : value.toISOString());
    }
    do {
      const call = { method: 'GET', path: `/v1/jobs?${search}` } as const;
      const page = await this.#connection.object<JobList>(call, options, 'a list of jobs', ['jobs']);
      const { jobs, next_cursor } = page.body;
      yield* jobs;
      search.set('cursor', next_cursor ?? '');
    } while (search.get('cursor'));
  }

  /** Cancels a job that has not finished. What ModelStudio has begun, it goes on with. */
  async cancel(job: Which, options: CallOptions = {}): Promise<Job> {
    return (await this.#connection.job({ method: 'POST', path: `${pathOf(job)}/cancel` }, options)).body;
  }

  /** Deletes a finished job, its event and its results. */
  async delete(job: Which, options: CallOptions = {}): Promise<void> {
    await this.#delete(pathOf(job), options);
  }

  /** The attempts to deliver a job's webhook. */
  async deliveries(job: Which, options: CallOptions = {}): Promise<Deliveries['deliveries']> {
    const call = { method: 'GET', path: `${pathOf(job)}/deliveries` } as const;
    const answer = await this.#connection.object<Deliveries>(call, options, 'a list of deliveries', [
      'deliveries',
    ]);
    return answer.body.deliveries;
  }

  /** Delivers a job's webhook again, with the same `webhook-id`, to another URL if you give one. */
  async redeliver(job: Which, options: CallOptions & Redelivery = {}): Promise<Job> {
    const { webhook_url, ...rest } = options;
    const body = webhook_url === undefined ? {} : { body: JSON.stringify({ webhook_url }) };
    const call = { method: 'POST', path: `${pathOf(job)}/redeliver`, ...body } as const;
    try {
      return (await this.#connection.job(call, rest)).body;
    } catch (error) {
      const isRepeat = error instanceof ApiError && error.attempts > 1;
      // Not within a minute of the attempt before, which was accepted although its answer was lost.
      if (isRepeat && error.code === 'too_many_redeliveries') return this.get(job, rest);
      throw error;
    }
  }

  /**
   * Delivers again all webhooks of this status, but those of which that was done within the last minute.
   * @returns how many
   */
  async redeliverAll(query: RedeliveriesQuery, options: CallOptions = {}): Promise<number> {
    let count = 0;
    let cursor: string | null = null;
    do {
      const request: Redeliveries = { ...query, cursor };
      const call = { method: 'POST', path: '/v1/redeliveries', body: JSON.stringify(request) } as const;
      const { body } = await this.#connection.object<RedeliveriesBegun>(call, options, 'a count', ['count']);
      count += body.count;
      cursor = body.next_cursor;
    } while (cursor);
    return count;
  }

  /**
   * Uploads a file of conversations that is too large for a request: up to 200 MiB.
   * @returns the id for a job's `messages_from`
   */
  upload(data: string | Uint8Array | Blob, options: UploadOptions): Promise<string> {
    return upload(data, options, this.#connection);
  }

  /** Deletes an upload that no unfinished job names. */
  async deleteUpload(uploadId: string, options: CallOptions = {}): Promise<void> {
    await this.#delete(`/v1/uploads/${encodeURIComponent(uploadId)}`, options);
  }

  /** What is gone at a repeat was deleted by the attempt before, whose answer was lost. */
  async #delete(path: string, options: CallOptions): Promise<void> {
    try {
      await this.#connection.json({ method: 'DELETE', path }, options);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404 && error.attempts > 1)) throw error;
    }
  }
}

const idOf = (job: Which) => (typeof job === 'string' ? job : job.job_id);
const pathOf = (job: Which) => `/v1/jobs/${encodeURIComponent(idOf(job))}`;
