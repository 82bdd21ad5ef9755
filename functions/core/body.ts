import { type Answer, problem } from './problem.ts';

export const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** Of objects and arrays: in a valid body of that size each is a message or a part of 26 bytes, or holds some. */
const CONTAINERS_MAX = 200_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/** Reads a request's JSON body, or refuses it in the contract's order: 415, then 413, then 400. */
export function readJson(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
  requestId: string,
): { value: unknown } | Answer {
  const isJson = isJsonInUtf8(headers['content-type'] ?? '');
  const isEncoded = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
  if (!isJson || isEncoded) return problem('unsupported_media_type', requestId);
  if (body.byteLength > BODY_MAX_BYTES) return problem('too_large', requestId);
  const text = decodeUtf8(body);
  if (text === null) return invalid('The body is not valid UTF-8.', requestId);
  if (hasTooManyContainers(text))
    return invalid(`The body has more than ${CONTAINERS_MAX} objects and arrays.`, requestId);
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return invalid(text.trim() === '' ? 'The body is empty.' : notJson(error), requestId);
  }
}

/** The parser's own sentence may quote the body, so only the place is taken from it, if it has one. */
function notJson(error: unknown): string {
  const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(String(error)) ?? [];
  const place = line === undefined ? '' : `: see line ${line}, column ${column}`;
  return `The body is not valid JSON${place}.`;
}

function isJsonInUtf8(contentType: string): boolean {
  const [type, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const given = parameters.filter((parameter) => parameter !== '');
  return (
    type === 'application/json' && given.every((parameter) => /^charset\s*=\s*"?utf-8"?$/.test(parameter))
  );
}

/** Counted before it is parsed: two million of them take a parser more memory than the function has. */
function hasTooManyContainers(text: string): boolean {
  let containers = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === BRACE || code === BRACKET) containers++;
  }
  return containers > CONTAINERS_MAX;
}

function endOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let before = index - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return (index - before) % 2 === 0;
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
