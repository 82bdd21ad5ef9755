import * as z from 'zod/mini';
import { readJson } from './body.ts';
import type { Answer } from './problem.ts';
import { faultsOf } from './validation.ts';

/** Of a call that takes no more than an empty object. */
export const NoMembers: z.ZodMiniType<{ none?: never }> = z.strictObject({});
const EMPTY = '{}';

interface Asked {
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  requestId: string;
}

/** Reads the body of a call that needs none. Without one, or with an empty object, its content type does not matter. */
export function readOptionalBody<T extends object>(
  { headers, body, requestId }: Asked,
  schema: z.ZodMiniType<T>,
): T | Answer {
  const isEmpty = ['', EMPTY].includes(body.toString().trim());
  const given = isEmpty
    ? { headers: { 'content-type': 'application/json' }, body: Buffer.from(EMPTY) }
    : { headers, body };
  return readJson(given.headers, given.body, requestId, (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : { faults: faultsOf(parsed.error, value, []) };
  });
}
