import { createHash } from 'node:crypto';
import type { Job, Millis } from '../job.ts';

/**
 * How long a job's row vouches for its wake-ups. A wake-up that is due within that time need not be written down,
 * so a short job is polled without a single write; a longer one renews its watch now and then.
 */
export const WATCH_MILLIS = 15 * 60_000;
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

/** The watch that a wake-up due at `dueAt` needs: the present one if that reaches far enough, else a new one. */
export function watchOver(dueAt: Millis, watchedUntil: Millis): Millis {
  return dueAt + LOST_AFTER_MILLIS <= watchedUntil ? watchedUntil : dueAt + WATCH_MILLIS;
}

/** From when on the sweeper must look after a job, unless it has moved on by then; null once nothing is left to do. */
export function overdueAt(job: Job): Millis | null {
  if (job.status === 'submitting' || job.status === 'running') {
    return Math.min(job.watchedUntil, job.expiresAt + EXPIRY_GRACE_MILLIS);
  }
  return job.webhook?.status === 'pending' ? job.watchedUntil : null;
}
