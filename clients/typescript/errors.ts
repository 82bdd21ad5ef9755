import type { Job, Problem } from './types.ts';

interface Attempted {
  /** Such as `POST /v1/jobs`. */
  what: string;
  /** How often it was tried in all. */
  attempts: number;
}

const times = (attempts: number) => (attempts > 1 ? `, attempt ${attempts}` : '');

/** The API refused a call, or was not able to answer it until the deadline. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Such as `invalid_request`; null if the answer comes from something before the API, such as its gateway. */
  readonly code: Problem['code'] | null;
  /** The whole answer, with every fault of the request in `errors`; null if it comes from something before the API. */
  readonly problem: Problem | null;
  /** To be given to the operator. */
  readonly requestId: string | null;
  /** Milliseconds after which another try may succeed, as far as the API has said. */
  readonly retryAfterMs: number | null;
  /** How often it was tried in all. */
  readonly attempts: number;
  /** Of a submission: the same request with this key gets the same job, so that it is safe to try again. */
  idempotencyKey?: string;

  /** @param text what was answered, if it is no problem of the API's */
  constructor(
    { what, attempts }: Attempted,
    answer: { status: number; retryAfterMs: number | null; requestId: string | null },
    body: Problem | string,
  ) {
    const problem = typeof body === 'string' ? null : body;
    const faults = (problem?.errors ?? []).map(({ pointer, message }) => `${pointer || 'body'}: ${message}`);
    const said = problem ? [`${problem.code}: ${problem.detail}`, faults.join('; ')].join(' ').trim() : body;
    const requestId = problem?.request_id ?? answer.requestId;
    const id = requestId ? `, request id ${requestId}` : '';
    super(`${answer.status} ${said} (${what}${times(attempts)}${id})`);
    this.status = answer.status;
    this.code = problem?.code ?? null;
    this.problem = problem;
    this.requestId = requestId;
    this.retryAfterMs = answer.retryAfterMs;
    this.attempts = attempts;
  }
}

/** No answer came, or only a part of one; `cause` says why. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Of a submission: the same request with this key gets the same job, so that it is safe to try again. */
  idempotencyKey?: string;

  constructor({ what, attempts }: Attempted, cause: unknown) {
    super(`No answer to ${what}${times(attempts)}: ${reasonOf(cause)}`, { cause });
  }
}

/** Of the faults of an upload; `job.error.details` has more. */
const FAULTS_SHOWN = 3;

/** The job has not completed: it is `failed`, `cancelled` or `expired`. */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly job: Job;

  constructor(job: Job) {
    const { code, message, details = [] } = job.error ?? {};
    const faults = details.slice(0, FAULTS_SHOWN).map(({ line, pointer, message }) => {
      return `${line ? `line ${line}` : pointer || 'file'}: ${message}`;
    });
    const said = code ? [`, ${code}: ${message}`, faults.join('; ')].join(' ').trimEnd() : '';
    super(`${job.job_id} is ${job.status}${said}`);
    this.job = job;
  }
}

/** The job has not ended within the time that its caller had for it. It goes on: wait for it again, or cancel it. */
export class StillRunningError extends Error {
  override readonly name = 'StillRunningError';
  /** As it was last seen. */
  readonly job: Job;

  constructor(job: Job) {
    const { job_id, status, completed_tasks, total_tasks } = job;
    super(
      `${job_id} is still ${status} at the deadline, with ${completed_tasks} of ${total_tasks ?? '?'} tasks done`,
    );
    this.job = job;
  }
}

/** An error and those below it: runtimes say "fetch failed", and why it has only there. They may be of another realm. */
export function causesIn(error: unknown): { name: unknown; message: string; code: string }[] {
  const { name, message, code, cause } = (error ?? {}) as Record<string, unknown>;
  if (typeof message !== 'string') return [];
  return [{ name, message, code: typeof code === 'string' ? code : '' }, ...causesIn(cause)];
}

function reasonOf(error: unknown): string {
  const sentences = causesIn(error).map(({ message, code }) => {
    return message.includes(code) ? message : `${message} (${code})`.trim();
  });
  return sentences.filter(Boolean).join(': ') || String(error);
}
