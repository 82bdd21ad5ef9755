import { describe, expect, it } from 'vitest';
import type { DocumentRef } from '../../functions/core/parts/row.ts';
import { merge } from '../../functions/parts/merge.ts';
import { AHEAD_MAX, readAhead } from '../../functions/parts/read-ahead.ts';
import { endsOf } from '../../functions/parts/results.ts';
import { finishedJob } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';
import { largeJob } from './large-job.ts';

/** Reads that end in the order in which they are told to. */
function readsOf(weights: readonly number[]) {
  const done = new Map<number, (value: number) => void>();
  const began: number[] = [];
  const read = (item: number) =>
    new Promise<number>((resolve) => {
      began.push(item);
      done.set(item, resolve);
    });
  const items = [...weights.keys()];
  return { began, done, reading: readAhead(items, read, (item) => weights[item] ?? 0) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('reading ahead', () => {
  it('begins as many as weigh so much, and gives them in their order', async () => {
    const { began, done, reading } = readsOf(Array(AHEAD_MAX + 2).fill(1));
    const first = reading.next();
    await turn();
    expect(began.length).toBe(AHEAD_MAX);
    done.get(1)?.(1);
    done.get(0)?.(0);
    expect((await first).value).toBe(0);
    // What has been given is still in use.
    await turn();
    expect(began.length).toBe(AHEAD_MAX);
    expect((await reading.next()).value).toBe(1);
    expect(began.length).toBe(AHEAD_MAX + 1);
  });

  it('has nothing else in memory with one that is large', async () => {
    const { began, done, reading } = readsOf([1, AHEAD_MAX, 1]);
    for (const item of [0, 1, 2]) {
      const next = reading.next();
      await turn();
      expect(began).toEqual([0, 1, 2].slice(0, item + 1));
      done.get(item)?.(item);
      expect((await next).value).toBe(item);
    }
    expect((await reading.next()).done).toBe(true);
  });

  it('waits for those under way when one fails', async () => {
    let isOver = false;
    const read = async (item: number) => {
      if (item === 0) throw new Error('gone');
      await turn();
      isOver = true;
      throw new Error('gone, too');
    };
    await expect(readAhead([0, 1], read).next()).rejects.toThrow(/^gone$/);
    expect(isOver).toBe(true);
  });
});

it.each<[size: string, ref: Partial<DocumentRef>, mostAtOnce: number]>([
  ['small', { isShort: true }, AHEAD_MAX],
  ['large', { hasLines: true }, 1],
])('all results of parts are merged, %s ones, with few of them in memory', async (_size, ref, mostAtOnce) => {
  const world = fakeWorld();
  const count = 40;
  const texts = Array.from({ length: count }, (_, i) => `${i} `.padEnd(10_000, '.'));
  for (const [part, result] of texts.entries()) {
    const json = JSON.stringify([{ task_index: 0, status: 'completed', result, error: null }]);
    const results = {
      ...(await world.documents.save(`results/${part}.json`, json)),
      store: 'bucket',
      ...ref,
    } as const;
    world.cloud.objects.set(results.key, json);
    await world.jobs.insert(finishedJob({ jobId: `job_1-0-${part}`, results }));
  }
  let [rows, reads, atOnce, most] = [0, 0, 0, 0];
  const find = (id: string) => {
    rows += 1;
    return world.jobs.find(id);
  };
  const load = async (document: DocumentRef) => {
    most = Math.max(most, ++atOnce);
    await turn();
    const text = await world.documents.load(document);
    atOnce -= 1;
    reads += 1;
    return text;
  };
  const job = largeJob(count, { begun: count });
  const plans = [{ parts: texts.map((_, task) => [task]) }];
  const ends = await endsOf(job, plans, { jobs: { ...world.jobs, find } });
  const merged = await merge(job, plans, ends, { ...world, documents: { ...world.documents, load } });
  const whole = JSON.parse(await world.documents.load(merged?.document as DocumentRef));
  expect(whole.map(({ result }: { result: string }) => result)).toEqual(texts);
  expect({ rows, reads, most }).toEqual({ rows: count, reads: 3 * count, most: mostAtOnce });
});
