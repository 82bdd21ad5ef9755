import { type Answer, problem } from './problem.ts';

export const BODY_MAX_BYTES = 4 * 1024 * 1024;

const JSON_IN_UTF8 = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i;

/** Reads a request's JSON body, or refuses it in the contract's order: 415, then 413, then 400. */
export function readJson(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
  requestId: string,
): { value: unknown } | Answer {
  const isJson = JSON_IN_UTF8.test(headers['content-type'] ?? '');
  const isEncoded = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
  if (!isJson || isEncoded) return problem('unsupported_media_type', requestId);
  if (body.byteLength > BODY_MAX_BYTES) return problem('too_large', requestId);
  const text = decodeUtf8(body);
  if (text === null) return invalid('The body is not valid UTF-8.', requestId);
  try {
    return { value: JSON.parse(text) };
  } catch {
    return invalid(text.trim() === '' ? 'The body is empty.' : 'The body is not valid JSON.', requestId);
  }
}

function decodeUtf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function invalid(message: string, requestId: string): Answer {
  return problem('invalid_request', requestId, { detail: message, errors: [{ pointer: '', message }] });
}
