import * as z from 'zod/mini';
import { TASKS_MAX } from '../limits.ts';
import type { PartLimits } from '../parts/row.ts';
import { tokensClassOf } from '../polling/lessons.ts';
import type { Fault } from './problem.ts';
import { arrayOf, FAULTS_MAX, faultsOf, isObject, number, optional, type Path, text } from './validation.ts';

const imageUrl = text.check(z.regex(/^(data:.|https:\/\/.)/is, 'Must be a data: or https: URL'));
const ImageUrl = z.strictObject({ url: imageUrl }, 'Must be an object with a url');

const Part = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('text'), text }),
    z.strictObject({ type: z.literal('image_url'), image_url: ImageUrl }),
  ],
  'Must be a part of the type "text" or "image_url"',
);
const CONTENT = 'Must be a string or an array of 1 to 1000 parts';
const MESSAGE = 'Must be an object with a role and a content';
const Plain = z.strictObject(
  {
    role: z.enum(['system', 'user', 'assistant'], 'Must be "system", "user" or "assistant"'),
    content: z.union([text, arrayOf(Part, CONTENT)], CONTENT),
  },
  MESSAGE,
);
const NONE = 'Must be null, empty or left out';
const none = z.optional(z.union([z.null(), z.array(z.unknown(), NONE).check(z.maxLength(0, NONE))], NONE));
/** An assistant's reply from another API may have more fields than these if they are empty. */
const silent = { refusal: none, annotations: none, audio: none, function_call: none, tool_calls: none };
export const Message = z.strictObject({ ...Plain.shape, ...silent }, MESSAGE);
const Messages = arrayOf(z.unknown(), 'Must be an array of 1 to 1000 messages');

const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/;
const modelId = z.string().check(
  z.regex(MODEL_ID, `Must match ${MODEL_ID.source}`),
  z.refine((id) => !id.includes('..'), 'Must not contain ".."'),
);

/** ModelStudio's fields, except for the inside of the conversations, which `parseInside` checks. */
export const generationFields = {
  model_id: modelId,
  messages: arrayOf(z.unknown(), `Must be an array of 1 to ${TASKS_MAX} conversations`, TASKS_MAX),
  // JSON has a negative zero, which would make two equal requests differ.
  temperature: optional(number(0, 1, 'a number').check(z.overwrite((value) => value + 0)), 0.7),
  max_tokens: optional(number(1, Number.MAX_SAFE_INTEGER, 'a whole number'), 512),
};

/** What may stand in their place in a job of several parts. */
export const largeFields = {
  messages: z.optional(generationFields.messages),
  /** The id of an upload. */
  messages_from: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/, 'Must be the id of an upload')),
  ),
};

type Large = z.infer<z.ZodMiniObject<typeof largeFields>>;

export type Conversation = z.infer<typeof Plain>[];
type Fields = z.infer<z.ZodMiniObject<typeof generationFields>>;

/** What ModelStudio is asked for, valid and with its defaults filled in. */
export type Generation = Omit<Fields, 'messages'> & { messages: Conversation[] };

/** All that the flows know about a generation, whatever it asks for. */
export function workOf({ model_id, messages, max_tokens }: Generation) {
  const tokensClass = tokensClassOf(max_tokens);
  return {
    modelId: model_id,
    totalTasks: messages.length,
    ...(tokensClass !== undefined && { tokensClass }),
  };
}

/** What a job of several parts has its tasks from, how many they are if that is known, and all else that it asks for. */
export function largeWorkIn({ messages, temperature, max_tokens, ...more }: Generation & Large) {
  const asked = { temperature: String(temperature), maxTokens: max_tokens };
  return { source: more.messages_from ?? messages, tasks: messages.length, asked };
}

/** A request has either of them. */
export function sourceFaults({ messages, messages_from: from }: Record<string, unknown>): Fault[] {
  if (messages === undefined && from === undefined) return [{ pointer: '/messages', message: 'Required' }];
  if (messages === undefined || from === undefined) return [];
  return [{ pointer: '/messages_from', message: 'Must not be given together with messages' }];
}

/** What of a request can be asked for only if it may be stored; null if all of it can be asked for at once. */
export function storedFault(fields: Record<string, unknown>, { conversations }: PartLimits): Fault | null {
  const { messages, messages_from: from } = fields;
  if (from !== undefined) return { pointer: '/messages_from', message: 'Must not be given' };
  if (!Array.isArray(messages) || messages.length <= conversations) return null;
  return { pointer: '/messages', message: `Must be at most ${conversations} conversations` };
}

/** What two generations must share to be the same, in a fixed order. */
export function canonicalOf({ model_id, messages, temperature, max_tokens }: Generation): unknown[] {
  return [model_id, messages, temperature, max_tokens];
}

export const isMessage = (item: unknown) => isObject(item) && ('role' in item || 'content' in item);

/** Checks, one message at a time, what `generationFields` leaves unchecked, even if the rest of the body is invalid. */
export function parseInside(body: Record<string, unknown>, faults: Fault[]): Pick<Generation, 'messages'> {
  const messages: Conversation[] = [];
  const given = body['messages'];
  if (!Array.isArray(given) || given.length > TASKS_MAX) return { messages };
  if (given.length > 0 && given.every(isMessage)) {
    const message =
      'Must be an array of conversations, each an array of messages; this is a single conversation: ' +
      'put one more pair of brackets around it';
    faults.push({ pointer: '/messages', message });
    return { messages };
  }
  for (const [index, item] of given.entries()) {
    if (faults.length >= FAULTS_MAX) break;
    messages.push(parseConversation(item, ['messages', index], faults));
  }
  return { messages };
}

export function parseConversation(value: unknown, path: Path, faults: Fault[]): Conversation {
  const messages: Conversation = [];
  const list = Messages.safeParse(value);
  if (!list.success) {
    faults.push(...faultsOf(list.error, value, path));
    return messages;
  }
  for (const [index, item] of list.data.entries()) {
    if (faults.length >= FAULTS_MAX) break;
    // Nearly all messages are plain, and this check takes half the time.
    const plain = Plain.safeParse(item);
    const message = plain.success ? plain : Message.safeParse(item);
    if (!message.success) faults.push(...faultsOf(message.error, item, [...path, index]));
    else messages.push({ role: message.data.role, content: message.data.content });
  }
  return messages;
}
