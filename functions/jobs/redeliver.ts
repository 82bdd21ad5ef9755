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
import { watchOver } from '../core/overdue.ts';
import { type Answer, problem } from '../core/problem.ts';
import type { World } from '../ports.ts';
import { findOwn, type ReadWorld, showJob } from './show.ts';

export type RedeliverWorld = ReadWorld & Pick<World, 'jobs' | 'wakeUps' | 'chance' | 'log'>;

/** In which the first attempt of a round should come. */
const BEGINNING_MILLIS = 3000;

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
  for (let race = 0; race < RACES_MAX; race++) {
    const job = await findOwn(jobId, client, world);
    if (job === null) return problem('not_found', request.requestId);
    if (!isFinished(job)) return problem('not_finished', request.requestId);
    if (job.webhook === null) return problem('not_redeliverable', request.requestId);
    const now = world.clock.now();
    if (isBeginning(job.webhook, now)) return accept(job, world);
    if (isUnderWay(job.webhook, now)) {
      const detail = 'An attempt to deliver the webhook is under way right now.';
      return problem('not_redeliverable', request.requestId, { detail, headers: { 'retry-after': '5' } });
    }
    const begun = await begin(job, job.webhook, now, world);
    if (begun !== null) return accept(begun, world);
  }
  throw new Error(`The job ${jobId} changed under each of ${RACES_MAX} tries to redeliver its webhook`);
}

async function accept(job: FinishedJob, world: RedeliverWorld): Promise<Answer> {
  return { ...(await showJob(job, world)), status: 202 };
}

/** A round has just been begun, by somebody who asked for the same. */
function isBeginning(webhook: Webhook, now: Millis): boolean {
  if (webhook.status !== 'pending' || webhook.awaited === null || webhook.leaseUntil !== null) return false;
  return (
    webhook.attempts === webhook.attemptsBefore && Math.abs(webhook.awaited.dueAt - now) < BEGINNING_MILLIS
  );
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
  const { id, url, attempts, log } = webhook;
  const seq = (webhook.status === 'pending' ? (webhook.awaited?.seq ?? 0) : webhook.lastSeq) + 1;
  const awaited = { seq, token: base32(world.chance.bytes()), dueAt: now };
  const round: PendingWebhook = {
    status: 'pending',
    id,
    url,
    attempts,
    attemptsBefore: attempts,
    log,
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
