import type { Millis } from '../../../functions/core/job.ts';
import type { Overhead } from './meter.ts';

const START = Date.UTC(2026, 0, 1);

/**
 * Virtual time in whole milliseconds. What is to happen at one moment is kept together: a heap of moments, not of
 * events, so that a million sleeping jobs cost a push onto a list each.
 */
export class VirtualTime {
  now: Millis = START;
  readonly #heap: Millis[] = [];
  readonly #events = new Map<Millis, (() => void)[]>();
  readonly #overhead: Overhead;

  constructor(overhead: Overhead) {
    this.#overhead = overhead;
  }

  after(millis: Millis, run: () => void): void {
    this.#overhead.of(() => {
      const at = this.now + Math.max(0, Math.round(millis));
      const events = this.#events.get(at);
      if (events) return void events.push(run);
      this.#events.set(at, [run]);
      this.#push(at);
    });
  }

  /** Whether nothing more is to happen. */
  get isIdle(): boolean {
    return this.#heap.length === 0;
  }

  /** Lets everything happen that is to happen by then; timers that are set meanwhile are of this time, too. */
  async run(until = Number.POSITIVE_INFINITY): Promise<void> {
    const realSetTimeout = globalThis.setTimeout;
    globalThis.setTimeout = ((run: () => void, millis = 0) =>
      this.after(millis, run)) as unknown as typeof setTimeout;
    try {
      for (let at = this.#heap[0]; at !== undefined && at <= until; at = this.#heap[0]) {
        this.now = at;
        for (const event of this.#overhead.of(() => this.#take(at))) event();
        // Whatever the events have set off runs until it waits for another one.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (Number.isFinite(until)) this.now = until;
    } finally {
      globalThis.setTimeout = realSetTimeout;
    }
  }

  #take(at: Millis): (() => void)[] {
    const events = this.#events.get(at) ?? [];
    this.#events.delete(at);
    this.#pop();
    return events;
  }

  #push(at: Millis): void {
    const heap = this.#heap;
    let i = heap.push(at) - 1;
    for (; i > 0; ) {
      const parent = (i - 1) >> 1;
      if ((heap[parent] as Millis) <= at) break;
      heap[i] = heap[parent] as Millis;
      i = parent;
    }
    heap[i] = at;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && (heap[child + 1] as Millis) < (heap[child] as Millis)) child++;
      if ((heap[child] as Millis) >= last) break;
      heap[i] = heap[child] as Millis;
      i = child;
    }
    heap[i] = last;
  }
}
