import type { Admitted, Request } from '../admit/admit.ts';
import { base32 } from '../core/ids.ts';
import {
  type FinishedJob,
  isFinished,
  type Millis,
  nextVersion,
  type PendingWebhook,
  type Webhook,
} from '../core/job.ts';
import { readOptionalBody } from '../core/optional-body.ts';
import { watchOver } from '../core/overdue.ts';
import { type Answer, problem } from '../core/problem.ts';
import { ROUND_GAP_SECONDS, ROUNDS_MAX, redeliveryBody, waitForRound } from '../core/redelivery.ts';
import type { WebhookRules } from '../core/webhook-url.ts';
import type { World } from '../ports.ts';
import { findOwn, type ReadWorld, showJob } from './show.ts';

export type RedeliverWorld = ReadWorld &
  Pick<World, 'jobs' | 'wakeUps' | 'chance' | 'log'> & { settings: { webhookRules: WebhookRules } };

/** Losing a race means that a delivery has just been recorded; losing it this often means a fault. */
const RACES_MAX = 5;

/**
 * `POST /v1/jobs/{job_id}/redeliver`: the whole schedule of attempts once more, from now on, with the same
 * webhook-id and body. A webhook that awaits its next attempt may be redelivered, too: it need not wait.
 */
export async function redeliver(
  request: Request,
  { jobId, client }: Admitted,
  world: RedeliverWorld,
): Promise<Answer> {
  const asked = readOptionalBody(request, redeliveryBody(world.settings.webhookRules));
  for (let race = 0; race < RACES_MAX; race++) {
    const job = await findOwn(jobId, client, world);
    if (job === null) return problem('not_found', request.requestId);
    if ('status' in asked) return asked;
    if (!isFinished(job)) return problem('not_finished', request.requestId);
    if (job.webhook === null) return problem('not_redeliverable', request.requestId);
    const now = world.clock.now();
    if (isUnderWay(job.webhook, now)) {
      const detail = 'An attempt to deliver the webhook is under way right now.';
      return problem('not_redeliverable', request.requestId, { detail, headers: { 'retry-after': '5' } });
    }
    const seconds = waitForRound(job.webhook, now);
    if (seconds !== 0) return tooMany(seconds, request.requestId);
    const webhook = { ...job.webhook, url: asked.webhook_url ?? job.webhook.url };
    const begun = await begin(job, webhook, now, world);
    if (begun !== null) return { ...(await showJob(begun, world)), status: 202 };
  }
  throw new Error(`The job ${jobId} changed under each of ${RACES_MAX} tries to redeliver its webhook`);
}

function tooMany(seconds: number | null, requestId: string): Answer {
  const code = 'too_many_redeliveries';
  const never = `The webhook has been redelivered ${ROUNDS_MAX} times, which is the most for a job.`;
  if (seconds === null) return problem(code, requestId, { detail: never });
  const detail = `The webhook was redelivered less than ${ROUND_GAP_SECONDS} seconds ago. Try again in ${seconds}.`;
  return problem(code, requestId, { detail, headers: { 'retry-after': String(seconds) } });
}

function isUnderWay(webhook: Webhook, now: Millis): boolean {
  return webhook.status === 'pending' && webhook.leaseUntil !== null && webhook.leaseUntil > now;
}

/** Records, then sends: should this end in between, the row is pending and the sweeper sends in its stead. */
async function begin(
  job: FinishedJob,
  webhook: Webhook,
  now: Millis,
  world: RedeliverWorld,
): Promise<FinishedJob | null> {
  const { id, url, attempts, log, redelivered } = webhook;
  const seq = (webhook.status === 'pending' ? (webhook.awaited?.seq ?? 0) : webhook.lastSeq) + 1;
  const awaited = { seq, token: base32(world.chance.bytes()), dueAt: now };
  const round: PendingWebhook = {
    status: 'pending',
    id,
    url,
    attempts,
    attemptsBefore: attempts,
    log,
    redelivered: { rounds: (redelivered?.rounds ?? 0) + 1, at: now },
    awaited,
    leaseUntil: null,
  };
  const watchedUntil = watchOver(now, job.watchedUntil);
  const after: FinishedJob = { ...job, ...nextVersion(job, now), watchedUntil, webhook: round };
  if (!(await world.jobs.replace(after))) return null;
  await world.wakeUps.deliver({ jobId: job.jobId, wake: awaited, attempts }, 0);
  world.log.tell('redeliver', { outcome: 'begun', job_id: job.jobId, client: job.client, attempt: attempts });
  return after;
}
