import * as z from 'zod/mini';
import type { Millis } from '../job.ts';
import { UPLOAD_MAX_BYTES, UPLOAD_URL_SECONDS } from '../limits.ts';
import { UPLOAD_FORMATS, type Upload } from '../uploads.ts';
import { number, optional } from './validation.ts';

const A_SHA256 = 'Must be a SHA-256 hash as 64 hexadecimal digits';
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/i, A_SHA256), z.toLowerCase());

/** What an app says of a file that it wants to upload. */
export const UploadBody = z.strictObject({
  bytes: number(1, UPLOAD_MAX_BYTES, 'a whole number'),
  format: z.enum(UPLOAD_FORMATS, `Must be one of ${UPLOAD_FORMATS.join(', ')}`),
  sha256: optional<string | null>(sha256, null),
});

/** A URL to which the file may be put once, with these headers. */
export interface PutLink {
  url: string;
  headers: Record<string, string>;
}

/** @param link null: the file is there already */
export function uploadJson({ uploadId }: Upload, link: PutLink | null, now: Millis): string {
  const expires_at = link && new Date(now + UPLOAD_URL_SECONDS * 1000).toISOString();
  const { url, headers } = link ?? { url: null, headers: null };
  return JSON.stringify({ upload_id: uploadId, method: 'PUT', url, headers, expires_at });
}
