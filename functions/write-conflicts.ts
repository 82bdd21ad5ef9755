import type { Job } from './core/job.ts';
import type { World } from './ports.ts';

/** Losing a race means that another worker has just written the row; losing this often means a fault. */
const CONFLICT_RETRIES_MAX = 5;

/** The same for a row that many may write at once, one after the other: at most that often, and so long apart. */
const CROWD_RETRIES_MAX = 12;
const FIRST_PAUSE_MILLIS = 25;
const PAUSE_MAX_MILLIS = 1000;

/** What a try returns if the row has changed since it was read. */
export const LOST = Symbol('lost');

/** Tries again after each lost race: a try reads the row, decides and writes. `crowd` is for a row that many may write at once. */
export async function onConflict<T>(
  rowId: string,
  tryOnce: () => Promise<T | typeof LOST>,
  crowd?: Pick<World, 'sleep' | 'random'>,
): Promise<T> {
  const triesMax = crowd ? CROWD_RETRIES_MAX : CONFLICT_RETRIES_MAX;
  for (let race = 0; race < triesMax; race++) {
    const result = await tryOnce();
    if (result !== LOST) return result;
    const pauseMillis = Math.min(PAUSE_MAX_MILLIS, FIRST_PAUSE_MILLIS * 2 ** race);
    await crowd?.sleep(crowd.random.fraction() * pauseMillis);
  }
  throw new Error(`The row ${rowId} changed under each of ${triesMax} tries to write it`);
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
