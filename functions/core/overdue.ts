import { createHash } from 'node:crypto';
import type { Job, Millis } from './job.ts';

/**
 * A wake-up that is this late is lost: longer than a message that failed once stays hidden in its queue, so
 * that a second delivery comes first.
 */
const LOST_AFTER_MILLIS = 5 * 60_000;
/** The last poll falls on the expiry itself and has this long to end the job. */
const EXPIRY_GRACE_MILLIS = 15_000;
/** Rounded up to this, the moment seldom moves while a job is polled, and an index entry that does not move costs nothing. */
const ROUNDED_TO_MILLIS = 5 * 60_000;

/** Overdue jobs are kept in this many parts, which no single partition of the index has to bear alone. */
export const SHARDS = 8;

export function shardOf(jobId: string): number {
  return (createHash('sha256').update(jobId).digest()[0] ?? 0) % SHARDS;
}

/** From when on the sweeper must look after a job, unless it has moved on by then; null once nothing is left to do. */
export function overdueAt(job: Job): Millis | null {
  if (job.status === 'submitting') return job.leaseUntil;
  if (job.status === 'running') {
    return Math.min(rounded(job.awaited.dueAt + LOST_AFTER_MILLIS), job.expiresAt + EXPIRY_GRACE_MILLIS);
  }
  const { webhook, finishedAt } = job;
  if (webhook?.status !== 'pending') return null;
  return rounded((webhook.awaited?.dueAt ?? finishedAt) + LOST_AFTER_MILLIS);
}

function rounded(at: Millis): Millis {
  return Math.ceil(at / ROUNDED_TO_MILLIS) * ROUNDED_TO_MILLIS;
}
