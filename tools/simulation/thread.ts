import './quick-items.ts';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage, type Met } from './coverage.ts';
import type { Run } from './simulate.ts';

export interface Done {
  runs: Run[];
  /** By this thread so far. */
  met: Met | null;
}

/** A thread that runs seeds. What they meet is counted from the moment on at which their code is loaded. */
const coverage: Coverage | null = workerData.isCovered ? await Coverage.start() : null;
const { SIMULATIONS, simulationsOf } = await import('./simulations.ts');
const watching = coverage ? { onOccasion: coverage.onOccasion } : {};

const answer = (done: Done) => parentPort?.postMessage(done);
parentPort?.on('message', async (seeds: number[]) => {
  const runs: Run[] = [];
  for (const seed of seeds) {
    for (const each of simulationsOf(seed, workerData.only))
      runs.push(await SIMULATIONS[each](seed, watching));
  }
  answer({ runs, met: (await coverage?.take()) ?? null });
});
answer({ runs: [], met: null });
