import { isUtf8 } from 'node:buffer';
import * as z from 'zod/mini';
import { BRACE, BRACKET, CLOSING, COLON, COMMA, documentIn, type Json, QUOTE } from '../json/scan.ts';
import { repeatedIn, whyNotJson } from '../json/text.ts';
import { BODY_MAX_BYTES } from '../limits.ts';
import { type Fault, problem } from './problem.ts';
import type { Answer, Request } from './request-answer.ts';
import { faultsOf, isObject } from './validation.ts';

/** Objects and arrays, of which a valid body's arrays consist. It has no more: one of messages with one empty part has three in 54 bytes. */
const CONTAINERS_MAX = 240_000;
/** Fields of one object; a valid one has about twenty at most. */
const FIELDS_MAX = 1000;
/** A valid body has seven levels; the search for duplicate names takes one pass for each. */
const LEVELS_MAX = 16;

/** Other parameters are allowed, as they say nothing about JSON. */
const JSON_IN_UTF8 = /^\s*application\/json\s*(;(?!\s*charset\s*=(?!\s*("utf-?8"|utf-?8)\s*(;|$)))[^;]*)*$/i;

type Sent = Pick<Request, 'headers' | 'body' | 'requestId'>;

/** Reads a request's JSON body or refuses it with 415, 413 or 400, in this order. `parse` finds all other faults. */
export function readJson<T extends object>(
  { headers, body, requestId }: Sent,
  parse: (value: unknown) => T | { faults: Fault[] },
): T | Answer {
  const isJson = JSON_IN_UTF8.test(headers['content-type'] ?? '');
  const isEncoded = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
  if (!isJson || isEncoded) return problem('unsupported_media_type', requestId);
  if (body.byteLength > BODY_MAX_BYTES) return problem('too_large', requestId);
  const read = readText(body);
  if (typeof read === 'string')
    return problem('invalid_request', requestId, { detail: read, errors: [{ pointer: '', message: read }] });
  const parsed = parse(read.value);
  const errors = [...read.repeated, ...('faults' in parsed ? parsed.faults : [])];
  if (errors.length === 0 && !('faults' in parsed)) return parsed;
  return problem('invalid_request', requestId, { errors });
}

export function readBody<T extends object>(request: Sent, schema: z.ZodMiniType<T>): T | Answer {
  return readJson(request, (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : { faults: faultsOf(parsed.error, value, []) };
  });
}

export const NoMembers: z.ZodMiniType<{ none?: never }> = /* @__PURE__ */ z.strictObject({});
const EMPTY = '{}';
const NOTHING = { headers: { 'content-type': 'application/json' }, body: Buffer.from(EMPTY) };

/** Reads the body of a call that needs none. If it is missing or an empty object, its content type does not matter. */
export function readOptionalBody<T extends object>(request: Sent, schema: z.ZodMiniType<T>): T | Answer {
  const isEmpty = ['', EMPTY].includes(request.body.toString().trim());
  return readBody(isEmpty ? { ...request, ...NOTHING } : request, schema);
}

/** A text's value and the names that it has twice, or a sentence about what is wrong with it. */
export function readText(body: Buffer): { value: unknown; repeated: Fault[] } | string {
  if (!isUtf8(body)) return 'The body is not valid UTF-8.';
  const text = body.toString();
  if (text.trim() === '') return 'The body is empty.';
  const members = membersIn(text);
  if (typeof members === 'string') return members;
  try {
    const value: unknown = JSON.parse(text);
    // The parser would keep only one of two fields of the same name.
    return { value, repeated: membersOf(value) === members ? [] : repeatedIn(documentIn(body) as Json) };
  } catch {
    return whyNotJson(body);
  }
}

/** The number of members of all objects in a value, which is not deep. */
function membersOf(value: unknown): number {
  let members = 0;
  if (Array.isArray(value)) for (const each of value) members += membersOf(each);
  else if (isObject(value)) for (const name in value) members += 1 + membersOf(value[name]);
  return members;
}

/** Counts the members before a parser needs more memory than there is, for millions of them; or says what is too much. */
function membersIn(text: string): number | string {
  let members = 0;
  let containers = 0;
  let elements = 0;
  /** One for each object or array that is open; 0 for an array. */
  const fields: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === BRACE || code === BRACKET) {
      if (++containers > CONTAINERS_MAX)
        return `The body has more than ${CONTAINERS_MAX} objects and arrays.`;
      if (fields.push(0) > LEVELS_MAX) return `The body is nested deeper than ${LEVELS_MAX} levels.`;
    } else if (code === BRACE + CLOSING || code === BRACKET + CLOSING) fields.pop();
    else if (code === COMMA && fields.at(-1) === 0 && ++elements > CONTAINERS_MAX)
      return `The body's arrays have more than ${CONTAINERS_MAX} elements.`;
    else if (code === COLON) {
      members++;
      const own = (fields.pop() ?? 0) + 1;
      if (own > FIELDS_MAX) return `An object of the body has more than ${FIELDS_MAX} fields.`;
      fields.push(own);
    }
  }
  return members;
}

/** A quote after no backslash, or after escaped ones alone. */
const END_OF_STRING = /"(?<=(?<!\\)(?:\\\\)*")/g;

function endOfString(text: string, start: number): number {
  END_OF_STRING.lastIndex = start + 1;
  return END_OF_STRING.test(text) ? END_OF_STRING.lastIndex - 1 : text.length;
}
