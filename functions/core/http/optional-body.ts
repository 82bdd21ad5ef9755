import * as z from 'zod/mini';
import { readJson } from './body.ts';
import type { Answer, Request } from './request-answer.ts';
import { faultsOf } from './validation.ts';

export const NoMembers: z.ZodMiniType<{ none?: never }> = z.strictObject({});
const EMPTY = '{}';

/** Reads the body of a call that needs none. If it is missing or an empty object, its content type does not matter. */
export function readOptionalBody<T extends object>(
  request: Pick<Request, 'headers' | 'body' | 'requestId'>,
  schema: z.ZodMiniType<T>,
): T | Answer {
  const isEmpty = ['', EMPTY].includes(request.body.toString().trim());
  const nothing = { headers: { 'content-type': 'application/json' }, body: Buffer.from(EMPTY) };
  return readBody(isEmpty ? { ...request, ...nothing } : request, schema);
}

export function readBody<T extends object>(
  request: Pick<Request, 'headers' | 'body' | 'requestId'>,
  schema: z.ZodMiniType<T>,
): T | Answer {
  return readJson(request, (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : { faults: faultsOf(parsed.error, value, []) };
  });
}
