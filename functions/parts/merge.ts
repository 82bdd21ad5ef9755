import { EVENT_MAX_BYTES } from '../core/http/view.ts';
import { nonceOf } from '../core/ids.ts';
import type { LargeJob, Plan } from '../core/parts/parts.ts';
import { linesKeyOf } from '../core/retention.ts';
import type { Results } from '../core/upstream/report.ts';
import type { World } from '../ports.ts';
import { type Ends, merged } from './results.ts';

export type MergeWorld = Pick<World, 'documents' | 'random'>;

/**
 * All results in one document. They are read once to see how many bytes that is, and again for each form that is written: so what is
 * in memory does not grow with them.
 * @returns null if ModelStudio has given none at all
 */
export async function merge(
  job: LargeJob,
  plans: readonly Plan[],
  ends: Ends,
  world: MergeWorld,
): Promise<Results | null> {
  const kept: string[] = [];
  let [bytes, tasks, failedTasks, given] = [0, 0, 0, 0];
  for await (const { json, hasFailed, isGiven } of merged(plans, ends, world)) {
    tasks += 1;
    bytes += Buffer.byteLength(json);
    failedTasks += Number(hasFailed);
    given += Number(isGiven);
    if (bytes <= EVENT_MAX_BYTES) kept.push(json);
    else kept.length = 0;
  }
  if (given === 0) return null;
  const found = { failedTasks, missing: 0, surplus: 0 };
  if (kept.length === tasks) return { ...found, json: `[${kept.join(',')}]` };
  const key = `results/${job.jobId}/${nonceOf(world.random.bytes())}.json`;
  // A bracket before, a comma between two, a bracket after; or a line break after each.
  const document = await world.documents.saveAll(key, bytes + tasks + 1, asArray(merged(plans, ends, world)));
  await world.documents.saveAll(linesKeyOf(key), bytes + tasks, asLines(merged(plans, ends, world)));
  return { ...found, json: null, document: { ...document, hasLines: true } };
}

async function* asArray(results: ReturnType<typeof merged>): AsyncGenerator<string> {
  let before = '[';
  for await (const { json } of results) {
    yield `${before}${json}`;
    before = ',';
  }
  yield ']';
}

async function* asLines(results: ReturnType<typeof merged>): AsyncGenerator<string> {
  for await (const { json } of results) yield `${json}\n`;
}
