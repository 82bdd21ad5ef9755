import type { System } from '../flows/system.ts';
import { Allocations } from './heap.ts';

/** What some work took of this thread. */
export interface Usage {
  /** Milliseconds of the functions and of the edge's code, the promises that they wait for included. */
  cpuMillis: number;
  /** Milliseconds of the benchmark's own tables, queues and clock. */
  benchMillis: number;
  gcMillis: number;
  allocatedBytes: number;
}

const SLICE_MILLIS = 1000;

/** Lets the cloud run on until then, or to its end, and says what that took. */
export async function useOf({ time, overhead }: System, until = Number.POSITIVE_INFINITY): Promise<Usage> {
  const allocations = new Allocations();
  const benchBefore = overhead.millis;
  const startedAt = performance.now();
  const cpuBefore = process.threadCpuUsage();
  allocations.start();
  while (time.next !== null && time.now < until) {
    await time.govern(() => time.run(Math.min(until, time.now + SLICE_MILLIS)));
    allocations.add();
  }
  allocations.stop();
  const { user, system } = process.threadCpuUsage(cpuBefore);
  const wallMillis = performance.now() - startedAt;
  const allMillis = (user + system) / 1000;
  // Shares of the wall clock, as a busy machine slows down everything alike; some of the collecting is the benchmark's.
  const benchShare = (overhead.millis - benchBefore) / wallMillis;
  const gcShare = allocations.gcMillis / wallMillis;
  return {
    cpuMillis: allMillis * (1 - gcShare) * (1 - benchShare),
    benchMillis: allMillis * benchShare,
    gcMillis: allMillis * gcShare,
    allocatedBytes: allocations.bytes,
  };
}

/** Of one of so many. */
export function shareOf(usage: Usage, among: number): Usage {
  return {
    cpuMillis: usage.cpuMillis / among,
    benchMillis: usage.benchMillis / among,
    gcMillis: usage.gcMillis / among,
    allocatedBytes: usage.allocatedBytes / among,
  };
}

export function sumOf(usages: readonly Usage[]): Usage {
  const total = (of: (usage: Usage) => number) => usages.reduce((sum, usage) => sum + of(usage), 0);
  return {
    cpuMillis: total(({ cpuMillis }) => cpuMillis),
    benchMillis: total(({ benchMillis }) => benchMillis),
    gcMillis: total(({ gcMillis }) => gcMillis),
    allocatedBytes: total(({ allocatedBytes }) => allocatedBytes),
  };
}
