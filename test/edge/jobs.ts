import type { FinishedJob, PendingWebhook, RunningJob, SubmittingJob } from '../../functions/core/job.ts';

export const NOW = Date.UTC(2026, 0, 1);

const base = {
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm/1',
  totalTasks: 3,
  metadata: { order: '17', empty: '', 'Straße 😀': 'ß' },
  fingerprint: 'f',
  createdAt: NOW,
  updatedAt: NOW + 1,
  expiresAt: NOW + 86_400_000,
  version: 1,
};

const webhook: PendingWebhook = {
  status: 'pending',
  id: 'msg_1',
  url: 'https://hooks.example.com/h',
  attempts: 0,
  lastAttemptAt: null,
  lastStatus: null,
  awaited: null,
  leaseUntil: null,
};

export function submittingJob(changes: Partial<SubmittingJob> = {}): SubmittingJob {
  return { ...base, status: 'submitting', leaseUntil: NOW + 60_000, webhook, ...changes };
}

export function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return {
    ...base,
    status: 'running',
    upstreamJobId: 'up-1',
    completedTasks: 1,
    awaited: { seq: 1, token: 't', dueAt: NOW },
    missingSince: null,
    webhook: null,
    ...changes,
  };
}

export function finishedJob(changes: Partial<FinishedJob> = {}): FinishedJob {
  return {
    ...base,
    status: 'failed',
    completedTasks: 3,
    failedTasks: 1,
    finishedAt: NOW + 5000,
    error: { code: 'expired', message: 'Too late.' },
    event: { store: 'table', key: 'events/job_1/a.json' },
    results: { store: 'bucket', key: 'results/job_1/a.json' },
    webhook: {
      status: 'delivered',
      id: 'msg_1',
      url: 'https://hooks.example.com/h',
      attempts: 2,
      lastAttemptAt: NOW + 6000,
      lastStatus: 204,
    },
    ...changes,
  };
}
