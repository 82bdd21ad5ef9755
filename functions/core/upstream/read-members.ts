import type { Json } from '../json/scan.ts';
import { STATES } from './dialect/state-words.ts';

/** Case, `_`, `-` and spaces do not count; letters of other scripts do, whose table takes Node long to make. */
export function lettersOf(word: string): string {
  return word.toLowerCase().replace(/[^\0-\x7f]/.test(word) ? /[^\p{L}\p{N}]/gu : /[^a-z\d]/g, '');
}

/** Members of one object; no honest answer has so many. */
export const MEMBERS_MAX = 1000;

export type State = keyof typeof STATES;

const STATE_OF_WORD = new Map(
  Object.entries(STATES).flatMap(([state, words]) =>
    words.map((word): [string, State] => [lettersOf(word), state as State]),
  ),
);

/** What a word says about a job or a task; null if it is unknown. */
export function stateOf(word: string): State | null {
  const parts = word.split('.').map(lettersOf);
  return STATE_OF_WORD.get(parts.findLast((part) => part !== '') ?? '') ?? null;
}

/** Reads the members of an object with a known name; null counts as absent. */
export function reader<T extends string>(spellings: Record<T, readonly string[]>) {
  const ours = new Map<string, { name: T; rank: number }>();
  for (const [name, theirs] of Object.entries(spellings) as [T, readonly string[]][])
    for (const [rank, spelling] of theirs.entries()) ours.set(lettersOf(spelling), { name, rank });
  return (object: Json): Partial<Record<T, Json>> => {
    const found: Partial<Record<T, Json>> = {};
    const ranks: Partial<Record<T, number>> = {};
    for (const [spelling, value] of object.members().take(MEMBERS_MAX)) {
      const member = ours.get(lettersOf(spelling));
      if (member === undefined || value.isNull) continue;
      const { name, rank } = member;
      if (rank > (ranks[name] ?? rank)) continue;
      found[name] = value;
      ranks[name] = rank;
    }
    return found;
  };
}

/** A whole number, also as text; null if it is none. */
export function countIn(json: Json | undefined): number | null {
  const value = json?.value;
  const isDigits = typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value);
  const count = isDigits ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}
