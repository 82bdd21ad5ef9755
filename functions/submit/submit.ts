import { readJson } from '../core/http/body.ts';
import { canonicalOf, workOf } from '../core/http/generation-request.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { fingerprint, parseSubmission, type Submission } from '../core/http/submission.ts';
import { jobIdOf, jobIdOfKey, webhookIdOf } from '../core/ids.ts';
import type { Job, SubmittingJob } from '../core/job.ts';
import { type MetricValues, upstreamMetrics } from '../core/metrics.ts';
import { durationBucket } from '../core/polling/forecast.ts';
import { nextPollSeconds, type PollForecast } from '../core/polling/next-poll.ts';
import { accepted, nextWakeUp, started } from '../core/transitions.ts';
import type { CreateResult } from '../core/upstream/create-result.ts';
import { quotes } from '../core/upstream/error-sentence.ts';
import { progressOf, submissionUnknown } from '../core/upstream/report.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';
import { type FinishWorld, finish } from '../finish/finish.ts';
import type { Authorized } from '../http/authorize.ts';
import { type ReadWorld, showJob } from '../http/show.ts';
import type { World } from '../ports.ts';
import { waitForBoth } from '../wait-for-both.ts';

export type SubmitWorld = FinishWorld &
  ReadWorld &
  Pick<World, 'modelStudio' | 'durationStats'> & {
    settings: { webhookRules: WebhookRules; defaultWebhookUrl: string | null };
  };

const UNAVAILABLE_RETRY_SECONDS = 5;
const RETRY_AFTER_MAX_SECONDS = 3600;

/** Without a comma, by which the gateway joins repeated headers. */
const IDEMPOTENCY_KEY = /^[!-+\--~]{1,255}$/;

/** `POST /v1/jobs`: records a job, has ModelStudio create it, and sends its first wake-up. */
export async function submit(request: Request, authorized: Authorized, world: SubmitWorld): Promise<Answer> {
  const idempotencyKey = request.headers['idempotency-key'];
  const parsed = parse(request, idempotencyKey, world);
  if ('status' in parsed) return parsed;

  const job = newJob(parsed, authorized.client, idempotencyKey, world);
  const isNew = await world.jobs.insert(job);
  if (!isNew) return replay(job, request, world);

  const [creation, forecast] = await waitForBoth(
    create(job, parsed, world),
    world.durationStats.forecast(durationBucket(job.modelId, job.totalTasks)),
  );
  logSubmitted(job, parsed, creation, world);
  switch (creation.kind) {
    case 'created':
      return accept(await begin(job, creation.upstreamJobId, forecast, world), {}, world);
    case 'unknown':
      await finish(job, submissionUnknown, world);
      // Clients that retry a 504 automatically, as OpenAI's do, would create the job again.
      return problem('submission_unknown', request.requestId, {
        job_id: job.jobId,
        headers: { 'x-should-retry': 'false' },
      });
    default:
      if (creation.kind === 'unavailable') await world.durationStats.throttled();
      await world.jobs.remove(job);
      return refusal(creation, request.requestId);
  }
}

/** It throws only if nothing was sent, so the job need not be kept, as nothing was created. */
async function create(job: SubmittingJob, submission: Submission, world: SubmitWorld): Promise<CreateResult> {
  try {
    return await world.modelStudio.create(submission);
  } catch (error) {
    await world.jobs.remove(job);
    throw error;
  }
}

function parse(request: Request, key: string | undefined, world: SubmitWorld): Submission | Answer {
  return readJson(request, (value) => {
    const submission = parseSubmission(value, world.settings.webhookRules);
    if (key === undefined || IDEMPOTENCY_KEY.test(key)) return submission;
    const message =
      'The Idempotency-Key header must be given once, as 1 to 255 visible ASCII characters without a comma';
    return { faults: [...('faults' in submission ? submission.faults : []), { pointer: '', message }] };
  });
}

function newJob(
  submission: Submission,
  client: string,
  idempotencyKey: string | undefined,
  { clock, random, settings }: SubmitWorld,
): SubmittingJob {
  const { webhook_url: url = settings.defaultWebhookUrl, expires_in } = submission;
  const now = clock.now();
  const job = {
    jobId: idempotencyKey === undefined ? jobIdOf(random.bytes()) : jobIdOfKey(client, idempotencyKey),
    client,
    ...workOf(submission),
    metadata: submission.metadata,
    fingerprint: fingerprint(submission),
    expiresAt: now + expires_in * 1000,
    webhook: url === null ? null : { id: webhookIdOf(random.bytes()), url },
  };
  return accepted(job, now);
}

/** Before the deadline of a submission, so that the message comes before the sweeper gives up the job. */
export const FIRST_WAIT_MAX_SECONDS = 600;

/**
 * Sends the first wake-up, then records it: if this dies in between, the message knows the upstream job
 * and the poller records it instead. A job whose wake-up cannot be sent has been created anyway, so the row
 * keeps it for the sweeper.
 */
async function begin(
  job: SubmittingJob,
  upstreamJobId: string,
  forecast: PollForecast,
  world: SubmitWorld,
): Promise<Job> {
  const now = world.clock.now();
  const seconds = Math.min(FIRST_WAIT_MAX_SECONDS, nextPollSeconds(progressOf(job, 0, now), forecast));
  const wakeUp = nextWakeUp(null, now + seconds * 1000, world.random.bytes());
  const known = { jobId: job.jobId, upstreamJobId, wakeUp, polledAt: job.createdAt, isSeen: false };
  const message = { ...known, recordedToken: wakeUp.token, pollsSinceRecord: 0 };
  const isSent = await world.wakeUps.poll(message, seconds).then(
    () => true,
    () => false,
  );
  if (!isSent) world.log.event('submit', { outcome: 'wake_up_unsent', job_id: job.jobId });
  const running = started(job, message, isSent, now);
  if (await world.jobs.replace(running)) return running;
  return (await world.jobs.find(job.jobId).catch(() => null)) ?? running;
}

/** The same key again: the same request gets the job that it created the first time. */
async function replay(job: SubmittingJob, request: Request, world: SubmitWorld): Promise<Answer> {
  const existing = await world.jobs.find(job.jobId);
  const inProgress = problem('submission_in_progress', request.requestId, {
    headers: { 'retry-after': '1' },
  });
  // Its submission has just been refused and removed.
  if (existing === null) return inProgress;
  if (existing.fingerprint !== job.fingerprint) return problem('idempotency_key_reused', request.requestId);
  if (existing.status !== 'submitting') return accept(existing, { 'idempotency-replayed': 'true' }, world);
  if (existing.leaseUntil > world.clock.now()) return inProgress;
  const abandoned = await finish(existing, submissionUnknown, world);
  return abandoned === null ? inProgress : accept(abandoned, { 'idempotency-replayed': 'true' }, world);
}

async function accept(job: Job, headers: Record<string, string>, world: SubmitWorld): Promise<Answer> {
  const shown = await showJob(job, world);
  const location = `/v1/jobs/${job.jobId}`;
  return { ...shown, status: 202, headers: { ...shown.headers, location, ...headers } };
}

const REFUSED = {
  invalid: 'modelstudio_invalid_request',
  model_not_found: 'model_not_found',
  credentials_refused: 'modelstudio_rejected',
  refused: 'modelstudio_refused',
} as const;

function refusal(
  creation: Exclude<CreateResult, { kind: 'created' | 'unknown' }>,
  requestId: string,
): Answer {
  if (creation.kind !== 'unavailable') {
    const detail = ('sentence' in creation && creation.sentence) || undefined;
    return problem(REFUSED[creation.kind], requestId, { detail });
  }
  const asked = creation.retryAfterSeconds ?? UNAVAILABLE_RETRY_SECONDS;
  const seconds = Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, asked));
  return problem('modelstudio_unavailable', requestId, { headers: { 'retry-after': String(seconds) } });
}

function logSubmitted(
  job: SubmittingJob,
  submission: Submission,
  creation: CreateResult,
  world: SubmitWorld,
): void {
  const sentence = creation.kind !== 'invalid' && 'sentence' in creation ? creation.sentence : null;
  const isQuoting = sentence && quotes(sentence.replaceAll(job.modelId, ''), canonicalOf(submission));
  const fields = {
    outcome: creation.kind,
    job_id: job.jobId,
    client: job.client,
    model_id: job.modelId,
    total_tasks: job.totalTasks,
    duration_ms: world.clock.now() - job.createdAt,
    ...('cause' in creation && { cause: creation.cause }),
    // A sentence about the request may quote it, so only one about the deployment is logged.
    ...(sentence && !isQuoting && { said: sentence }),
  };
  world.log.event('submit', fields, metricsOf(creation));
}

function metricsOf(creation: CreateResult): MetricValues {
  if (creation.kind === 'created') return { JobsCreated: 1 };
  if (creation.kind === 'invalid' || creation.kind === 'model_not_found') return {};
  return upstreamMetrics(creation.kind === 'unknown' ? creation.cause : creation.kind);
}
