import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addTo, type Met } from './coverage.ts';
import type { Run } from './simulate.ts';
import type { Done } from './thread.ts';

const CHUNK = 50;

export interface Seeds {
  first: number;
  count: number;
}

/**
 * Hands the seeds out to a thread per core, in chunks, until they are used up or one has failed.
 * @param onRuns answers false when no more are wanted
 * @returns what they have met, if that is counted
 */
export async function runAll(
  { first, count }: Seeds,
  given: { isCovered: boolean; only: Run['of'] | null },
  onRuns: (runs: Run[]) => boolean,
): Promise<Met> {
  let next = first;
  let end = first + count;
  const takeChunk = () => {
    const chunk = Array.from({ length: Math.min(CHUNK, end - next) }, (_, i) => next + i);
    next += chunk.length;
    return chunk;
  };
  const total: Met = { branches: {}, faults: {} };
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: given });
      worker.on('error', reject);
      worker.on('message', ({ runs, met }: Done) => {
        if (!onRuns(runs)) end = next;
        const chunk = takeChunk();
        if (chunk.length > 0) return worker.postMessage(chunk);
        if (met !== null) addTo(total, met);
        void worker.terminate().then(() => resolve());
      });
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), Math.ceil(count / CHUNK)) }, run));
  return total;
}
