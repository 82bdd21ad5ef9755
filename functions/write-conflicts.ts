import type { Job } from './core/job.ts';
import type { World } from './ports.ts';

/** Losing a race means that another worker has just written the row; losing this often means a fault. */
const CONFLICT_RETRIES_MAX = 5;

/** What a try returns if the row has changed since it was read. */
export const LOST = Symbol('lost');

/** Tries again after each lost race; a try reads the row, decides and writes. */
export async function onConflict<T>(jobId: string, tryOnce: () => Promise<T | typeof LOST>): Promise<T> {
  for (let race = 0; race < CONFLICT_RETRIES_MAX; race++) {
    const result = await tryOnce();
    if (result !== LOST) return result;
  }
  throw new Error(`The job ${jobId} changed under each of ${CONFLICT_RETRIES_MAX} tries to write it`);
}

/**
 * Records what has already happened: in the row as it was read, or else in the row as it is by then.
 * @param change returns null if the row is further on and outlives this
 * @returns whether it was written
 */
export async function record<J extends Job>(
  job: J,
  change: (row: Job | J) => Job | null,
  { jobs }: Pick<World, 'jobs'>,
): Promise<boolean> {
  let row: Job | null = job;
  return onConflict(job.jobId, async () => {
    const after = row && change(row);
    if (after === null) return false;
    if (await jobs.replace(after)) return true;
    row = await jobs.find(job.jobId);
    return LOST;
  });
}
