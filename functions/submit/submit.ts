import { readJson } from '../core/http/body.ts';
import { workOf } from '../core/http/generation-request.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import {
  fingerprint,
  generationIn,
  largeWorkOf,
  parseSubmission,
  type QueueRules,
  type Submission,
} from '../core/http/submission.ts';
import { retryIn } from '../core/http/view.ts';
import { jobIdOf, jobIdOfKey, webhookIdOf } from '../core/ids.ts';
import type { Job, SubmittingJob, Webhook } from '../core/job.ts';
import { brokenOff } from '../core/parts/parts.ts';
import { traceIn } from '../core/trace.ts';
import { accepted, uncounted } from '../core/transitions.ts';
import { submissionUnknown } from '../core/upstream/report.ts';
import { type DestinationRights, namesFor } from '../core/webhook/destination.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';
import { type Creation, create } from '../create/create.ts';
import { enqueue } from '../create/enqueue.ts';
import { leavePlace, reviewSoon, takePlace } from '../create/places.ts';
import { type FinishWorld, finish } from '../finish/finish.ts';
import type { Authorized } from '../http/authorize.ts';
import { type ReadWorld, showJob } from '../http/show.ts';
import type { World } from '../ports.ts';
import { type BeginLargeWorld, beginLarge } from './begin-large.ts';

export type SubmitWorld = FinishWorld &
  ReadWorld &
  BeginLargeWorld &
  Pick<World, 'modelStudio' | 'durationStats' | 'queue' | 'places'> & {
    settings: QueueRules & {
      webhookRules: WebhookRules;
      defaultWebhookUrl: string | null;
      forwardTracestate: boolean;
      destinations: readonly DestinationRights[];
      defaultDestination: string | null;
    };
  };

const UNAVAILABLE_RETRY_SECONDS = 5;

/** Without a comma, by which the gateway joins repeated headers. */
const IDEMPOTENCY_KEY = /^[!-+\--~]{1,255}$/;

/** `POST /v1/jobs`: records a job, then has ModelStudio create it or lets it wait for that. */
export async function submit(request: Request, authorized: Authorized, world: SubmitWorld): Promise<Answer> {
  const idempotencyKey = request.headers['idempotency-key'];
  const parsed = parse(request, idempotencyKey, authorized.client, world);
  if ('status' in parsed) return parsed;

  const generation = generationIn(parsed);
  const queueSeconds = parsed.queue_for ?? world.settings.queueForSeconds;
  const given = newJob(parsed, authorized.client, request, world);
  const work = largeWorkOf(parsed, request.body.byteLength, queueSeconds > 0, world.settings);
  if (work) {
    const { parts, source } = work;
    const until = given.createdAt + queueSeconds * 1000;
    const { submissions, ...job } = given;
    const large = { ...job, parts, queueing: { until, turn: 0 } };
    const begun = await beginLarge(large, source, world);
    if (begun === 'replay') return replay(large, request, world);
    return typeof begun === 'string' ? problem(begun, request.requestId) : accept(begun, {}, world);
  }
  // One that may not wait takes its chance with ModelStudio, but no place for which others wait.
  const isInLine = queueSeconds > 0 || world.places !== null;
  const isBehindOthers = isInLine && (await world.queue.isDraining().catch(() => false));
  const ready = isBehindOthers ? null : await takePlace(given, world);
  const job = ready ?? given;
  const isNew = await world.jobs.insert(job);
  if (!isNew) {
    await leavePlace(job, world);
    return replay(job, request, world);
  }

  const creation = ready === null ? UNAVAILABLE : await create(job, generation, world);
  switch (creation.kind) {
    case 'created':
      return accept(creation.job, {}, world);
    case 'unknown': {
      const waiting = job.submissions && (await enqueue(job, generation, queueSeconds, 0, world));
      if (waiting) return accept(waiting, {}, world);
      await finish(job, submissionUnknown, world);
      // Clients that retry a 504 automatically, as OpenAI's do, would create the job again.
      return problem('submission_unknown', request.requestId, {
        job_id: job.jobId,
        headers: { 'x-should-retry': 'false' },
      });
    }
    case 'unsent':
      await world.jobs.remove(job);
      throw creation.error;
    case 'unavailable': {
      const askedSeconds = creation.retryAfterSeconds ?? 0;
      const waiting = await enqueue(uncounted(job), generation, queueSeconds, askedSeconds, world);
      if (waiting) return accept(waiting, {}, world);
    }
  }
  await world.jobs.remove(job);
  if (ready === null) await reviewSoon(world).catch(() => undefined);
  return refusal(creation, request.requestId);
}

const UNAVAILABLE = { kind: 'unavailable', retryAfterSeconds: null } as const;

function parse(request: Request, key: string | undefined, client: string, { settings }: SubmitWorld) {
  const names = namesFor(client, settings.destinations);
  return readJson(request, (value) => {
    const submission = parseSubmission(value, settings.webhookRules, settings, names);
    if (key === undefined || IDEMPOTENCY_KEY.test(key)) return submission;
    const message =
      'The Idempotency-Key header must be given once, as 1 to 255 visible ASCII characters without a comma';
    return { faults: [...('faults' in submission ? submission.faults : []), { pointer: '', message }] };
  });
}

function newJob(
  submission: Submission,
  client: string,
  { headers }: Request,
  { clock, random, settings }: SubmitWorld,
): SubmittingJob {
  const idempotencyKey = headers['idempotency-key'];
  const target = targetOf(submission, client, settings);
  const now = clock.now();
  const job = {
    jobId: idempotencyKey === undefined ? jobIdOf(random.bytes()) : jobIdOfKey(client, idempotencyKey),
    client,
    ...workOf(submission),
    metadata: submission.metadata,
    fingerprint: fingerprint(submission),
    expiresAt: now + submission.expires_in * 1000,
    webhook: target && { id: webhookIdOf(random.bytes()), ...target },
    ...(submission.on_unknown === 'resubmit' && { submissions: 1 }),
  };
  return { ...accepted(job, now), ...traceIn(headers, settings.forwardTracestate) };
}

/** A null of either member means that there is none, whatever the default is. */
function targetOf(
  { webhook_url: url, destination: name }: Submission,
  client: string,
  { defaultWebhookUrl, defaultDestination, destinations }: SubmitWorld['settings'],
): Pick<Webhook, 'url' | 'destination'> | null {
  const [usual] = namesFor(client, destinations).filter((each) => each === defaultDestination);
  const isNothingSaid = url === undefined && name === undefined;
  const destination = isNothingSaid ? usual : name;
  if (destination != null) return { url: destination, destination: true };
  const given = isNothingSaid ? defaultWebhookUrl : url;
  return given == null ? null : { url: given };
}

/** The same key again: the same request gets the job that it created the first time. */
async function replay(job: SubmittingJob, request: Request, world: SubmitWorld): Promise<Answer> {
  const existing = await world.jobs.findRow(job.jobId);
  const inProgress = problem('submission_in_progress', request.requestId, {
    headers: { 'retry-after': '1' },
  });
  // Its submission has just been refused and removed.
  if (existing === null) return inProgress;
  if (existing.status === 'deleted') return problem('job_deleted', request.requestId);
  if (existing.fingerprint !== job.fingerprint) return problem('idempotency_key_reused', request.requestId);
  if (existing.status !== 'submitting' || (existing.queueing && !existing.parts))
    return accept(existing, { 'idempotency-replayed': 'true' }, world);
  if (existing.leaseUntil > world.clock.now()) return inProgress;
  // Its worker may have died between storing the request and saying so in the row; one that says so loses it at its end.
  if (!existing.queueing) await world.requests.remove(existing);
  const abandoned = await finish(existing, brokenOff(existing), world);
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

type Refusal = Exclude<Creation, { kind: 'created' | 'unknown' | 'unsent' }>;

function refusal(creation: Refusal, requestId: string): Answer {
  if (creation.kind !== 'unavailable') {
    const detail = ('sentence' in creation && creation.sentence) || undefined;
    return problem(REFUSED[creation.kind], requestId, { detail });
  }
  const headers = retryIn(creation.retryAfterSeconds ?? UNAVAILABLE_RETRY_SECONDS);
  return problem('modelstudio_unavailable', requestId, { headers });
}
