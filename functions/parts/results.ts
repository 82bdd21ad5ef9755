import { type FinishedJob, isFinished, type Job, type JobError } from '../core/job.ts';
import { Json } from '../core/json/scan.ts';
import { onOneLine, withOurs } from '../core/parts/merging.ts';
import { hadEnded, type LargeJob, mayBeTaken, type Plan, partIdOf } from '../core/parts/parts.ts';
import { hasFailed, isMissing } from '../core/upstream/results.ts';
import { resultsInEvent } from '../http/show.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { AHEAD_MAX, readAhead, readAll } from './read-ahead.ts';

/** What a part has for one of its conversations. */
interface Found {
  task: number;
  /** Null: the part has failed as a whole, or has not ended. */
  result: Json | null;
  /** ModelStudio itself says that it has failed. */
  hasFailed: boolean;
  why: string;
}

const NOT_ENDED = 'The job ended before ModelStudio had finished this conversation.';

/** How a part has ended: as much of its row as all results need, of which there may be thousands. */
export interface PartEnd extends Pick<FinishedJob, 'event' | 'results'> {
  readonly error: JobError | null;
  readonly mayBeTaken: boolean;
}

/** Of all parts, round by round; null: it has not ended. */
export type Ends = readonly (readonly (PartEnd | null)[])[];

export function rowsOf(ids: readonly string[], { jobs }: Pick<World, 'jobs'>): Promise<(Job | null)[]> {
  return readAll(ids, (id) => jobs.find(id));
}

/** Rows are read once, results several times: so all readings have the same ends. */
export async function endsOf(
  job: LargeJob,
  plans: readonly Plan[],
  { jobs }: Pick<World, 'jobs'>,
): Promise<Ends> {
  const ends: (PartEnd | null)[][] = [];
  for (const [round, { parts }] of plans.entries()) {
    const read = async (part: number) =>
      hadEnded(job.parts, round, part) ? endIn(await jobs.find(partIdOf(job, round, part))) : null;
    ends.push(await readAll([...parts.keys()], read));
  }
  return ends;
}

function endIn(row: Job | null): PartEnd | null {
  if (row === null || !isFinished(row)) return null;
  const { event, results, error } = row;
  return { event, results, error, mayBeTaken: mayBeTaken(row) };
}

/** Of the rounds that are read side by side, each has as many small ones in memory, or one that is large. */
function weightOf(end: PartEnd | null): number {
  const results = end?.results ?? null;
  const isSmall = results === null || results === 'in-event' || results.store === 'table' || results.isShort;
  return isSmall ? 1 : AHEAD_MAX;
}

async function load(end: PartEnd | null, { documents }: Pick<World, 'documents'>): Promise<Buffer | null> {
  const results = end?.results ?? null;
  if (end === null || results === null) return null;
  if (results !== 'in-event') return Buffer.from(await documents.load(results));
  return Buffer.from(resultsInEvent(await documents.load(end.event)));
}

/** All conversations of a round. */
export async function* resultsOf(
  { parts }: Plan,
  ends: Ends[number],
  world: Pick<World, 'documents'>,
): AsyncGenerator<Found> {
  let part = 0;
  for await (const text of readAhead(ends, (end) => load(end, world), weightOf)) {
    const why = ends[part]?.error?.message ?? NOT_ENDED;
    const tasks = parts[part++] ?? [];
    const entries = text === null ? null : new Json(text).elements();
    for (const [index, task] of tasks.entries()) {
      const result: Json | null = entries?.next().value ?? null;
      const failed = result !== null && hasFailed(result) && !isMissing(result, index);
      yield { task, result, hasFailed: failed, why };
    }
  }
}

export interface Merged {
  json: string;
  hasFailed: boolean;
  /** ModelStudio has said something about it. */
  isGiven: boolean;
}

/** The latest result of each conversation, in their order: the rounds are read side by side. */
export async function* merged(
  plans: readonly Plan[],
  ends: Ends,
  world: Pick<World, 'documents'>,
): AsyncGenerator<Merged> {
  const [first, ...retries] = plans.map((plan, round) => resultsOf(plan, ends[round] ?? [], world));
  if (first === undefined) return;
  const heads = await waitForAll(retries.map((retry) => next(retry)));
  for await (const { task, why, ...original } of first) {
    let { result } = original;
    let attempts = 1;
    for (const [i, retry] of retries.entries()) {
      const head = heads[i];
      if (head?.task !== task) continue;
      if (head.result !== null) {
        result = head.result;
        attempts += 1;
      }
      heads[i] = await next(retry);
    }
    const error = { task_index: task, status: 'failed', result: null, error: why };
    const ours = { task_index: task, ...(attempts > 1 && { attempts }) };
    const json = result === null ? JSON.stringify(error) : onOneLine(withOurs(result, ours));
    yield { json, hasFailed: result === null || hasFailed(result), isGiven: result !== null };
  }
}

async function next(results: AsyncGenerator<Found>): Promise<Found | null> {
  const { value, done } = await results.next();
  return done ? null : value;
}
