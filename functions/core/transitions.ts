import type { FinishedFields } from './http/view.ts';
import { nonceOf } from './ids.ts';
import type {
  Attempt,
  FinishedJob,
  JobBase,
  Millis,
  PendingJob,
  PendingWebhook,
  Place,
  QueuedJob,
  Queueing,
  RunningJob,
  SettledWebhook,
  SubmittingJob,
  TakenJob,
  UnfinishedJob,
  WakeUp,
  Webhook,
} from './job.ts';
import { ATTEMPT_LEASE_MILLIS, SUBMIT_LEASE_MILLIS } from './limits.ts';
import type { PollMessage } from './messages.ts';
import { DEADLINE_EXTENSION_MILLIS, extendDeadline } from './polling/overdue.ts';
import type { End } from './upstream/report.ts';

/**
 * A job's whole life. Each change makes the next version of the row that was read, and nothing else makes one.
 *
 *                   queued ◄───────┐
 *              taken │  ▲ queued     │ ended
 *                    ▼  │            ▼
 *     accepted ──► submitting ──── started ────► running ─┐
 *                      │                          │ ▲ └───┘ polled, rescued
 *                    ended                      ended
 *                      ▼                          ▼
 *                completed, failed, cancelled or expired; and its webhook, if it has one:
 *
 *     awaiting ┌─► pending ─────── claimed ──────► under way ─── settled ───► delivered, exhausted,
 *              └────┘ ▲ ▲ └──── released, attempted ──┘                       gone or blocked
 *                       └────────────────────── redelivered ────────────────────────┘
 *
 * Once nothing of it is under way, its client may have it deleted: functions/core/retention.ts.
 */

/** The wake-up that follows another in a job's chain, or the first one if there was none. */
export function nextWakeUp(last: Pick<WakeUp, 'seq'> | null, dueAt: Millis, random: Uint8Array): WakeUp {
  return { seq: (last?.seq ?? 0) + 1, token: nonceOf(random), dueAt };
}

type Given = 'jobId' | 'client' | 'modelId' | 'totalTasks' | 'metadata' | 'fingerprint' | 'expiresAt';
type Accepted = Pick<JobBase, Given | 'submissions' | 'tokensClass' | 'parts' | 'queueing'> & {
  webhook: Pick<Webhook, 'id' | 'url' | 'destination'> | null;
};

export function accepted({ webhook, ...given }: Accepted, now: Millis): SubmittingJob {
  const times = { createdAt: now, updatedAt: now, wakeUpDeadline: now + DEADLINE_EXTENSION_MILLIS };
  const job = { ...given, ...times, version: 1 };
  const untried = { attempts: 0, attemptsBefore: 0, log: [], expectedWakeUp: null, leaseUntil: null };
  const first = webhook && { ...webhook, status: 'pending' as const, ...untried };
  return { ...job, status: 'submitting', leaseUntil: now + SUBMIT_LEASE_MILLIS, webhook: first };
}

/** It waits for its turn, which it keeps if ModelStudio then refuses it. */
export function queued(job: SubmittingJob, queueing: Queueing, now: Millis): QueuedJob {
  const { place, ...kept } = nextVersion(job, now);
  return { ...kept, status: 'queued', queueing, webhook: job.webhook };
}

/** Before ModelStudio is asked to create it, so that nobody else asks; with its place, if their number is bounded. */
export function taken(job: QueuedJob, place: Place | null, now: Millis): TakenJob {
  const { queueing, webhook } = job;
  const lease = { leaseUntil: now + SUBMIT_LEASE_MILLIS, wakeUpDeadline: now + DEADLINE_EXTENSION_MILLIS };
  const next = { ...counted(nextVersion(job, now), 1), ...lease, ...(place && { place }) };
  return { ...next, status: 'submitting', queueing, webhook };
}

/** ModelStudio has certainly not created it, or was not even asked. */
export function uncounted(job: SubmittingJob): SubmittingJob {
  return counted(job, -1);
}

function counted<J extends JobBase>(job: J, more: number): J {
  return job.submissions === undefined ? job : { ...job, submissions: job.submissions + more };
}

/** Its request is no longer stored, and of its parts no others than those that are left. */
export function forgotten(job: FinishedJob, now: Millis, left: JobBase['parts'] | null = null): FinishedJob {
  const { queueing, parts, ...kept } = job;
  const next = { ...kept, updatedAt: now, version: job.version + 1 };
  return left && queueing ? { ...next, queueing, parts: left } : next;
}

/** If its first wake-up could not be sent, the sweeper comes when it would be due. */
export function started(job: SubmittingJob, message: PollMessage, isSent: boolean, now: Millis): RunningJob {
  const running = rescued(adopted(job, message), message.wakeUp, now);
  return isSent ? running : { ...running, wakeUpDeadline: message.wakeUp.dueAt };
}

/**
 * As its message knows it, which is no version of its own: the submit function may have died after ModelStudio
 * created the job, and a poll after ModelStudio reported on it.
 */
export function adopted(job: SubmittingJob | RunningJob, message: PollMessage): RunningJob {
  const { upstreamJobId, wakeUp, isSeen, polledAt, startedAt = polledAt } = message;
  if (job.status === 'running') return { ...job, isSeen: job.isSeen || isSeen, doubt: job.doubt ?? null };
  const { leaseUntil, queueing, place, ...kept } = job;
  return {
    ...kept,
    ...(place && { place: { ...place, upstreamJobId } }),
    // A large job's conversations stay stored as long as it may need them.
    ...(kept.parts ? queueing && { queueing } : queueing && { startedAt }),
    status: 'running',
    upstreamJobId,
    completedTasks: 0,
    expectedWakeUp: wakeUp,
    isSeen,
    doubt: null,
  };
}

type Known = Pick<RunningJob, 'completedTasks' | 'isSeen' | 'doubt'> &
  Partial<Pick<RunningJob, 'parts' | 'totalTasks'>>;

/** Of two chains, the one that writes later takes back no progress. */
export function polled(job: RunningJob, known: Known, expectedWakeUp: WakeUp, now: Millis): RunningJob {
  const next = { ...rescued(job, expectedWakeUp, now), ...known };
  if (known.completedTasks <= job.completedTasks) return { ...next, completedTasks: job.completedTasks };
  return { ...next, progressAt: now };
}

/** Whether a poll is worth a write: before its deadline, a row vouches for wake-ups that it does not name. */
export function isNews(before: RunningJob, after: RunningJob): boolean {
  if (after.doubt?.about !== before.doubt?.about) return true;
  return (['completedTasks', 'parts', 'wakeUpDeadline'] as const).some((at) => after[at] !== before[at]);
}

export function rescued(job: RunningJob, expectedWakeUp: WakeUp, now: Millis): RunningJob {
  const wakeUpDeadline = extendDeadline(expectedWakeUp.dueAt, job.wakeUpDeadline);
  return { ...job, ...nextVersion(job, now), wakeUpDeadline, expectedWakeUp };
}

type Ended = JobBase & FinishedFields;

/** What the event says about the job: it is written before the row. */
export function ended(job: UnfinishedJob, { results, ...end }: End, now: Millis): Ended {
  return { ...nextVersion(job, now), ...end, failedTasks: results?.failedTasks ?? 0, finishedAt: now };
}

type Documents = Pick<FinishedJob, 'event' | 'results'>;

export function finished(job: Ended, documents: Documents, webhook: PendingWebhook | null): FinishedJob {
  const wakeUpDeadline = extendDeadline(neededUntil(webhook, job.finishedAt), job.wakeUpDeadline);
  return { ...job, ...documents, wakeUpDeadline, webhook };
}

/** For the next hop of a long wait, or to replace a wake-up that was lost. */
export function awaiting(job: PendingJob, expectedWakeUp: WakeUp, now: Millis): PendingJob {
  return withWebhook(job, { ...job.webhook, expectedWakeUp }, now);
}

/** Its receiver hangs, so that there is no attempt now. */
export function held(job: PendingJob, expectedWakeUp: WakeUp, now: Millis): PendingJob {
  return withWebhook(job, { ...job.webhook, expectedWakeUp, heldUntil: expectedWakeUp.dueAt }, now);
}

export function claimed(job: PendingJob, now: Millis): PendingJob {
  const { heldUntil, ...webhook } = job.webhook;
  return withWebhook(job, { ...webhook, leaseUntil: now + ATTEMPT_LEASE_MILLIS }, now);
}

export function released(job: PendingJob, now: Millis): PendingJob {
  return withWebhook(job, { ...job.webhook, leaseUntil: null }, now);
}

export function attempted(job: PendingJob, tried: Attempt, expectedWakeUp: WakeUp, now: Millis): PendingJob {
  const tries = withAttempt(job, tried);
  return withWebhook(job, { ...tries, status: 'pending', expectedWakeUp, leaseUntil: null }, now);
}

type Settled = Pick<SettledWebhook, 'status' | 'lastSeq'>;

export function settled(job: PendingJob, tried: Attempt, how: Settled, now: Millis): FinishedJob {
  return withWebhook(job, { ...withAttempt(job, tried), ...how }, now);
}

/** A new round: the whole schedule, from `dueAt` on. Messages of the previous round become stale. */
export function redelivered(job: FinishedJob, webhook: Webhook, bytes: Uint8Array, now: Millis, dueAt = now) {
  const { lastSeq, ...kept } = { lastSeq: 0, ...webhook };
  const last = webhook.status === 'pending' ? webhook.expectedWakeUp : { seq: lastSeq };
  const redelivered = { rounds: (webhook.redelivered?.rounds ?? 0) + 1, at: now };
  const round = { ...kept, status: 'pending', attemptsBefore: webhook.attempts, redelivered } as const;
  const expectedWakeUp = nextWakeUp(last, dueAt, bytes);
  return withWebhook(job, { ...round, expectedWakeUp, leaseUntil: null }, now);
}

/** A delivery log that grew forever would outgrow its row. */
const ATTEMPTS_KEPT = 100;

function withAttempt({ webhook }: PendingJob, tried: Attempt) {
  const { status, expectedWakeUp, leaseUntil, ...kept } = webhook;
  return { ...kept, attempts: tried.attempt, log: [...kept.log, tried].slice(-ATTEMPTS_KEPT) };
}

function withWebhook<W extends Webhook>(job: FinishedJob, webhook: W, now: Millis) {
  const wakeUpDeadline = extendDeadline(neededUntil(webhook, now), job.wakeUpDeadline);
  return { ...job, ...nextVersion(job, now), wakeUpDeadline, webhook };
}

/** Until then, the current worker or the next message does not count as lost. */
function neededUntil(webhook: Webhook | null, now: Millis): Millis {
  if (webhook?.status !== 'pending') return now;
  return Math.max(webhook.expectedWakeUp?.dueAt ?? 0, webhook.leaseUntil ?? 0);
}

type OfOneState = Exclude<keyof SubmittingJob | keyof RunningJob | keyof FinishedJob, keyof JobBase>;

/** The part of a job that its next state keeps, as the row's next version; with it goes whatever a later release has added. */
function nextVersion(job: JobBase & Partial<Record<OfOneState, unknown>>, now: Millis): JobBase {
  const { status, webhook, leaseUntil, upstreamJobId, expectedWakeUp, isSeen, doubt, ...others } = job;
  const { completedTasks, progressAt, failedTasks, finishedAt, error, event, results, version, ...kept } =
    others;
  return { ...kept, updatedAt: now, version: version + 1 };
}
