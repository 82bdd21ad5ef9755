import * as z from 'zod/mini';
import { readJson } from './body.ts';
import type { Answer } from './request-answer.ts';
import { faultsOf } from './validation.ts';

/** Of a call that takes no more than an empty object. */
export const NoMembers: z.ZodMiniType<{ none?: never }> = z.strictObject({});
const EMPTY = '{}';

/** Reads the body of a call that needs none. Without one, or with an empty object, its content type does not matter. */
export function readOptionalBody<T extends object>(
  request: { headers: Parameters<typeof readJson>[0]; body: Buffer; requestId: string },
  schema: z.ZodMiniType<T>,
): T | Answer {
  const isEmpty = ['', EMPTY].includes(request.body.toString().trim());
  const nothing = { headers: { 'content-type': 'application/json' }, body: Buffer.from(EMPTY) };
  const { headers, body } = isEmpty ? nothing : request;
  return readJson(headers, body, request.requestId, (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : { faults: faultsOf(parsed.error, value, []) };
  });
}
