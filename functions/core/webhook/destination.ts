import type { AttemptOutcome } from './attempt.ts';

/** An SQS queue or an EventBridge bus of the operator's. */
export interface Destination {
  readonly name: string;
  readonly arn: string;
  /** Whose jobs may name it. */
  readonly clients: readonly string[];
}

/** What those who accept jobs know of it. */
export type DestinationRights = Pick<Destination, 'name' | 'clients'>;

/** As it is in place of a URL, it must not look like one. */
export const DESTINATION_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
export const DESTINATION_ARN =
  /^arn:aws[a-z-]*:(sqs:[a-z0-9-]+:\d{12}:(?=[^:]{1,80}$)[A-Za-z0-9_-]+(\.fifo)?|events:[a-z0-9-]+:\d{12}:event-bus\/[A-Za-z0-9._/-]{1,256})$/;

/** As much of a body's size is left free for attributes: a bus, and a queue that was set up so, takes 256 KiB in all. */
export const DESTINATION_EXTRA_BYTES = 1024;

export function namesFor(client: string, destinations: readonly DestinationRights[]): string[] {
  return destinations.filter(({ clients }) => clients.includes(client)).map(({ name }) => name);
}

/** The names that SQS, EventBridge and, through them, KMS give to their errors, today's and those before JSON. */
const FOR_NOW = {
  throttled: /Throttl|^OverLimit|^RequestLimitExceeded|^TooManyRequests|^SlowDown/,
  timeout: /Timeout|^AbortError/,
};
const FOR_GOOD = {
  gone: /NonExistentQueue$|^QueueDoesNotExist|^QueueDeletedRecently|^ResourceNotFound/,
  denied: /AccessDenied|^NotAuthorizedFor|^K[Mm][Ss]|^OptInRequired|^Invalid(Security|AccountId|Address)/,
  refused:
    /^Invalid(MessageContents|Parameter|Argument)|^Malformed|^Validation|^Missing|UnsupportedOperation$|^Redaction/,
};

/** What follows from an error by its name, in front of which SQS may put its own; any other one may pass. */
export function outcomeOfError(fullName: string): AttemptOutcome {
  const name = fullName.replace(/^AWS\.SimpleQueueService\./, '');
  const errorIn = <E extends string>(table: Record<E, RegExp>) =>
    (Object.keys(table) as E[]).find((error) => table[error].test(name));
  const [now, forGood] = [errorIn(FOR_NOW), errorIn(FOR_GOOD)];
  if (now === undefined && forGood !== undefined) return { kind: 'blocked', error: forGood };
  return { kind: 'failed', error: now ?? 'unavailable' };
}
