import * as z from 'zod';

const Part = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string('must be a string') }),
    z.object({
      type: z.literal('image_url'),
      image_url: z.object(
        { url: z.string('must be a string').min(1, 'must not be empty') },
        'must be {"url": "…"}',
      ),
    }),
  ],
  'must be a part of type "text" or "image_url"',
);
const Content = z.union([z.string(), z.array(Part).min(1, 'must not be empty')], {
  error: 'must be a string or an array of parts',
});
const Message = z.object(
  { role: z.enum(['system', 'user', 'assistant'], 'must be system, user or assistant'), content: Content },
  'must be a message with a role and a content',
);
const Envelope = z.object(
  {
    model_id: z.string('must be a string').min(1, 'must not be empty'),
    messages: z
      .array(z.unknown(), 'must be an array of conversations')
      .min(1, 'must hold at least one conversation'),
    temperature: z
      .number('must be a number')
      .min(0, 'must be at least 0')
      .max(1, 'must be at most 1')
      .default(0.7),
    max_tokens: z.int('must be a whole number').min(1, 'must be at least 1').default(512),
  },
  'must be a JSON object',
);

export type Message = z.infer<typeof Message>;
export type Conversation = Message[];
export type CreateRequest = Omit<z.infer<typeof Envelope>, 'messages'> & { messages: Conversation[] };

/** What is wrong with a request, as a sentence for its sender. */
export type Refusal = { refusal: string };

const FLAT =
  'messages must be an array of conversations, each of them an array of messages: ' +
  'this is a single conversation, put it in one more pair of brackets.';

/** Stops at the first fault, so that a huge wrong body costs no more than a huge right one. */
export function parseCreate(body: Uint8Array): CreateRequest | Refusal {
  const json = parseJson(body);
  if ('refusal' in json) return json;
  const envelope = Envelope.safeParse(json.value);
  if (!envelope.success) return refusalOf(envelope.error, []);
  if (envelope.data.messages.every(looksLikeMessage)) return { refusal: FLAT };
  const conversations: Conversation[] = [];
  for (const [index, value] of envelope.data.messages.entries()) {
    const conversation = parseConversation(value, index);
    if ('refusal' in conversation) return conversation;
    conversations.push(conversation);
  }
  return { ...envelope.data, messages: conversations };
}

function parseJson(body: Uint8Array): { value: unknown } | Refusal {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) };
  } catch {
    return { refusal: 'The body is not valid JSON in UTF-8.' };
  }
}

function parseConversation(value: unknown, index: number): Conversation | Refusal {
  if (!Array.isArray(value)) return { refusal: `messages[${index}] must be an array of messages.` };
  if (value.length === 0) return { refusal: `messages[${index}] must hold at least one message.` };
  const conversation: Conversation = [];
  for (const [position, item] of value.entries()) {
    const message = Message.safeParse(item);
    if (!message.success) return refusalOf(message.error, ['messages', index, position]);
    conversation.push(message.data);
  }
  return conversation;
}

function looksLikeMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('role' in value || 'content' in value);
}

function refusalOf(error: z.ZodError, prefix: PropertyKey[]): Refusal {
  const { path, message } = deepest(error.issues[0] as z.core.$ZodIssue, prefix);
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return { refusal: `${place.replace(/^\./, '') || 'The body'} ${message}.` };
}

/** Of a union's alternatives, the one that was looked into is the one that was meant. */
function deepest(issue: z.core.$ZodIssue, prefix: PropertyKey[]): { path: PropertyKey[]; message: string } {
  const path = [...prefix, ...issue.path];
  const alternatives = issue.code === 'invalid_union' ? issue.errors.flat() : [];
  const meant = alternatives.find((inner) => inner.path.length > 0 || inner.code === 'too_small');
  return meant ? deepest(meant, path) : { path, message: issue.message };
}
