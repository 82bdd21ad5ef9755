import { afterAttempt, type Exchange, type Verdict } from '../core/attempt.ts';
import { base32 } from '../core/ids.ts';
import type { Webhook } from '../core/job.ts';
import {
  type FinishedJob,
  isFinished,
  type Millis,
  nextVersion,
  type PendingWebhook,
  standing,
} from '../core/job.ts';
import type { DeliverMessage } from '../core/messages.ts';
import { hopSeconds, isEarly } from '../core/wait.ts';
import type { Facts, World } from '../ports.ts';

export type DeliverWorld = Pick<
  World,
  'jobs' | 'documents' | 'wakeUps' | 'webhooks' | 'clock' | 'chance' | 'log'
> & { settings: { webhookSchedule: readonly number[] } };

/**
 * How long an attempt has the webhook to itself. Longer than the function may run, so its holder is gone when
 * it ends; shorter than the queue hides the message, so the message that comes again finds it free.
 */
export const ATTEMPT_LEASE_MILLIS = 60_000;

type PendingJob = FinishedJob & { webhook: PendingWebhook };

/** Makes one attempt to deliver a finished job's webhook, then settles it or sends the next wake-up. */
export async function deliver(message: DeliverMessage, world: DeliverWorld): Promise<void> {
  const job = await world.jobs.find(message.jobId);
  if (job === null || !isFinished(job)) return tell(message, world, { outcome: 'no_job' });
  if (!isPending(job) || !isAwaited(message, job.webhook)) return tell(message, world, { outcome: 'stale' });
  const now = world.clock.now();
  if (isEarly(message.wake.dueAt, now)) return hop(job, message, now, world);
  const claimed = await claim(job, now, world);
  if (claimed === null) return tell(message, world, { outcome: 'under_way' });

  const body = await world.documents.load(job.event);
  const exchange = await world.webhooks.send(job.webhook, body);
  const attempts = Math.max(job.webhook.attempts, message.attempts) + 1;
  const verdict = afterAttempt(exchange, attempts, world.settings.webhookSchedule, world.chance.fraction());
  await record(claimed, message, exchange, attempts, verdict, world);
  tell(message, world, {
    outcome: verdict.step === 'settle' ? verdict.status : 'retry',
    client: job.client,
    attempt: attempts,
    duration_ms: world.clock.now() - now,
    ...(verdict.step === 'retry' && { wait_seconds: verdict.waitMillis / 1000 }),
    ...(exchange.kind === 'answered' ? { status: exchange.status } : { cause: causeOf(exchange) }),
  });
}

function isPending(job: FinishedJob): job is PendingJob {
  return job.webhook?.status === 'pending';
}

function isAwaited(message: DeliverMessage, webhook: PendingWebhook): boolean {
  return webhook.awaited !== null && standing(message.wake, webhook.awaited) !== 'stale';
}

/** The wait is longer than a queue can hold a message back: on to the next hop. */
async function hop(
  job: PendingJob,
  message: DeliverMessage,
  now: Millis,
  world: DeliverWorld,
): Promise<void> {
  const wake = await sendNext(job, message, message.attempts, message.wake.dueAt, world);
  await world.jobs.replace(withWebhook(job, { ...job.webhook, awaited: wake }, now));
  tell(message, world, { outcome: 'hop', wait_seconds: (wake.dueAt - now) / 1000 });
}

/** Null: another worker has it. That worker's message is still in the queue, so this one may go. */
async function claim(job: PendingJob, now: Millis, world: DeliverWorld): Promise<PendingJob | null> {
  const { leaseUntil } = job.webhook;
  if (leaseUntil !== null && leaseUntil > now) return null;
  const claimed = withWebhook(job, { ...job.webhook, leaseUntil: now + ATTEMPT_LEASE_MILLIS }, now);
  return (await world.jobs.replace(claimed)) ? (claimed as PendingJob) : null;
}

async function record(
  job: PendingJob,
  message: DeliverMessage,
  exchange: Exchange,
  attempts: number,
  verdict: Verdict,
  world: DeliverWorld,
): Promise<void> {
  const now = world.clock.now();
  const { id, url } = job.webhook;
  const lastStatus = exchange.kind === 'answered' ? exchange.status : null;
  const tried = { id, url, attempts, lastAttemptAt: now, lastStatus };
  if (verdict.step === 'settle') {
    const isRecorded = await world.jobs.replace(withWebhook(job, { ...tried, status: verdict.status }, now));
    if (!isRecorded) throw new Error(`The webhook of ${job.jobId} changed while its lease was held`);
    return;
  }
  const awaited = await sendNext(job, message, attempts, now + verdict.waitMillis, world);
  await world.jobs.replace(withWebhook(job, { ...tried, status: 'pending', awaited, leaseUntil: null }, now));
}

async function sendNext(
  job: PendingJob,
  message: DeliverMessage,
  attempts: number,
  dueAt: Millis,
  world: DeliverWorld,
) {
  const wake = { seq: message.wake.seq + 1, token: base32(world.chance.bytes()), dueAt };
  await world.wakeUps.deliver({ jobId: job.jobId, wake, attempts }, hopSeconds(dueAt, world.clock.now()));
  return wake;
}

function withWebhook(job: FinishedJob, webhook: Webhook, now: Millis): FinishedJob {
  return { ...job, ...nextVersion(job, now), webhook };
}

function causeOf(exchange: Exchange): string {
  return exchange.kind === 'failed' ? exchange.error : exchange.kind;
}

function tell(message: DeliverMessage, world: DeliverWorld, facts: Facts): void {
  world.log.tell('deliver', { job_id: message.jobId, ...facts });
}
