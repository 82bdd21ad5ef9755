import type { Millis } from './job.ts';

/** A file that a client has put, or may yet put, into the bucket by a link. Its id tells one content from another. */
export interface Upload {
  readonly uploadId: string;
  readonly bytes: number;
  readonly format: UploadFormat;
  /** The version of its row in which it appeared. */
  readonly since: number;
  /** When it was last asked for or named by a job. */
  readonly touchedAt: Millis;
  /** The latest jobs that have named it. It is unused while there are none. */
  readonly jobs: readonly string[];
  /** A day after the latest moment at which any job that has named it expires or, if it is unused, after it was asked for. */
  readonly until: Millis;
  /** When the sweeper looks whether it may be deleted. */
  readonly lookAt: Millis;
}

export const UPLOAD_FORMATS = ['json', 'jsonl'] as const;
export type UploadFormat = (typeof UPLOAD_FORMATS)[number];

/** All uploads of a client. They are one row, so that what they may be in all holds whatever happens at once. */
export interface ClientUploads {
  readonly client: string;
  /** 0: there is no row yet. */
  readonly version: number;
  readonly uploads: Readonly<Record<string, Upload>>;
  /** Keys of objects that are to be deleted, which nobody can find any longer, and from when on the sweeper does it. */
  readonly leftovers: Readonly<Record<string, Millis>>;
}

const HOUR_MILLIS = 3_600_000;
const DAY_MILLIS = 24 * HOUR_MILLIS;
/** A link may be used until its end, and the transfer that it begins may take a while. */
const LINK_AND_TRANSFER_MILLIS = HOUR_MILLIS;

export const UNUSED_MAX = 20;
export const CLIENT_MAX_BYTES = 5 * 1024 ** 3;
/** With the jobs of each, as many as the 400 KB of a row have room for. */
export const UPLOADS_MAX = 500;
export const JOBS_MAX = 16;

/** `since` distinguishes an upload from an earlier one with the same id, whose object is still to be deleted. */
export const objectKeyOf = ({ uploadId, since }: Upload) => `uploads/${uploadId}/${since}`;

/** The row of a client's uploads lies among the jobs' rows, so that the sweeper finds it. */
const ROW = 'uploads/';
export const uploadsRowOf = (client: string) => `${ROW}${client}`;
/** Null: the row is not one of uploads. */
export const clientOfRow = (id: string) => (id.startsWith(ROW) ? id.slice(ROW.length) : null);

/** Null: there is none, or its time is up. */
export function uploadIn({ uploads }: ClientUploads, uploadId: string, now: Millis): Upload | null {
  const upload = Object.hasOwn(uploads, uploadId) ? uploads[uploadId] : undefined;
  return upload === undefined || (isUnused(upload) && upload.until <= now) ? null : upload;
}

type Asked = Pick<Upload, 'uploadId' | 'bytes' | 'format'>;

/** The row with the upload that is asked for in it; or, if there is no room for it, when there may be. */
export function asked(row: ClientUploads, ask: Asked, now: Millis): ClientUploads | { fullUntil: Millis } {
  const known = uploadIn(row, ask.uploadId, now);
  const fullUntil = known ? null : whenRoom(row, ask, now);
  if (fullUntil !== null) return { fullUntil };
  const until = Math.max(known?.until ?? 0, now + DAY_MILLIS);
  const fresh = known ?? { ...ask, since: row.version + 1, jobs: [] };
  const lookAt = known && !isUnused(known) ? known.lookAt : until;
  // An earlier one with this id whose time is up may have been sent, and nobody has deleted it yet.
  const before = known ? row : left(row, ask.uploadId, now);
  return withUpload(before, { ...fresh, touchedAt: now, until, lookAt });
}

/** A job names the upload. */
export function claimed(
  row: ClientUploads,
  upload: Upload,
  job: { jobId: string; expiresAt: Millis },
  now: Millis,
): ClientUploads {
  const jobs = [...upload.jobs.filter((jobId) => jobId !== job.jobId), job.jobId].slice(-JOBS_MAX);
  const until = Math.max(upload.until, job.expiresAt + DAY_MILLIS);
  return withUpload(row, { ...upload, jobs, until, touchedAt: now, lookAt: now + HOUR_MILLIS });
}

/** Nobody finds the upload from now on. A link to it may still be used, so its object may have to be deleted once more. */
export function dropped(row: ClientUploads, upload: Upload, now: Millis): ClientUploads {
  const at = Math.max(now, upload.touchedAt + LINK_AND_TRANSFER_MILLIS);
  return { ...left(row, upload.uploadId, at), version: row.version + 1 };
}

/** Until when a job may run that has named the upload, and is no longer among those that are known; null if all are known. */
export function unknownUntil({ jobs, until }: Upload): Millis | null {
  return jobs.length < JOBS_MAX ? null : until - DAY_MILLIS;
}

/** Those that the sweeper must look at. */
export function uploadsToLookAt({ uploads }: ClientUploads, now: Millis): Upload[] {
  return Object.values(uploads).filter(({ lookAt }) => lookAt <= now);
}

/** `endedAt`: when the last of its jobs did, null if one has not. */
type Look = { upload: Upload; endedAt: Millis | null };

/** The sweeper has looked at these uploads: those that nothing has needed for a day become leftovers. */
export function looked(row: ClientUploads, looks: readonly Look[], now: Millis): ClientUploads {
  let after = row;
  for (const { upload, endedAt } of looks) {
    const lookAt = endedAt === null ? now + HOUR_MILLIS : endOf(upload, endedAt);
    if (lookAt <= now) after = left(after, upload.uploadId, now);
    else after = { ...after, uploads: { ...after.uploads, [upload.uploadId]: { ...upload, lookAt } } };
  }
  return after === row ? row : { ...after, version: row.version + 1 };
}

function endOf(upload: Upload, endedAt: Millis): Millis {
  if (isUnused(upload)) return upload.until;
  return Math.max(upload.touchedAt, endedAt, unknownUntil(upload) ?? 0) + DAY_MILLIS;
}

/** Keys of objects that must be deleted now. */
export function leftoversDue({ leftovers }: ClientUploads, now: Millis): string[] {
  return Object.keys(leftovers).filter((key) => (leftovers[key] ?? 0) <= now);
}

/** The objects are gone. */
export function cleared(row: ClientUploads, keys: readonly string[]): ClientUploads {
  const leftovers = Object.entries(row.leftovers).filter(([key]) => !keys.includes(key));
  return { ...row, version: row.version + 1, leftovers: Object.fromEntries(leftovers) };
}

/** When the sweeper must look at the row; null if there is nothing in it. */
export function uploadsOverdueAt({ uploads, leftovers }: ClientUploads): Millis | null {
  const times = [...Object.values(uploads).map(({ lookAt }) => lookAt), ...Object.values(leftovers)];
  return times.length > 0 ? Math.min(...times) : null;
}

const isUnused = ({ jobs }: Upload) => jobs.length === 0;

function withUpload(row: ClientUploads, upload: Upload): ClientUploads {
  return { ...row, version: row.version + 1, uploads: { ...row.uploads, [upload.uploadId]: upload } };
}

/** Makes an upload, if it is there, a leftover. */
function left(row: ClientUploads, uploadId: string, at: Millis): ClientUploads {
  const { [uploadId]: upload, ...uploads } = row.uploads;
  if (upload === undefined) return row;
  return { ...row, uploads, leftovers: { ...row.leftovers, [objectKeyOf(upload)]: at } };
}

/** Null: there is room for it now. */
function whenRoom({ uploads, leftovers }: ClientUploads, { bytes }: Asked, now: Millis): Millis | null {
  const live = Object.values(uploads).filter((upload) => !isUnused(upload) || upload.until > now);
  const unused = live.filter(isUnused);
  const sum = live.reduce((total, upload) => total + upload.bytes, bytes);
  const firstEnd = (some: Upload[]) => Math.min(...some.map(({ until }) => until));
  if (unused.length >= UNUSED_MAX) return firstEnd(unused);
  if (sum > CLIENT_MAX_BYTES) return firstEnd(live);
  const entries = Object.keys(uploads).length + Object.keys(leftovers).length;
  return entries < UPLOADS_MAX ? null : Math.min(firstEnd(live), ...Object.values(leftovers));
}
