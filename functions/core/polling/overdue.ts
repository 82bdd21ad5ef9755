import { hash } from 'node:crypto';
import { givenUpAt, type JobRow, type Millis } from '../job.ts';

/** How far ahead a row vouches for wake-ups that it does not name, so that a short job is polled without a single write. */
export const DEADLINE_EXTENSION_MILLIS = 15 * 60_000;
/** After this time a wake-up is lost: later than a failed message's second delivery, and sooner than that of a collector that died. */
export const LOST_AFTER_MILLIS = 5 * 60_000;
/** The last poll falls on the expiry itself and has this long to end the job. */
export const EXPIRY_GRACE_MILLIS = 15_000;

/** What is still stored of a finished job's request, or of a deleted job, was left by a worker that died. */
export const LEFT_MILLIS = 30_000;

/** The sweep index is split into this many shards, so that no single partition bears the whole load. */
export const SHARDS = 8;

export function shardOf(jobId: string): number {
  return (hash('sha256', jobId, 'buffer')[0] ?? 0) % SHARDS;
}

/** The keys of the sparse index of what somebody must look after at that time; what needs nobody has none. */
export function sweepKeys(id: string, sweepAt: Millis | null): { sweepShard?: number; sweepAt?: number } {
  return sweepAt === null ? {} : { sweepShard: shardOf(id), sweepAt };
}

/** The deadline for a wake-up that is due at `dueAt`: the current one if that is late enough, else a new one. */
export function extendDeadline(dueAt: Millis, wakeUpDeadline: Millis): Millis {
  return dueAt + LOST_AFTER_MILLIS <= wakeUpDeadline ? wakeUpDeadline : dueAt + DEADLINE_EXTENSION_MILLIS;
}

/** When the sweeper must look after a job unless it has moved on by then; null if nothing is left to do. */
export function overdueAt(job: JobRow): Millis | null {
  if (job.status === 'deleted') return job.leftovers ? job.updatedAt + LEFT_MILLIS : null;
  if (job.status === 'queued') return givenUpAt(job);
  // At its expiry, a large job begins to merge its results.
  if (job.status === 'running' && job.parts) return job.wakeUpDeadline;
  if (job.status === 'submitting' || job.status === 'running') {
    return Math.min(job.wakeUpDeadline, job.expiresAt + EXPIRY_GRACE_MILLIS);
  }
  const isPending = job.webhook?.status === 'pending';
  if (job.queueing) return Math.min(job.updatedAt + LEFT_MILLIS, ...(isPending ? [job.wakeUpDeadline] : []));
  return isPending ? job.wakeUpDeadline : null;
}
