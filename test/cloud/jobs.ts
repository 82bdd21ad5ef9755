import type {
  Attempt,
  FinishedJob,
  PendingWebhook,
  QueuedJob,
  RunningJob,
  SettledWebhook,
  SubmittingJob,
  WakeUp,
} from '../../functions/core/job.ts';
import type { PollMessage } from '../../functions/core/messages.ts';

export const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Of an attempt, without its URL. */
export const DELIVERY = { client: 'my-app', id: 'msg_1', traceparent: TRACEPARENT };

/** What each line about `job_1` says, which came without a trace. */
export const OF_JOB_1 = { job_id: 'job_1', trace_id: 'bb2632af3674b8f0ebe2e6951cf8aaff' };

/** A multiple of five minutes. */
export const NOW = Date.UTC(2026, 0, 1);

export function wakeUp(seq: number, token = 't', dueAt = NOW): WakeUp {
  return { seq, token, dueAt };
}

export function attempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    attempt: 1,
    at: NOW,
    status: 204,
    durationMillis: 12,
    error: null,
    nextAttemptAt: null,
    ...changes,
  };
}

const untried = {
  id: 'msg_1',
  url: 'https://hooks.example.com/h',
  attempts: 0,
  attemptsBefore: 0,
  log: [] as Attempt[],
};

export function pendingWebhook(changes: Partial<PendingWebhook> = {}): PendingWebhook {
  return { ...untried, status: 'pending', leaseUntil: null, expectedWakeUp: null, ...changes };
}

export function settledWebhook(
  status: SettledWebhook['status'],
  changes: Partial<SettledWebhook> = {},
): SettledWebhook {
  return { ...untried, status, attempts: 1, lastSeq: 1, log: [attempt()], ...changes };
}

const base = {
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm',
  totalTasks: 3,
  completedTasks: 0,
  metadata: {},
  fingerprint: 'f',
  createdAt: NOW - 10_000,
  updatedAt: NOW - 10_000,
  expiresAt: NOW + 3_600_000,
  wakeUpDeadline: NOW + 900_000,
  version: 2,
};

export function submittingJob(changes: Partial<SubmittingJob> = {}): SubmittingJob {
  const { completedTasks, ...submitting } = base;
  return {
    ...submitting,
    status: 'submitting',
    leaseUntil: NOW + 60_000,
    webhook: pendingWebhook(),
    ...changes,
  };
}

export function queuedJob(changes: Partial<QueuedJob> = {}): QueuedJob {
  const { completedTasks, ...queued } = base;
  const queueing = { until: NOW + 3_600_000, turn: 1 };
  return { ...queued, status: 'queued', queueing, webhook: pendingWebhook(), ...changes };
}

export function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return {
    ...base,
    status: 'running',
    upstreamJobId: 'up-1',
    expectedWakeUp: wakeUp(1),
    isSeen: true,
    doubt: null,
    webhook: pendingWebhook(),
    ...changes,
  };
}

export function finishedJob(changes: Partial<FinishedJob> = {}): FinishedJob {
  return {
    ...base,
    status: 'completed',
    failedTasks: 0,
    finishedAt: NOW,
    error: null,
    event: { store: 'table', key: 'events/job_1/a.json' },
    results: 'in-event',
    webhook: pendingWebhook({ expectedWakeUp: wakeUp(1) }),
    ...changes,
  };
}

/** A message of the chain whose wake-up the row of `runningJob` names. */
export function pollMessage(seq = 1, token = 't', changes: Partial<PollMessage> = {}): PollMessage {
  const chain = { recordedToken: 't', pollsSinceRecord: seq - 1, polledAt: NOW - 2000, isSeen: true };
  return { jobId: 'job_1', upstreamJobId: 'up-1', wakeUp: wakeUp(seq, token), ...chain, ...changes };
}
