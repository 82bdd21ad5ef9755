import { readText } from '../http/body.ts';
import { type Conversation, isMessage, parseConversation } from '../http/generation-request.ts';
import type { Fault } from '../http/problem.ts';
import { isObject } from '../http/validation.ts';
import type { JobError } from '../job.ts';
import type { Format } from './row.ts';
import type { Piece } from './scanner.ts';

export const DETAILS_MAX = 20;

const SINGLE =
  'Must be a conversation, an array of messages; this is a single message: put brackets around those that belong together';

type Detail = NonNullable<JobError['details']>[number];

/** Lines are as fine-tuning files have them: an array of messages, or an object with `messages` whose other members do not count. */
export function readConversation(bytes: Buffer, format: Format): Conversation | { faults: Fault[] } {
  const read = readText(bytes);
  if (typeof read === 'string') return { faults: [{ pointer: '', message: aboutConversation(read) }] };
  const { value, repeated } = read;
  if (isMessage(value)) return { faults: [{ pointer: '', message: SINGLE }] };
  const isWrapped = format === 'jsonl' && isObject(value);
  const faults = isWrapped
    ? repeated.filter(({ pointer }) => /^\/messages(\/|$)/.test(pointer))
    : [...repeated];
  const messages = parseConversation(
    isWrapped ? value['messages'] : value,
    isWrapped ? ['messages'] : [],
    faults,
  );
  return faults.length > 0 ? { faults } : messages;
}

/** The sentences about a request's body serve for a line as well. */
function aboutConversation(sentence: string): string {
  return sentence.replace('The body', 'The conversation').replace(/line 1, (?=column)/, '');
}

/** Where the file has a fault, as the job's error says it. */
export function detailsOf({ place }: Piece, format: Format, faults: readonly Fault[]): Detail[] {
  return faults.map(({ pointer, message }) =>
    format === 'jsonl'
      ? { line: place, message: pointer === '' ? message : `${pointer}: ${message}` }
      : { pointer: `/${place}${pointer}`, message },
  );
}
