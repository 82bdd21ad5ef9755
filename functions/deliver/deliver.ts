import {
  type Attempt,
  classifyWakeUp,
  isClaimed,
  isFinished,
  isPending,
  type Job,
  type Millis,
  type PendingJob,
  type SettledWebhook,
} from '../core/job.ts';
import type { LogFields } from '../core/log.ts';
import type { DeliverMessage } from '../core/messages.ts';
import type { MetricName, MetricValues } from '../core/metrics.ts';
import { roundEndsAt } from '../core/retention.ts';
import { isEarly, sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob, inTraceOf, traceparentOf } from '../core/trace.ts';
import { attempted, awaiting, claimed, held, nextWakeUp, released, settled } from '../core/transitions.ts';
import { type AttemptOutcome, afterAttempt, type Verdict } from '../core/webhook/attempt.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { LOST, onConflict, record } from '../write-conflicts.ts';

export type DeliverWorld = Pick<
  World,
  'jobs' | 'documents' | 'wakeUps' | 'webhooks' | 'lanes' | 'clock' | 'random' | 'log'
> & { settings: { webhookSchedule: readonly number[] } };

/**
 * Makes one attempt to deliver a finished job's webhook, then settles it or sends the next wake-up.
 * @returns when the message must come back, if another worker has the webhook; null if it is done
 */
export async function deliver(received: DeliverMessage, world: DeliverWorld): Promise<Millis | null> {
  return onConflict(received.jobId, async () => {
    const [job] = await waitForAll([world.jobs.find(received.jobId), world.lanes.look()]);
    const message = inTraceOf(job, received);
    if (job === null || !isFinished(job)) return logOutcome(message, world, { outcome: 'no_job' });
    if (!isPending(job) || classifyWakeUp(message.wakeUp, job.webhook.expectedWakeUp) === 'stale')
      return logOutcome(message, world, { outcome: 'stale' });
    const now = world.clock.now();
    if (isEarly(message.wakeUp.dueAt, now))
      return putOff(job, message, message.wakeUp.dueAt, awaiting, world);
    if (isClaimed(job.webhook, now)) return waitForHolder(job, message, world);
    const heldUntil = await world.lanes.heldUntil({ ...job.webhook, client: job.client });
    if (heldUntil !== null && heldUntil < roundEndsAt(job))
      return putOff(job, message, heldUntil, held, world);
    const ours = claimed(job, world.clock.now());
    if (!(await world.jobs.replace(ours))) return LOST;
    await attempt(ours, message, world).catch((error) => giveBack(ours, error, world));
    return null;
  });
}

/**
 * Another worker has the webhook. The expected wake-up is that worker's own message, delivered twice: acknowledging it
 * here would take it from a worker that may yet fail. A message that is ahead was sent by that worker, which is about to
 * record it, so it comes back sooner.
 */
function waitForHolder(job: PendingJob, message: DeliverMessage, world: DeliverWorld): Millis | null {
  const { expectedWakeUp, leaseUntil } = job.webhook;
  if (classifyWakeUp(message.wakeUp, expectedWakeUp) === 'ahead')
    throw new Error(`The sender of this message has not recorded it yet: ${job.jobId}`);
  logOutcome(message, world, { outcome: 'under_way' });
  return leaseUntil;
}

/** The message of a failed attempt comes back before the lease would end, and must find the webhook free. */
async function giveBack(job: PendingJob, error: unknown, world: DeliverWorld): Promise<never> {
  // If the row was written after all, this changes nothing. If it fails, too, the message waits for the lease to end.
  await world.jobs.replace(released(job, world.clock.now())).catch(() => false);
  throw error;
}

async function attempt(job: PendingJob, message: DeliverMessage, world: DeliverWorld): Promise<void> {
  const body = await world.documents.load(job.event);
  const { client, tracestate } = job;
  const traceparent = traceparentOf(job, world.clock.now());
  const exchange = await world.webhooks.send({ ...job.webhook, client, traceparent, tracestate }, body);
  const now = world.clock.now();
  const attempts = Math.max(job.webhook.attempts, message.attempts) + 1;
  const inRound = attempts - job.webhook.attemptsBefore;
  const { webhookSchedule } = world.settings;
  const left = roundEndsAt(job) - now;
  const verdict = afterAttempt(exchange, inRound, webhookSchedule, world.random.fraction(), left);
  const nextAttemptAt = verdict.step === 'retry' ? now + verdict.waitMillis : null;
  const time = { at: job.updatedAt, durationMillis: now - job.updatedAt, nextAttemptAt };
  const tried: Attempt = { attempt: attempts, ...answerIn(exchange), ...time };
  if (verdict.step === 'settle') {
    const how = { status: verdict.status, lastSeq: message.wakeUp.seq };
    const isOurs = await recordAttempt(job, (row) => settled(row, tried, how, now), world);
    if (!isOurs) throw new Error(`The webhook of ${job.jobId} changed while its lease was held`);
  } else {
    const wakeUp = await sendNext(message, attempts, now + verdict.waitMillis, world);
    await recordAttempt(job, (row) => attempted(row, tried, wakeUp, now), world);
  }
  logAttempt(job, tried, verdict, world);
}

/**
 * In the row as it is by now: whoever ended the job may have written it since, to forget what was asked. The webhook is ours
 * for as long as the lease is and no duplicate has put it off.
 */
function recordAttempt(job: PendingJob, change: (row: PendingJob) => Job, world: DeliverWorld) {
  const { leaseUntil, expectedWakeUp } = job.webhook;
  const isOurs = ({ webhook }: PendingJob) =>
    webhook.leaseUntil === leaseUntil && webhook.expectedWakeUp?.token === expectedWakeUp?.token;
  return record(job, (row) => (isPending(row) && isOurs(row) ? change(row) : null), world);
}

/** `awaiting`: the wait is longer than a queue can delay a message, so it makes another hop. `held`: the receiver hangs, and others try it. */
async function putOff(
  job: PendingJob,
  message: DeliverMessage,
  dueAt: Millis,
  change: typeof awaiting | typeof held,
  world: DeliverWorld,
): Promise<null> {
  const now = world.clock.now();
  const wakeUp = await sendNext(message, message.attempts, dueAt, world);
  // Of two chains, the one that is further on wins, as its row makes the other's messages stale.
  const overtake = (row: Job) => {
    const isOurRound = isPending(row) && row.webhook.attemptsBefore === job.webhook.attemptsBefore;
    return isOurRound && (row.webhook.expectedWakeUp?.seq ?? 0) < wakeUp.seq
      ? change(row, wakeUp, now)
      : null;
  };
  await record(job, overtake, world);
  const wait_seconds = (dueAt - now) / 1000;
  if (change === awaiting) return logOutcome(message, world, { outcome: 'hop', wait_seconds });
  const fields = { outcome: 'held', client: job.client, wait_seconds };
  return logOutcome(message, world, fields, { WebhooksHeld: 1 });
}

async function sendNext(message: DeliverMessage, attempts: number, dueAt: Millis, world: DeliverWorld) {
  const wakeUp = nextWakeUp(message.wakeUp, dueAt, world.random.bytes());
  // Delayed by at least a second, so that it does not arrive before it is recorded.
  const delaySeconds = Math.max(1, sqsDelaySeconds(dueAt, world.clock.now()));
  await world.wakeUps.deliver({ ...message, wakeUp, attempts }, delaySeconds);
  return wakeUp;
}

function answerIn(exchange: AttemptOutcome): Pick<Attempt, 'status' | 'error' | 'location'> {
  if (exchange.kind === 'accepted') return { status: null, error: null };
  if (exchange.kind !== 'answered') return { status: null, error: exchange.error ?? 'blocked' };
  const { status, location } = exchange;
  return { status, error: null, ...(location !== undefined && { location }) };
}

const SETTLED = {
  delivered: 'WebhooksDelivered',
  exhausted: 'WebhooksExhausted',
  gone: 'WebhooksGone',
  blocked: 'WebhooksBlocked',
} as const satisfies Record<SettledWebhook['status'], MetricName>;

function logAttempt(job: PendingJob, tried: Attempt, verdict: Verdict, world: DeliverWorld): void {
  const outcome = verdict.step === 'settle' ? verdict.status : 'retry';
  const fields: LogFields = {
    outcome,
    ...aboutJob(job),
    attempt: tried.attempt,
    duration_ms: tried.durationMillis,
    ...(verdict.step === 'retry' && { wait_seconds: verdict.waitMillis / 1000 }),
    ...(tried.status !== null && { status: tried.status }),
    ...(tried.error !== null && { cause: tried.error }),
  };
  const metrics: MetricValues = {
    WebhookAttempts: 1,
    WebhookFailures: outcome === 'delivered' ? 0 : 1,
    WebhookAttemptSeconds: tried.durationMillis / 1000,
    ...(verdict.step === 'settle' && { [SETTLED[verdict.status]]: 1 }),
  };
  world.log.event('deliver', fields, metrics);
}

/** For a message that is done. */
function logOutcome(message: DeliverMessage, world: DeliverWorld, fields: LogFields, metrics?: MetricValues) {
  world.log.aggregate('deliver', { ...aboutJob(message), ...fields }, metrics);
  return null;
}
