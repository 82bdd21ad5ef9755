import { isFinished } from '../core/job.ts';
import { Json } from '../core/json/scan.ts';
import { onOneLine, withOurs } from '../core/parts/merging.ts';
import { hadEnded, type LargeJob, type Plan, partIdOf } from '../core/parts/parts.ts';
import { hasFailed, isMissing } from '../core/upstream/results.ts';
import { resultsInEvent } from '../http/show.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';

export type ResultsWorld = Pick<World, 'jobs' | 'documents'>;

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

/** All conversations of a round, one part in memory at a time. */
export async function* resultsOf(
  job: LargeJob,
  round: number,
  { parts }: Plan,
  { jobs, documents }: ResultsWorld,
): AsyncGenerator<Found> {
  for (const [part, tasks] of parts.entries()) {
    const row = hadEnded(job.parts, round, part) ? await jobs.find(partIdOf(job, round, part)) : null;
    const ended = row && isFinished(row) ? row : null;
    const why = ended?.error?.message ?? NOT_ENDED;
    const results = ended?.results ?? null;
    let entries: Iterator<Json> | null = null;
    if (ended && results) {
      const text =
        results === 'in-event'
          ? resultsInEvent(await documents.load(ended.event))
          : await documents.load(results);
      entries = new Json(Buffer.from(text)).elements();
    }
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
  job: LargeJob,
  plans: readonly Plan[],
  world: ResultsWorld,
): AsyncGenerator<Merged> {
  const [first, ...retries] = plans.map((plan, round) => resultsOf(job, round, plan, world));
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
