import * as z from 'zod/mini';
import type { Fault } from './problem.ts';
import { FAULTS_MAX, faultsOf, isObject, type Path, text } from './validation.ts';

const imageUrl = text.check(z.regex(/^(data:.|https:\/\/.)/is, { error: 'Must be a data: or https: URL' }));

const Part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text }),
  z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: imageUrl }) }),
]);
const Content = z.union([text, z.array(Part).check(z.minLength(1), z.maxLength(1000))], {
  error: 'Must be a string or an array of parts',
});
export const Message = z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: Content });
const Conversation = z.array(z.unknown()).check(z.minLength(1), z.maxLength(1000));

const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/;
const modelId = z.string().check(
  z.regex(MODEL_ID, { error: `Must match ${MODEL_ID.source}` }),
  z.refine((id) => !id.includes('..'), { error: 'Must not contain ".."' }),
);

/** The fields that are ModelStudio's, but for the inside of the conversations, which `parseInside` checks. */
export const generationFields = {
  model_id: modelId,
  messages: z.array(z.unknown()).check(z.minLength(1), z.maxLength(1000)),
  // JSON has a negative zero, which would make two equal requests differ.
  temperature: z._default(
    z.number().check(
      z.minimum(0),
      z.maximum(1),
      z.overwrite((value) => value + 0),
    ),
    0.7,
  ),
  max_tokens: z._default(z.int().check(z.minimum(1)), 512),
};

type Conversations = z.infer<typeof Message>[][];
type Fields = z.infer<z.ZodMiniObject<typeof generationFields>>;

/** What ModelStudio is asked for, valid and with its defaults filled in. */
export type Generation = Omit<Fields, 'messages'> & { messages: Conversations };

/** What the flows go by, whatever is asked for: they know nothing else of a generation. */
export function workOf({ model_id, messages }: Generation): { modelId: string; totalTasks: number } {
  return { modelId: model_id, totalTasks: messages.length };
}

/** What two generations must share to be the same, in a fixed order. */
export function canonicalOf({ model_id, messages, temperature, max_tokens }: Generation): unknown[] {
  return [model_id, messages, temperature, max_tokens];
}

/** Checks one message at a time what `generationFields` leaves unchecked, whether or not the rest of the body is valid. */
export function parseInside(body: Record<string, unknown>, faults: Fault[]): Pick<Generation, 'messages'> {
  return { messages: parseConversations(body['messages'], faults) };
}

function parseConversations(value: unknown, faults: Fault[]): Conversations {
  const conversations: Conversations = [];
  if (!Array.isArray(value) || value.length > 1000) return conversations;
  if (isFlat(value)) {
    const message =
      'Must be an array of conversations, each an array of messages; this is a single conversation: ' +
      'put one more pair of brackets around it';
    faults.push({ pointer: '/messages', message });
    return conversations;
  }
  for (const [index, item] of value.entries()) {
    if (faults.length >= FAULTS_MAX) break;
    conversations.push(parseConversation(item, ['messages', index], faults));
  }
  return conversations;
}

function parseConversation(value: unknown, path: Path, faults: Fault[]): Conversations[number] {
  const messages: Conversations[number] = [];
  const list = Conversation.safeParse(value);
  if (!list.success) {
    faults.push(...faultsOf(list.error, value, path));
    return messages;
  }
  for (const [index, item] of list.data.entries()) {
    if (faults.length >= FAULTS_MAX) break;
    const message = Message.safeParse(item);
    if (message.success) messages.push(message.data);
    else faults.push(...faultsOf(message.error, item, [...path, index]));
  }
  return messages;
}

function isFlat(messages: unknown[]): boolean {
  return (
    messages.length > 0 && messages.every((item) => isObject(item) && ('role' in item || 'content' in item))
  );
}
