import { LaterFormat } from '../core/format.ts';
import type { Millis } from '../core/job.ts';
import { cleared, leftoversDue, looked, type Upload, uploadsToLookAt } from '../core/uploads.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';

export type SweepUploadsWorld = Pick<World, 'uploads' | 'jobs' | 'clock' | 'log'>;

/** What else is due is left to the next sweep. */
const AT_ONCE_MAX = 50;

/**
 * Deletes the files of a client that nothing needs any longer: each becomes a leftover, which no job can name, then its object is
 * deleted, then it is forgotten. Whoever writes the row in between leaves the rest to the next sweep.
 */
export async function sweepUploads(client: string, world: SweepUploadsWorld): Promise<void> {
  const row = await world.uploads.find(client);
  const now = world.clock.now();
  const looks = uploadsToLookAt(row, now)
    .slice(0, AT_ONCE_MAX)
    .map(async (upload) => ({
      upload,
      endedAt: await lastEndOf(upload, world),
    }));
  const after = looked(row, await waitForAll(looks), now);
  if (after !== row && !(await world.uploads.replace(after))) return;
  const due = leftoversDue(after, now).slice(0, AT_ONCE_MAX);
  if (due.length === 0) return;
  await waitForAll(due.map((key) => world.uploads.remove(key)));
  await world.uploads.replace(cleared(after, due));
  world.log.event('upload', { outcome: 'removed', client });
}

/** When the last of the jobs that have named the upload ended; null if one has not. */
async function lastEndOf({ jobs }: Upload, world: SweepUploadsWorld): Promise<Millis | null> {
  const ends = await waitForAll(jobs.map((jobId) => endOf(jobId, world)));
  return ends.includes(null) ? null : Math.max(0, ...ends.map(Number));
}

async function endOf(jobId: string, world: SweepUploadsWorld): Promise<Millis | null> {
  const job = await world.jobs.findRow(jobId).catch((error: unknown) => {
    if (error instanceof LaterFormat) return undefined;
    throw error;
  });
  // A job that is gone has ended, unless only a later release can read it.
  if (job === null) return 0;
  return job && 'finishedAt' in job ? job.finishedAt : null;
}
