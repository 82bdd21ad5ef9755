import { unreadableKeyOf } from './ids.ts';
import type { DeletedJob, FinishedJob, Millis } from './job.ts';
import { documentsOf } from './retention.ts';

/** Keeps nothing that its client said or was told, nor a hash of it. */
export function deleted(job: FinishedJob, now: Millis): DeletedJob {
  const { jobId, client, trace, modelId, totalTasks, createdAt, finishedAt, submissions, place } = job;
  const kept = { jobId, client, modelId, totalTasks, createdAt, finishedAt };
  const ties = { ...(trace && { trace }), ...(submissions && { submissions }), ...(place && { place }) };
  const leftovers = [...documentsOf(job), { store: 'bucket', key: unreadableKeyOf(jobId) } as const];
  return { ...kept, ...ties, status: 'deleted', leftovers, updatedAt: now, version: job.version + 1 };
}

/** Its documents are gone. */
export function erased({ leftovers, ...job }: DeletedJob, now: Millis): DeletedJob {
  return { ...job, updatedAt: now, version: job.version + 1 };
}
