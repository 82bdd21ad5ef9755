import { unreadableKeyOf } from './ids.ts';
import type { DeletedJob, FinishedJob, JobRow, Millis, PendingJob } from './job.ts';
import { ROUND_MAX_DAYS } from './limits.ts';
import type { DocumentRef } from './parts/row.ts';

const DAY_SECONDS = 86_400;

/** How long the row is kept, in Unix seconds: long enough for a round of deliveries that began in time. */
export function endOfLife(job: JobRow, retentionDays: number): number {
  const end = 'finishedAt' in job ? job.finishedAt : job.expiresAt;
  const days = retentionDays + ('webhook' in job && job.webhook?.status === 'pending' ? ROUND_MAX_DAYS : 0);
  return Math.ceil(end / 1000) + days * DAY_SECONDS;
}

/** After this, a round has no other attempt: half a day before its row may be deleted. */
export function roundEndsAt({ finishedAt, webhook }: PendingJob): Millis {
  return (webhook.redelivered?.at ?? finishedAt) + (ROUND_MAX_DAYS - 0.5) * DAY_SECONDS * 1000;
}

/** The key of the same results, one a line. */
export const linesKeyOf = (key: string) => key.replace(/json$/, 'jsonl');

/** What a worker has written to end a job. */
export function documentsOf({ event, results }: FinishedJob): DocumentRef[] {
  if (results === null || results === 'in-event') return [event];
  return [event, results, ...(results.hasLines ? [{ ...results, key: linesKeyOf(results.key) }] : [])];
}

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
