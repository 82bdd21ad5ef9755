import { type Answer, problem } from './problem.ts';

export const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** Of objects and arrays. The most that a valid body has: messages of one empty part, three in 54 bytes. */
const CONTAINERS_MAX = 240_000;
/** Of one object; a valid one has some twenty at most. */
const FIELDS_MAX = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const BRACE_CLOSED = 0x7d;

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
  const excess = excessIn(text);
  if (excess !== null) return invalid(excess, requestId);
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

/** Looked for before the body is parsed: millions of objects or fields take a parser more memory than the function has. */
function excessIn(text: string): string | null {
  let containers = 0;
  /** Of each object that is open. */
  const fields: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === BRACE || code === BRACKET) {
      if (++containers > CONTAINERS_MAX)
        return `The body has more than ${CONTAINERS_MAX} objects and arrays.`;
      if (code === BRACE) fields.push(0);
    } else if (code === BRACE_CLOSED) fields.pop();
    else if (code === COLON) {
      const own = (fields.pop() ?? 0) + 1;
      if (own > FIELDS_MAX) return `An object of the body has more than ${FIELDS_MAX} fields.`;
      fields.push(own);
    }
  }
  return null;
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
