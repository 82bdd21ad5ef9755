import { afterAttempt, type Exchange, isSuccess, type Verdict } from '../core/attempt.ts';
import { base32 } from '../core/ids.ts';
import {
  type Attempt,
  type FinishedJob,
  isFinished,
  type Millis,
  nextVersion,
  type PendingWebhook,
  type SettledWebhook,
  standing,
  type Wake,
  type Webhook,
} from '../core/job.ts';
import { ATTEMPT_LEASE_MILLIS } from '../core/limits.ts';
import type { DeliverMessage } from '../core/messages.ts';
import type { Measured, MetricName } from '../core/metrics.ts';
import { watchOver } from '../core/overdue.ts';
import { hopSeconds, isEarly } from '../core/wait.ts';
import type { Facts, World } from '../ports.ts';

export type DeliverWorld = Pick<
  World,
  'jobs' | 'documents' | 'wakeUps' | 'webhooks' | 'clock' | 'chance' | 'log'
> & { settings: { webhookSchedule: readonly number[] } };

type PendingJob = FinishedJob & { webhook: PendingWebhook };

/** A delivery log that grew for ever would outgrow its row. */
const ATTEMPTS_KEPT = 100;

/** Losing a race means that somebody else has just written the row; losing it this often means a fault. */
const RACES_MAX = 3;

/**
 * Makes one attempt to deliver a finished job's webhook, then settles it or sends the next wake-up.
 * @returns when the message must come again, if another worker has the webhook; null when it is done with
 */
export async function deliver(message: DeliverMessage, world: DeliverWorld): Promise<Millis | null> {
  for (let race = 0; race < RACES_MAX; race++) {
    const job = await world.jobs.find(message.jobId);
    if (job === null || !isFinished(job)) return tally(message, world, { outcome: 'no_job' });
    if (!isPending(job) || !isAwaited(message, job.webhook))
      return tally(message, world, { outcome: 'stale' });
    const now = world.clock.now();
    if (isEarly(message.wake.dueAt, now)) return hop(job, message, now, world);
    if (isLeased(job, now)) return waitForHolder(job, message, world);
    const claimed = await claim(job, now, world);
    if (claimed === null) continue;
    await attempt(job, claimed, message, now, world).catch((error) => giveBack(claimed, error, world));
    return null;
  }
  throw new Error(`The job ${message.jobId} changed under each of ${RACES_MAX} tries to claim it`);
}

function isLeased({ webhook }: PendingJob, now: Millis): boolean {
  return webhook.leaseUntil !== null && webhook.leaseUntil > now;
}

/**
 * Another worker has it. A message that the row awaits is that worker's own, delivered twice: to acknowledge it
 * here would take it from its holder, who may yet fail. One that is ahead was sent by the holder, who is about to
 * record it: it comes again sooner.
 */
function waitForHolder(job: PendingJob, message: DeliverMessage, world: DeliverWorld): Millis | null {
  const { awaited, leaseUntil } = job.webhook;
  if (awaited !== null && standing(message.wake, awaited) === 'ahead')
    throw new Error(`The sender of this message has not recorded it yet: ${job.jobId}`);
  tally(message, world, { outcome: 'under_way' });
  return leaseUntil;
}

/** The message of an attempt that failed comes again before the lease would end: it must find the webhook free. */
async function giveBack(claimed: PendingJob, error: unknown, world: DeliverWorld): Promise<never> {
  const free = withWebhook(claimed, { ...claimed.webhook, leaseUntil: null }, world.clock.now());
  // If the row was written after all, this changes nothing. Should it fail, too, the message waits for the lease to end.
  await world.jobs.replace(free).catch(() => false);
  throw error;
}

async function attempt(
  job: PendingJob,
  claimed: PendingJob,
  message: DeliverMessage,
  now: Millis,
  world: DeliverWorld,
): Promise<void> {
  const body = await world.documents.load(job.event);
  const exchange = await world.webhooks.send(job.webhook, body);
  const answeredAt = world.clock.now();
  const { attemptsBefore } = job.webhook;
  const attempts = Math.max(job.webhook.attempts, message.attempts) + 1;
  const { webhookSchedule } = world.settings;
  const verdict = afterAttempt(exchange, attempts - attemptsBefore, webhookSchedule, world.chance.fraction());
  const tried: Attempt = {
    attempt: attempts,
    at: now,
    durationMillis: answeredAt - now,
    ...answerIn(exchange),
    nextAttemptAt: verdict.step === 'retry' ? answeredAt + verdict.waitMillis : null,
  };
  await record(claimed, message, tried, verdict, world);
  tellAttempt(job, tried, verdict, isSuccess(exchange), world);
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
): Promise<null> {
  const wake = await sendNext(job, message, message.attempts, message.wake.dueAt, world);
  await recordHop(job, wake, now, world);
  return tally(message, world, { outcome: 'hop', wait_seconds: (wake.dueAt - now) / 1000 });
}

/** Of two chains, the one that is further on wins: its row makes the other's messages stale. */
async function recordHop(job: PendingJob, wake: Wake, now: Millis, world: DeliverWorld): Promise<void> {
  let before: PendingJob = job;
  for (let race = 0; race < RACES_MAX; race++) {
    const { webhook } = before;
    if (await world.jobs.replace(withWebhook(before, { ...webhook, awaited: wake }, now))) return;
    const found = await world.jobs.find(job.jobId);
    if (found === null || !isFinished(found) || !isPending(found)) return;
    before = found;
    const isNewRound = before.webhook.attemptsBefore !== job.webhook.attemptsBefore;
    if (isNewRound || (before.webhook.awaited?.seq ?? 0) >= wake.seq) return;
  }
}

/** Null: the row has changed since it was read. */
async function claim(job: PendingJob, now: Millis, world: DeliverWorld): Promise<PendingJob | null> {
  const claimed = withWebhook(job, { ...job.webhook, leaseUntil: now + ATTEMPT_LEASE_MILLIS }, now);
  return (await world.jobs.replace(claimed)) ? (claimed as PendingJob) : null;
}

async function record(
  job: PendingJob,
  message: DeliverMessage,
  tried: Attempt,
  verdict: Verdict,
  world: DeliverWorld,
): Promise<void> {
  const now = world.clock.now();
  const { status, awaited: _, leaseUntil, ...kept } = job.webhook;
  const log = [...kept.log, tried].slice(-ATTEMPTS_KEPT);
  const after = { ...kept, attempts: tried.attempt, log };
  if (verdict.step === 'settle') {
    const settled: SettledWebhook = { ...after, status: verdict.status, lastSeq: message.wake.seq };
    if (await world.jobs.replace(withWebhook(job, settled, now))) return;
    throw new Error(`The webhook of ${job.jobId} changed while its lease was held`);
  }
  const awaited = await sendNext(job, message, tried.attempt, tried.nextAttemptAt ?? now, world);
  await world.jobs.replace(withWebhook(job, { ...after, status: 'pending', awaited, leaseUntil: null }, now));
}

async function sendNext(
  job: PendingJob,
  message: DeliverMessage,
  attempts: number,
  dueAt: Millis,
  world: DeliverWorld,
) {
  const wake = { seq: message.wake.seq + 1, token: base32(world.chance.bytes()), dueAt };
  // Held back for a second at least, so that it does not arrive before it is recorded.
  const delaySeconds = Math.max(1, hopSeconds(dueAt, world.clock.now()));
  await world.wakeUps.deliver({ jobId: job.jobId, wake, attempts }, delaySeconds);
  return wake;
}

function withWebhook(job: FinishedJob, webhook: Webhook, now: Millis): FinishedJob {
  // Whoever has it now, or whose message comes next, is not lost before then.
  const dueAt =
    webhook.status === 'pending' ? Math.max(webhook.awaited?.dueAt ?? 0, webhook.leaseUntil ?? 0) : now;
  const watchedUntil = watchOver(dueAt, job.watchedUntil);
  return { ...job, ...nextVersion(job, now), watchedUntil, webhook };
}

function answerIn(exchange: Exchange): Pick<Attempt, 'status' | 'error' | 'location'> {
  if (exchange.kind !== 'answered')
    return { status: null, error: exchange.kind === 'failed' ? exchange.error : exchange.kind };
  const { status, location } = exchange;
  return { status, error: null, ...(location !== undefined && { location }) };
}

const SETTLED = {
  delivered: 'WebhooksDelivered',
  exhausted: 'WebhooksExhausted',
  gone: 'WebhooksGone',
  blocked: 'WebhooksBlocked',
} as const satisfies Record<SettledWebhook['status'], MetricName>;

function tellAttempt(
  job: PendingJob,
  tried: Attempt,
  verdict: Verdict,
  isDelivered: boolean,
  world: DeliverWorld,
): void {
  const facts: Facts = {
    outcome: verdict.step === 'settle' ? verdict.status : 'retry',
    job_id: job.jobId,
    client: job.client,
    attempt: tried.attempt,
    duration_ms: tried.durationMillis,
    ...(verdict.step === 'retry' && { wait_seconds: verdict.waitMillis / 1000 }),
    ...(tried.status !== null && { status: tried.status }),
    ...(tried.error !== null && { cause: tried.error }),
  };
  const measured: Measured = {
    WebhookAttempts: 1,
    WebhookFailures: isDelivered ? 0 : 1,
    WebhookAttemptSeconds: tried.durationMillis / 1000,
    ...(verdict.step === 'settle' && { [SETTLED[verdict.status]]: 1 }),
  };
  world.log.tell('deliver', facts, measured);
}

/** For a message that is done with. */
function tally(message: DeliverMessage, world: DeliverWorld, facts: Facts): null {
  world.log.tally('deliver', { job_id: message.jobId, ...facts });
  return null;
}
