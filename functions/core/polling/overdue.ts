import { createHash } from 'node:crypto';
import type { Job, Millis } from '../job.ts';

/**
 * How far a job's row vouches for its wake-ups. One that is due before this deadline need not be written down,
 * so a short job is polled without a single write; a longer one extends the deadline now and then.
 */
export const DEADLINE_EXTENSION_MILLIS = 15 * 60_000;
/**
 * A wake-up that is this late is lost: longer than a message that failed once stays hidden in its queue, so
 * that a second delivery comes first. To a job whose collector died the sweeper comes first, which is sooner.
 */
export const LOST_AFTER_MILLIS = 5 * 60_000;
/** The last poll falls on the expiry itself and has this long to end the job. */
export const EXPIRY_GRACE_MILLIS = 15_000;

/** Overdue jobs are kept in this many parts, which no single partition of the index has to bear alone. */
export const SHARDS = 8;

export function shardOf(jobId: string): number {
  return (createHash('sha256').update(jobId).digest()[0] ?? 0) % SHARDS;
}

/** The deadline for a wake-up that is due at `dueAt`: the present one if that is late enough, else a new one. */
export function extendDeadline(dueAt: Millis, wakeUpDeadline: Millis): Millis {
  return dueAt + LOST_AFTER_MILLIS <= wakeUpDeadline ? wakeUpDeadline : dueAt + DEADLINE_EXTENSION_MILLIS;
}

/** From when on the sweeper must look after a job, unless it has moved on by then; null once nothing is left to do. */
export function overdueAt(job: Job): Millis | null {
  if (job.status === 'submitting' || job.status === 'running') {
    return Math.min(job.wakeUpDeadline, job.expiresAt + EXPIRY_GRACE_MILLIS);
  }
  return job.webhook?.status === 'pending' ? job.wakeUpDeadline : null;
}
