import { Worker } from 'node:worker_threads';

const HEAP_MB = 16_384;

/**
 * Runs a function that a module exports in a thread of its own, with a heap of its own.
 * @param module its URL
 * @param argument copied to the thread, as the result is copied back
 */
export function inThread<T>(module: string, name: string, argument: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('thread.ts', import.meta.url), {
      workerData: { module, name, argument },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
