import * as z from 'zod/mini';
import type { Fault } from '../../../../../../functions/core/http/problem.ts';
import { text } from '../../../../../../functions/core/http/validation.ts';

const MODEL = /^[a-z0-9][a-z0-9._-]{0,99}\/[a-z0-9][a-z0-9._-]{0,99}$/;

export const generationFields = {
  model: z.string().check(z.regex(MODEL, { error: 'Must be an owner and a name, such as acme/haiku' })),
  input: z.strictObject({ prompt: text.check(z.minLength(1)) }),
};

export type Generation = z.infer<z.ZodMiniObject<typeof generationFields>>;

export function workOf({ model }: Generation) {
  return { modelId: model, totalTasks: 1 };
}

export function canonicalOf({ model, input }: Generation): unknown[] {
  return [model, input.prompt];
}

/** There is nothing that `generationFields` leaves unchecked. */
export function parseInside(_body: Record<string, unknown>, _faults: Fault[]) {
  return {};
}

/** A prediction is one task: there are no uploads and no parts. */
export const largeFields = {};
export const largeWorkIn = () => ({ source: [], tasks: 1, asked: {} });
export const sourceFaults = (): Fault[] => [];
export const storedFault = () => null;
export const isMessage = () => false;
export function parseConversation(_value: unknown, _path: unknown, faults: Fault[]) {
  faults.push({ pointer: '', message: 'This provider takes no uploads' });
  return [];
}
