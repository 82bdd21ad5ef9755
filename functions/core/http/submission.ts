import * as z from 'zod/mini';
import { sha256Hex } from '../ids.ts';
import { LONGEST_JOB_SECONDS, RETRIES_MAX } from '../limits.ts';
import { DEFAULT_PART_LIMITS, isOnePart, NOT_BEGUN } from '../parts/parts.ts';
import type { PartLimits, Parts } from '../parts/row.ts';
import { faultInWebhookUrl, type WebhookRules } from '../webhook/webhook-url.ts';
import {
  canonicalOf,
  type Generation,
  generationFields,
  largeFields,
  largeWorkIn,
  parseInside,
  sourceFaults,
  storedFault,
} from './generation-request.ts';
import type { Fault } from './problem.ts';
import { FAULTS_MAX, faultsOf, isObject, number, optional, text } from './validation.ts';

const printable = z.refine<string>((value) => !/\p{Cc}/u.test(value), 'Must not contain control characters');
const NAME = 'Must be 1 to 64 characters';
export const metadataKey = text.check(z.minLength(1, NAME), z.maxLength(64, NAME), printable);
export const metadataValue = text.check(z.maxLength(512, 'Must be at most 512 characters'), printable);
const few = (value: unknown) => !isObject(value) || Object.keys(value).length <= 16;
const Pairs = z.record(metadataKey, metadataValue, {
  error: ({ input }) => `Must be an object${Array.isArray(input) ? ', which is {} when empty, not []' : ''}`,
});
/** Counted before they are checked: a hostile body may hold half a million of them. */
const Metadata = z.pipe(z.unknown().check(z.refine(few, 'Must have at most 16 pairs')), Pairs);

/** The body, except for the inside of what is meant for ModelStudio. */
export const Envelope = z.strictObject({
  ...generationFields,
  ...largeFields,
  /** Null means no webhook, whatever the default is. */
  webhook_url: z.optional(z.nullable(z.string())),
  /** Instead of it. */
  destination: z.optional(z.nullable(z.string())),
  metadata: optional(Metadata, {}),
  expires_in: optional(number(60, LONGEST_JOB_SECONDS, 'a whole number'), 86_400),
  /** Null is the deployment's default. */
  queue_for: z.optional(z.nullable(number(0, LONGEST_JOB_SECONDS, 'a whole number'))),
  on_unknown: optional(z.enum(['fail', 'resubmit'], 'Must be "fail" or "resubmit"'), 'fail'),
  task_retries: optional(number(0, RETRIES_MAX, 'a whole number'), 0),
});

/** What the job asks of ModelStudio, and nothing else of what a client said. */
export function generationIn(submission: Submission): Generation {
  const fields = Object.entries(submission).filter(([name]) => name in generationFields);
  return Object.fromEntries(fields) as Generation;
}

/** What a deployment lets jobs do while ModelStudio does not take them. */
export interface QueueRules {
  /** The default of `queue_for`; 0: no job may wait. */
  queueForSeconds: number;
  allowResubmit: boolean;
  /** What one create takes; a job of more has several parts. */
  partLimits: PartLimits;
}

export const DEFAULT_QUEUE_RULES: QueueRules = {
  queueForSeconds: 3600,
  allowResubmit: false,
  partLimits: DEFAULT_PART_LIMITS,
};

export type Submission = Omit<z.infer<typeof Envelope>, keyof Generation> & Generation;

/**
 * Checks a parsed body of `POST /v1/jobs`, in time linear in its size and with a bounded number of faults.
 * @param destinations those that the client may name
 */
export function parseSubmission(
  body: unknown,
  rules: WebhookRules,
  queueRules: QueueRules = DEFAULT_QUEUE_RULES,
  destinations: readonly string[] = [],
): Submission | { faults: Fault[] } {
  const faults: Fault[] = [];
  const envelope = Envelope.safeParse(body);
  if (!envelope.success) faults.push(...faultsOf(envelope.error, body, []));
  const fields = isObject(body) ? body : {};
  const inside = parseInside(fields, faults);
  // The one name that a record's schema ignores silently.
  const { metadata } = fields;
  if (isObject(metadata) && Object.hasOwn(metadata, '__proto__'))
    faults.push({ pointer: '/metadata/__proto__', message: 'Must not be used as a name' });
  const urlFault =
    typeof fields['webhook_url'] === 'string' && faultInWebhookUrl(fields['webhook_url'], rules);
  if (urlFault) faults.push({ pointer: '/webhook_url', message: urlFault });
  faults.push(...destinationFaults(fields, destinations), ...queueFaults(fields, queueRules));
  if (isObject(body)) faults.push(...sourceFaults(body));
  if (faults.length > 0 || !envelope.success) return { faults: capped(faults) };
  return { ...envelope.data, ...inside };
}

function destinationFaults(
  { destination, webhook_url: url }: Record<string, unknown>,
  names: readonly string[],
) {
  if (typeof destination !== 'string') return [];
  const message = 'Must be the name of a destination that is set up for this client';
  const faults: Fault[] = names.includes(destination) ? [] : [{ pointer: '/destination', message }];
  if (typeof url !== 'string') return faults;
  return [...faults, { pointer: '/destination', message: 'Must not be given together with webhook_url' }];
}

function queueFaults(fields: Record<string, unknown>, rules: QueueRules): Fault[] {
  const { queue_for: queueFor, on_unknown: onUnknown } = fields;
  const isOff = rules.queueForSeconds === 0;
  const faults: Fault[] = [];
  if (isOff && typeof queueFor === 'number' && queueFor > 0)
    faults.push({ pointer: '/queue_for', message: 'Must be 0, as this deployment queues no jobs' });
  const needsStorage = isOff || queueFor === 0 ? storageNeeds(fields, rules) : null;
  if (needsStorage) {
    const why = isOff ? 'this deployment stores no request' : 'queue_for is 0';
    faults.push({ ...needsStorage, message: `${needsStorage.message}, as ${why}` });
  }
  if (onUnknown !== 'resubmit') return faults;
  const isAllowed = rules.allowResubmit && !isOff && queueFor !== 0;
  const why = rules.allowResubmit
    ? 'only a job that may be queued can be resubmitted'
    : 'this deployment does not allow "resubmit"';
  if (!isAllowed) faults.push({ pointer: '/on_unknown', message: `Must be "fail", as ${why}` });
  return faults;
}

/** What can be done only with a request that is stored. */
function storageNeeds(fields: Record<string, unknown>, { partLimits }: QueueRules): Fault | null {
  const retries = fields['task_retries'];
  if (typeof retries === 'number' && retries > 0) return { pointer: '/task_retries', message: 'Must be 0' };
  return storedFault(fields, partLimits);
}

/**
 * What a job of several parts begins with, and what its tasks are in: the id of an upload, or they themselves. Null: one create takes
 * it all.
 * @param mayWait or nothing of it may be stored, and it is tried at once whatever its size
 */
export function largeWorkOf(
  submission: Submission,
  bytes: number,
  mayWait: boolean,
  { partLimits }: QueueRules,
): { parts: Parts; source: string | readonly unknown[] } | null {
  const { task_retries, on_unknown } = submission;
  const { source, tasks, asked } = largeWorkIn(submission);
  const isSmall = isOnePart(partLimits, tasks, mayWait ? bytes : 0);
  if (typeof source !== 'string' && task_retries === 0 && isSmall) return null;
  const ours = { limits: partLimits, retries: task_retries, ...NOT_BEGUN };
  const mayResubmit = on_unknown === 'resubmit' && { mayResubmit: true as const };
  return { source, parts: { format: 'json', ...asked, ...ours, ...mayResubmit } };
}

function capped(faults: Fault[]): Fault[] {
  if (faults.length < FAULTS_MAX) return faults;
  const more = { pointer: '', message: 'There may be more faults; these are the first' };
  return [...faults.slice(0, FAULTS_MAX - 1), more];
}

/** What two requests must share to count as the same, whatever their bytes, such as the order of names. */
export function fingerprint(submission: Submission): string {
  const { expires_in } = submission;
  // Earlier releases wrote null if none was given.
  const webhookUrl = submission.webhook_url === null ? 'none' : (submission.webhook_url ?? null);
  const metadata = Object.entries(submission.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = [...canonicalOf(submission), webhookUrl, metadata, expires_in];
  // Left out where not given, as earlier releases did not know them.
  const { queue_for = null, on_unknown, destination } = submission;
  if (queue_for !== null || on_unknown !== 'fail') canonical.push([queue_for, on_unknown]);
  if (destination !== undefined) canonical.push({ destination });
  const { task_retries: retries } = submission;
  const { source } = largeWorkIn(submission);
  const from = typeof source === 'string' ? source : undefined;
  if (from !== undefined || retries > 0) canonical.push({ from, retries });
  return sha256Hex(JSON.stringify(canonical));
}
