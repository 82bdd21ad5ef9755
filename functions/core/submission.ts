import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import type { Fault } from './problem.ts';
import { faultInWebhookUrl, type WebhookRules } from './webhook-url.ts';

z.config(english());

/** Enough faults to mend any honest mistake at once; a hostile body must not buy a million of them. */
const FAULTS_MAX = 100;
const POINTER_MAX_LENGTH = 300;

const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: 'Must not contain a lone surrogate',
});
const text = z.string().check(wellFormed);
const printable = z.refine<string>((value) => !/\p{Cc}/u.test(value), {
  error: 'Must not contain control characters',
});
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

export const metadataKey = text.check(z.minLength(1), z.maxLength(64), printable);
export const metadataValue = text.check(z.maxLength(512), printable);
const fewPairs = z.refine<unknown>((value) => !isObject(value) || Object.keys(value).length <= 16, {
  error: 'Must have at most 16 pairs',
});
/** Counted before they are looked at: a hostile body may hold half a million of them. */
const Metadata = z.pipe(z.unknown().check(fewPairs), z.record(metadataKey, metadataValue));

const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/;
const modelId = z.string().check(
  z.regex(MODEL_ID, { error: `Must match ${MODEL_ID.source}` }),
  z.refine((id) => !id.includes('..'), { error: 'Must not contain ".."' }),
);

/** The body but for the inside of its conversations, which are checked one message at a time. */
export const Envelope = z.strictObject({
  model_id: modelId,
  messages: z.array(z.unknown()).check(z.minLength(1), z.maxLength(1000)),
  temperature: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0.7),
  max_tokens: z._default(z.int().check(z.minimum(1)), 512),
  webhook_url: z.optional(z.string()),
  metadata: z._default(Metadata, {}),
  expires_in: z._default(z.int().check(z.minimum(60), z.maximum(604_800)), 86_400),
});

export type Conversations = z.infer<typeof Message>[][];

/** A valid request with its defaults filled in. */
export type Submission = Omit<z.infer<typeof Envelope>, 'messages'> & { messages: Conversations };

/**
 * Checks a parsed body of `POST /v1/jobs`.
 * Linear in the size of the body, and bounded in what it reports, whatever the body is.
 */
export function parseSubmission(body: unknown, rules: WebhookRules): Submission | { faults: Fault[] } {
  const faults: Fault[] = [];
  const envelope = Envelope.safeParse(body);
  if (!envelope.success) faults.push(...faultsOf(envelope.error, body, []));
  const fields = isObject(body) ? body : {};
  const messages = parseConversations(fields['messages'], faults);
  // The one name that a record's schema passes over in silence.
  const { metadata } = fields;
  if (isObject(metadata) && Object.hasOwn(metadata, '__proto__')) {
    faults.push({ pointer: '/metadata/__proto__', message: 'Must not be used as a name' });
  }
  const urlFault =
    typeof fields['webhook_url'] === 'string' && faultInWebhookUrl(fields['webhook_url'], rules);
  if (urlFault) faults.push({ pointer: '/webhook_url', message: urlFault });
  if (faults.length > 0 || !envelope.success) return { faults: capped(faults) };
  // JSON has a negative zero, which would make two equal requests differ.
  const temperature = envelope.data.temperature + 0;
  return { ...envelope.data, temperature, messages };
}

function capped(faults: Fault[]): Fault[] {
  if (faults.length < FAULTS_MAX) return faults;
  return [
    ...faults.slice(0, FAULTS_MAX - 1),
    { pointer: '', message: 'There may be more faults; these are the first' },
  ];
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

/** What two requests must share to be the same one, whatever their bytes: the order of names, say. */
export function fingerprint(submission: Submission): string {
  const { model_id, messages, temperature, max_tokens, webhook_url = null, expires_in } = submission;
  const metadata = Object.entries(submission.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = [model_id, messages, temperature, max_tokens, webhook_url, metadata, expires_in];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

type Path = readonly PropertyKey[];

function faultsOf(error: z.core.$ZodError, input: unknown, prefix: Path): Fault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, input, prefix)).slice(0, FAULTS_MAX);
}

function faultsOfIssue(issue: z.core.$ZodIssue, input: unknown, prefix: Path): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, FAULTS_MAX).map((key) => fault([...path, key], 'Unknown field'));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of the alternatives, the one that looked furthest inside is the one that was meant.
    const isMeant = (inner: z.core.$ZodIssue) => inner.path.length > 0 || inner.code !== 'invalid_type';
    const meant = issue.errors.find((issues) => issues.some(isMeant));
    const value = valueAt(issue.path, input);
    if (meant) return meant.flatMap((inner) => faultsOfIssue(inner, value, path));
  }
  if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => fault(path, inner.message));
  return [fault(path, isMissing(issue, input) ? 'Required' : issue.message)];
}

function isMissing(issue: z.core.$ZodIssue, input: unknown): boolean {
  const parent = valueAt(issue.path.slice(0, -1), input);
  const name = issue.path.at(-1);
  return name !== undefined && isObject(parent) && !(name in parent);
}

function valueAt(path: Path, input: unknown): unknown {
  return path.reduce<unknown>((value, key) => (value as never)?.[key], input);
}

function fault(path: Path, message: string): Fault {
  const pointer = path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return { pointer: pointer.slice(0, POINTER_MAX_LENGTH), message };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
