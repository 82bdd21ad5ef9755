import type { FinishedJob, QueuedJob, RunningJob, SubmittingJob } from '../../functions/core/job.ts';
import * as fake from '../cloud/jobs.ts';

export const { NOW } = fake;

/** Nothing that a store could lose: names and values of all kinds. */
const base = { metadata: { order: '17', empty: '', 'Straße 😀': 'ß' }, createdAt: NOW, version: 1 };

export function submittingJob(changes: Partial<SubmittingJob> = {}): SubmittingJob {
  return fake.submittingJob({ ...base, ...changes });
}

export function queuedJob(changes: Partial<QueuedJob> = {}): QueuedJob {
  return fake.queuedJob({ ...base, ...changes });
}

export function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return fake.runningJob({ ...base, webhook: null, ...changes });
}

export function finishedJob(changes: Partial<FinishedJob> = {}): FinishedJob {
  return fake.finishedJob({
    ...base,
    status: 'failed',
    error: { code: 'expired', message: 'Too late.' },
    results: { store: 'bucket', key: 'results/job_1/a.json' },
    webhook: fake.settledWebhook('delivered', { log: [fake.attempt(), fake.attempt({ attempt: 2 })] }),
    ...changes,
  });
}
