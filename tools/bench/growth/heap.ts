import { GCProfiler, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes in use once all garbage is collected. */
export function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** What is allocated, and how long it takes to collect it, from the start on. */
export class Allocations {
  bytes = 0;
  gcMillis = 0;
  #profiler = new GCProfiler();
  #usedBefore = 0;

  start(): void {
    this.#usedBefore = process.memoryUsage().heapUsed;
    this.#profiler.start();
  }

  /** To be called now and then, as the profiler remembers each collection until it is asked. */
  add(): void {
    for (const { cost, beforeGC, afterGC } of this.#profiler.stop().statistics) {
      this.bytes += beforeGC.heapStatistics.usedHeapSize - this.#usedBefore;
      this.gcMillis += cost / 1000;
      this.#usedBefore = afterGC.heapStatistics.usedHeapSize;
    }
    const used = process.memoryUsage().heapUsed;
    this.bytes += used - this.#usedBefore;
    this.#usedBefore = used;
    this.#profiler = new GCProfiler();
    this.#profiler.start();
  }

  stop(): void {
    this.add();
    this.#profiler.stop();
  }
}
