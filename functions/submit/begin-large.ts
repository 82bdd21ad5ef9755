import type { Job, SubmittingJob } from '../core/job.ts';
import { OF_PARTS } from '../core/parts/parts.ts';
import type { Parts } from '../core/parts/row.ts';
import { aboutJob } from '../core/trace.ts';
import { nextWakeUp, started } from '../core/transitions.ts';
import { claimed, objectKeyOf, type Upload, uploadIn, uploadsRowOf } from '../core/uploads.ts';
import type { World } from '../ports.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type BeginLargeWorld = ClaimWorld & Pick<World, 'jobs' | 'requests' | 'wakeUps' | 'log'>;

type NoUpload = 'upload_not_found' | 'upload_incomplete';

/** Records a job of several parts, stores its conversations unless an upload has them, wakes its chain, and records that, too. */
export async function beginLarge(
  job: SubmittingJob & { parts: Parts },
  source: string | readonly unknown[],
  world: BeginLargeWorld,
): Promise<Job | 'replay' | NoUpload> {
  let large = job;
  if (typeof source === 'string') {
    const upload = await claimUpload(source, job, world);
    if (typeof upload === 'string') return (await world.jobs.findRow(job.jobId)) ? 'replay' : upload;
    const { uploadId: id, format } = upload;
    large = { ...job, parts: { ...job.parts, format, upload: { id, key: objectKeyOf(upload) } } };
  }
  if (!(await world.jobs.insert(large))) return 'replay';
  const now = world.clock.now();
  const wakeUp = nextWakeUp(null, now, world.random.bytes());
  const known = { jobId: job.jobId, trace: job.trace, upstreamJobId: OF_PARTS, wakeUp, polledAt: now };
  const message = { ...known, isSeen: false, recordedToken: wakeUp.token, pollsSinceRecord: 0 };
  if (typeof source !== 'string') {
    try {
      await world.requests.save(job, source);
    } catch (error) {
      await world.jobs.remove(job);
      await world.requests.remove(job).catch(() => undefined);
      throw error;
    }
  }
  // From here on its chain may live, even if sending fails: nothing is taken back.
  const isSent = await world.wakeUps.poll(message, 0).then(
    () => true,
    () => false,
  );
  const running = started(large, message, isSent, now);
  const outcome = isSent ? 'queued' : 'wake_up_unsent';
  const facts = { outcome, ...aboutJob(job), model_id: job.modelId, total_tasks: job.totalTasks };
  world.log.event('submit', facts, { JobsQueued: 1 });
  return (await world.jobs.replace(running)) ? running : ((await world.jobs.find(job.jobId)) ?? running);
}

export type ClaimWorld = Pick<World, 'uploads' | 'clock' | 'random' | 'sleep'>;

/** A job is about to name an upload, which is then kept until a day after the job has ended. May be repeated. */
export function claimUpload(
  uploadId: string,
  job: Pick<Job, 'jobId' | 'client' | 'expiresAt'>,
  world: ClaimWorld,
): Promise<Upload | NoUpload> {
  const tryOnce = async () => {
    const row = await world.uploads.find(job.client);
    const upload = uploadIn(row, uploadId, world.clock.now());
    if (upload === null) return 'upload_not_found';
    if (!(await world.uploads.isThere(upload))) return 'upload_incomplete';
    const after = claimed(row, upload, job, world.clock.now());
    return (await world.uploads.replace(after)) ? upload : LOST;
  };
  return onConflict(uploadsRowOf(job.client), tryOnce, world);
}
