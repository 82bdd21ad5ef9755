import { isNullAt, membersOf, type Span, valueAt } from '../json/scan.ts';
import { STATES } from './dialect/state-words.ts';

/** Case, `_`, `-` and blanks do not count; letters of other scripts do. */
export function lettersOf(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** Of one object; no answer that means well has so many. */
const MEMBERS_MAX = 1000;

export type State = keyof typeof STATES;

const STATE_OF_WORD = new Map(
  Object.entries(STATES).flatMap(([state, words]) =>
    words.map((word): [string, State] => [lettersOf(word), state as State]),
  ),
);

/** What a word says of a job or a task; null when it is none that we know. */
export function stateOf(word: string): State | null {
  const parts = word.split('.').map(lettersOf);
  return STATE_OF_WORD.get(parts.findLast((part) => part !== '') ?? '') ?? null;
}

/** Reads the members of an object that have one of the names that we know; one that is null is taken for absent. */
export function reader<T extends string>(spellings: Record<T, readonly string[]>) {
  const ours = new Map<string, { name: T; rank: number }>();
  for (const [name, theirs] of Object.entries(spellings) as [T, readonly string[]][])
    for (const [rank, spelling] of theirs.entries()) ours.set(lettersOf(spelling), { name, rank });
  return (body: Buffer, object: Span): Partial<Record<T, Span>> => {
    const found: Partial<Record<T, Span>> = {};
    const ranks: Partial<Record<T, number>> = {};
    for (const [spelling, value] of membersOf(body, object).take(MEMBERS_MAX)) {
      const member = ours.get(lettersOf(spelling));
      if (member === undefined || isNullAt(body, value)) continue;
      const { name, rank } = member;
      if (rank > (ranks[name] ?? rank)) continue;
      found[name] = value;
      ranks[name] = rank;
    }
    return found;
  };
}

/** A whole number, also as text; null when it is none. */
export function countAt(body: Buffer, span: Span | undefined): number | null {
  const value = span && valueAt(body, span);
  const isDigits = typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value);
  const count = isDigits ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}
