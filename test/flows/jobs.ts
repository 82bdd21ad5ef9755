import type { FinishedJob, PendingWebhook, RunningJob, Wake } from '../../functions/core/job.ts';

export const NOW = Date.UTC(2026, 0, 1);

export function wake(seq: number, token = 't', dueAt = NOW): Wake {
  return { seq, token, dueAt };
}

export function pendingWebhook(changes: Partial<PendingWebhook> = {}): PendingWebhook {
  const url = 'https://hooks.example.com/h';
  const untried = { attempts: 0, lastAttemptAt: null, lastStatus: null, leaseUntil: null, awaited: null };
  return { status: 'pending', id: 'msg_1', url, ...untried, ...changes };
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
  version: 2,
};

export function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return {
    ...base,
    status: 'running',
    upstreamJobId: 'up-1',
    awaited: wake(1),
    missingSince: null,
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
    webhook: pendingWebhook({ awaited: wake(1) }),
    ...changes,
  };
}
