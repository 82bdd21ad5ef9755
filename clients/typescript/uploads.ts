import type { Connection } from './connection.ts';
import { ApiError } from './errors.ts';
import type { CallOptions } from './repeating.ts';
import type { Upload, UploadRequest } from './types.ts';

export interface UploadOptions extends CallOptions {
  /** `json`: one array of conversations. `jsonl`: a conversation a line. */
  format: UploadRequest['format'];
  /**
   * The file's hash in hexadecimal digits: with it, a file that is there already is not sent again. It is computed of what
   * is in memory, and only a Blob lacks it unless you give it.
   */
  sha256?: string;
}

/** The link to the store takes a file for so long. */
const SENDING_MS = 15 * 60_000;

/** @returns the id for a job's `messages_from` */
export async function upload(
  data: string | Uint8Array | Blob,
  { format, sha256, ...options }: UploadOptions,
  connection: Connection,
): Promise<string> {
  const file = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const hash = sha256 ?? ('byteLength' in file ? await sha256Of(file) : undefined);
  const asked: UploadRequest = {
    bytes: 'byteLength' in file ? file.byteLength : file.size,
    format,
    ...(hash && { sha256: hash }),
  };
  const call = { method: 'POST', path: '/v1/uploads', body: JSON.stringify(asked) } as const;
  const { body } = await connection.object<Upload>(call, options, 'an upload', ['upload_id', 'url']);
  const sending = { ...options, deadlineMs: options.deadlineMs ?? SENDING_MS };
  if (body.url !== null) await send(body.url, body.headers ?? {}, file, sending, connection);
  return body.upload_id;
}

async function send(
  path: string,
  { 'content-length': _itsOwn, ...headers }: Record<string, string>,
  body: Uint8Array | Blob,
  options: CallOptions,
  connection: Connection,
): Promise<void> {
  try {
    const { watch } = await connection.open({ method: 'PUT', path, headers, body }, options);
    watch.end();
  } catch (error) {
    // It takes a file once: the attempt whose answer was lost has succeeded.
    if (!(error instanceof ApiError && error.status === 412)) throw error;
  }
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
