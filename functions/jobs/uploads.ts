import { readBody } from '../core/http/body.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { UploadBody, uploadJson } from '../core/http/uploads.ts';
import { retryAfter, retryIn } from '../core/http/view.ts';
import { uploadIdOf, uploadIdOfFile } from '../core/ids.ts';
import { isFinished } from '../core/job.ts';
import {
  asked,
  dropped,
  JOBS_MAX,
  objectKeyOf,
  type Upload,
  unknownUntil,
  uploadIn,
  uploadsRowOf,
} from '../core/uploads.ts';
import type { Authorized } from '../http/authorize.ts';
import { okJson } from '../http/show.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type UploadsWorld = Pick<World, 'uploads' | 'jobs' | 'clock' | 'random' | 'sleep' | 'log'>;

/** `POST /v1/uploads`: where to put a file. With its hash, the same file gets the same upload as long as there is one. */
export async function createUpload(request: Request, call: Authorized, world: UploadsWorld): Promise<Answer> {
  const body = readBody(request, UploadBody);
  if ('status' in body) return body;
  const { client } = call;
  const { bytes, format, sha256 } = body;
  const uploadId =
    sha256 === null ? uploadIdOf(world.random.bytes()) : uploadIdOfFile(client, sha256, bytes, format);
  const tryOnce = async () => {
    const row = await world.uploads.find(client);
    const after = asked(row, { uploadId, bytes, format }, world.clock.now());
    return 'fullUntil' in after || (await world.uploads.replace(after)) ? after : LOST;
  };
  const after = await onConflict(uploadsRowOf(client), tryOnce, world);
  const now = world.clock.now();
  if ('fullUntil' in after)
    return problem('too_many_uploads', request.requestId, {
      headers: retryIn((after.fullUntil - now) / 1000),
    });
  const upload = after.uploads[uploadId] as Upload;
  const isThere = sha256 !== null && (await world.uploads.isThere(upload));
  const link = isThere ? null : await world.uploads.link(upload, sha256);
  world.log.event('upload', { outcome: isThere ? 'known' : 'begun', upload_id: uploadId, client });
  return { ...okJson(uploadJson(upload, link, now)), status: 201 };
}

/** `DELETE /v1/uploads/{upload_id}`: nobody finds it from the first write on; then, or else by the sweeper, the file is deleted. */
export async function deleteUpload(request: Request, call: Authorized, world: UploadsWorld): Promise<Answer> {
  const { client, jobId: uploadId } = call;
  const tryOnce = async () => {
    const row = await world.uploads.find(client);
    const now = world.clock.now();
    const upload = uploadIn(row, uploadId, now);
    if (upload === null) return problem('upload_not_found', request.requestId);
    const jobs = await waitForAll(upload.jobs.map((jobId) => world.jobs.find(jobId)));
    const [unfinished] = jobs.flatMap((job) => (job === null || isFinished(job) ? [] : job));
    if (unfinished) {
      const detail = `The job ${unfinished.jobId}, which names the upload, has not finished.`;
      return problem('not_deletable', request.requestId, { detail, headers: retryAfter(unfinished, now) });
    }
    const waitMillis = (unknownUntil(upload) ?? now) - now;
    if (waitMillis > 0) {
      const detail = `More than ${JOBS_MAX - 1} jobs name the upload, and one of them may not have finished.`;
      return problem('not_deletable', request.requestId, { detail, headers: retryIn(waitMillis / 1000) });
    }
    if (!(await world.uploads.replace(dropped(row, upload, now)))) return LOST;
    await world.uploads.remove(objectKeyOf(upload));
    world.log.event('upload', { outcome: 'deleted', upload_id: uploadId, client });
    return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
  };
  return onConflict(uploadsRowOf(client), tryOnce, world);
}
