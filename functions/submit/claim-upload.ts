import type { Job } from '../core/job.ts';
import { claimed, type Upload, uploadIn, uploadsRowOf } from '../core/uploads.ts';
import type { World } from '../ports.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type ClaimWorld = Pick<World, 'uploads' | 'clock' | 'random' | 'sleep'>;

/**
 * A job is about to name an upload, which is then kept until a day after the job has ended. May be repeated.
 * @returns `unknown`: the client has none with that id; `incomplete`: the file is not there yet
 */
export function claimUpload(
  uploadId: string,
  job: Pick<Job, 'jobId' | 'client' | 'expiresAt'>,
  world: ClaimWorld,
): Promise<Upload | 'unknown' | 'incomplete'> {
  const tryOnce = async () => {
    const row = await world.uploads.find(job.client);
    const upload = uploadIn(row, uploadId, world.clock.now());
    if (upload === null) return 'unknown';
    if (!(await world.uploads.isThere(upload))) return 'incomplete';
    const after = claimed(row, upload, job, world.clock.now());
    return (await world.uploads.replace(after)) ? upload : LOST;
  };
  return onConflict(uploadsRowOf(job.client), tryOnce, world);
}
