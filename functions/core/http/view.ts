import type { Attempt, FinishedJob, Job, JobBase, Millis, UnfinishedJob, Webhook } from '../job.ts';

/** A receiver must be able to take a webhook's body; larger results are fetched from `results_url`. */
export const EVENT_MAX_BYTES = 256 * 1024;

const iso = (at: Millis | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What the public job says about a finished job's results. */
export interface ResultsView {
  /** JSON text of the results array; null if it is not to be shown here. */
  json: string | null;
  url: string | null;
}

/** The end of a job, before it has been recorded. */
export type FinishedFields = Pick<
  FinishedJob,
  'status' | 'completedTasks' | 'failedTasks' | 'finishedAt' | 'error'
>;

type Shown = JobBase & Partial<Omit<FinishedFields, 'status'>> & Pick<Job, 'status'>;

/** A large job is queued until ModelStudio has taken the first of its parts. */
export function statusOf({ status, parts }: Pick<Shown, 'status' | 'parts'>): Job['status'] {
  return status === 'running' && parts && !parts.isTaken ? 'queued' : status;
}

/** The public job as JSON text, without its webhook: the `data` of the event. */
function dataJson(job: Shown, results: ResultsView): string {
  const head = {
    job_id: job.jobId,
    status: statusOf(job),
    model_id: job.modelId,
    // Nobody has read the upload yet.
    total_tasks: job.totalTasks || null,
    completed_tasks: job.completedTasks ?? 0,
    failed_tasks: job.failedTasks ?? 0,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    finished_at: iso(job.finishedAt ?? null),
    expires_at: iso(job.expiresAt),
    ...(statusOf(job) === 'queued' && job.queueing && { queued_until: iso(job.queueing.until) }),
    ...(job.submissions !== undefined && { submissions: job.submissions }),
    metadata: job.metadata,
  };
  const tail = { results_url: results.url, error: job.error ?? null };
  // The results are text already and are inserted unchanged: parsing them again could only alter them.
  return `${JSON.stringify(head).slice(0, -1)},"results":${results.json},${JSON.stringify(tail).slice(1)}`;
}

export function jobJson(job: Job, results: ResultsView): string {
  const webhook = job.webhook ? webhookView(job.webhook) : null;
  return `${dataJson(job, results).slice(0, -1)},"webhook":${JSON.stringify(webhook)}}`;
}

/** The body of the event `job.<status>`, whose bytes never change. */
export function eventJson(job: JobBase & FinishedFields, results: ResultsView): string {
  const type = JSON.stringify(`job.${job.status}`);
  return `{"type":${type},"timestamp":"${iso(job.finishedAt)}","data":${dataJson(job, results)}}`;
}

function heldUntil(webhook: Webhook | null): string | null {
  const { dueAt } = (webhook?.status === 'pending' && webhook.expectedWakeUp) || { dueAt: null };
  // A release without it leaves it behind.
  return webhook?.status === 'pending' && webhook.heldUntil === dueAt ? iso(dueAt) : null;
}

function webhookView(webhook: Webhook) {
  const last = webhook.log.at(-1);
  return {
    id: webhook.id,
    url: webhook.url,
    status: webhook.status,
    attempts: webhook.attempts,
    last_attempt_at: iso(last?.at ?? null),
    last_status: last?.status ?? null,
    next_attempt_at: webhook.status === 'pending' ? iso(webhook.expectedWakeUp?.dueAt ?? null) : null,
    held_until: heldUntil(webhook),
  };
}

export function deliveriesJson(webhook: Webhook | null): string {
  const deliveries = (webhook?.log ?? []).map((attempt: Attempt) => ({
    attempt: attempt.attempt,
    at: iso(attempt.at),
    status: attempt.status,
    duration_ms: attempt.durationMillis,
    error: attempt.error,
    location: attempt.location ?? null,
    next_attempt_at: iso(attempt.nextAttemptAt),
  }));
  const held_until = heldUntil(webhook);
  return JSON.stringify({ deliveries, ...(held_until && { held_until }) });
}

const RETRY_AFTER_MAX_SECONDS = 3600;

/** The header of a refusal that may pass: whoever would have to wait for longer than an hour looks again. */
export function retryIn(seconds: number, least = 1) {
  return { 'retry-after': String(Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(least, Math.ceil(seconds)))) };
}

/** If a job's next poll is not recorded, ask again when the job is older by this share, but within a minute. */
const AGE_SHARE = 0.1;
const GUESS_MAX_MILLIS = 60_000;

/** ModelStudio has just refused the job, or others wait before it. */
const QUEUED_MIN_SECONDS = 5;

/** The header that says when the job will be polled next. */
export function retryAfter(job: UnfinishedJob, now: Millis) {
  const known = job.status === 'running' ? job.expectedWakeUp.dueAt - now : 0;
  const guess = Math.min(GUESS_MAX_MILLIS, AGE_SHARE * (now - job.createdAt));
  const least = job.status === 'queued' ? QUEUED_MIN_SECONDS : 1;
  return { 'retry-after': String(Math.max(least, Math.ceil((known > 0 ? known : guess) / 1000))) };
}
