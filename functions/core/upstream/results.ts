import type { Json } from '../json/scan.ts';
import { withOurs } from '../parts/merging.ts';
import { TASK_MEMBERS } from './dialect/member-names.ts';
import { countIn, reader, stateOf } from './read-members.ts';
import type { Results } from './report.ts';

/** More entries than any honest answer has; a hostile one could have tens of millions. */
const ENTRIES_MAX = 100_000;

export interface PlacedResults extends Results {
  /** ModelStudio says for each conversation that it has completed or failed. */
  isEachEnded: boolean;
}

interface Entry {
  json: Json;
  /** ModelStudio says that it has completed or failed. */
  isEnded: boolean;
  isFailed: boolean;
  /** It holds something: a final state, an error, or a result. */
  isGiven: boolean;
}

/** Each conversation's entry, by the entries' own index if any has one, else by their order; null if there are no such entries. */
export function placeResults(results: Json, totalTasks: number): PlacedResults | null {
  const fromZero = place(results, totalTasks, 0);
  // Indexes that do not fit when counted from 0, but do from 1, are counted from 1.
  const fromOne = fromZero?.surplus === 1 ? place(results, totalTasks, 1) : null;
  const read = fromOne?.surplus === 0 ? fromOne : fromZero;
  return read && { ...assemble(read.placed), surplus: read.surplus };
}

function place(results: Json, totalTasks: number, first: 0 | 1) {
  const placed: (Entry | undefined)[] = Array.from({ length: totalTasks });
  let surplus = 0;
  for (const entry of indexed(results)) {
    if (entry === null) return null;
    const [index, value] = entry;
    const at = index === null ? -1 : index - first;
    const isPlace = at >= 0 && at < totalTasks;
    const before = isPlace ? placed[at] : undefined;
    if (!isPlace || before) surplus += 1;
    // Of two entries for one place, the first that holds something gets it.
    if (isPlace && !before?.isGiven) placed[at] = readEntry(value);
  }
  return { placed, surplus };
}

/** The entries and the conversations that they are for; null if one does not say. A null in place of an entry: they cannot be read. */
function* indexed(results: Json): Generator<[index: number | null, Json] | null> {
  if (results.isArray) {
    const first = results.elements().take(ENTRIES_MAX);
    const isByIndex = first.some((value) => ownIndex(value) !== null);
    let position = 0;
    for (const value of results.elements()) {
      if (position === ENTRIES_MAX) return yield null;
      yield [isByIndex ? ownIndex(value) : position, value];
      position += 1;
    }
    return;
  }
  if (!results.isObject) return yield null;
  for (const [name, value] of results.members()) {
    if (!/^\d{1,15}$/.test(name)) return yield null;
    yield [Number(name), value];
  }
}

function ownIndex(json: Json): number | null {
  return json.isObject ? countIn(taskMembers(json).index) : null;
}

const taskMembers = reader(TASK_MEMBERS);

function readEntry(json: Json): Entry {
  if (!json.isObject) return { json, isEnded: false, isFailed: false, isGiven: !json.isNull };
  const members = taskMembers(json);
  const word = members.state?.value;
  const state = typeof word === 'string' ? stateOf(word) : null;
  const isFailed = state === 'failed' || state === 'cancelled' || saysSomething(members.error);
  const isEnded = isFailed || state === 'completed';
  const isGiven = isEnded || (state === null && members.result !== undefined);
  return { json, isEnded, isFailed, isGiven };
}

/** An error that is `false`, `{}`, `[]` or empty does not count, nor does one whose members are all like that. */
function saysSomething(error: Json | undefined): boolean {
  return error !== undefined && !isNothing(error.value ?? 'long');
}

function isNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isNothing);
  return !value || /^(null|none)?$/i.test(String(value).trim());
}

function assemble(placed: (Entry | undefined)[]): Omit<PlacedResults, 'surplus'> {
  const given = placed.map((entry) => (entry?.isGiven ? entry : null));
  const missing = given.filter((entry) => entry === null).length;
  return {
    json: `[${given.map((entry, index) => (entry ? textOf(entry, index) : missingEntry(index))).join(',')}]`,
    failedTasks: missing + given.filter((entry) => entry?.isFailed).length,
    missing,
    isEachEnded: given.every((entry) => entry?.isEnded),
  };
}

/** With our index, whatever ModelStudio counts from. A result without an object of its own gets one, as clients expect. */
function textOf({ json }: Entry, index: number): string {
  if (json.isObject) return withOurs(json, { task_index: index });
  return `{"task_index":${index},"status":"completed","result":${json.text},"error":null}`;
}

/** Whether a result says that its conversation has failed. */
export const hasFailed = (result: Json): boolean => readEntry(result).isFailed;

/** Whether it is one that we wrote, as ModelStudio gave none. */
export const isMissing = (result: Json, index: number): boolean => result.text === missingEntry(index);

function missingEntry(task_index: number): string {
  const error = 'ModelStudio ended the job without a result for this conversation.';
  return JSON.stringify({ task_index, status: 'failed', result: null, error });
}
