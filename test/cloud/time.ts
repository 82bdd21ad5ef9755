import type { Millis } from '../../functions/core/job.ts';

/** What the simulated cloud needs of time. */
export interface Time {
  readonly now: Millis;
  after(millis: Millis, run: () => void): void;
}

/** Work that is measured, or taken off what is measured; as it comes, unless somebody measures. */
export type Measuring = <T>(work: () => T) => T;

/**
 * Virtual time in whole milliseconds. What is to happen at one moment is kept together, in the order in which it was
 * planned: a heap of moments, not of events, so that a million sleeping jobs cost a push onto a list each.
 */
export class VirtualTime implements Time {
  now: Millis;
  readonly #heap: Millis[] = [];
  readonly #events = new Map<Millis, (() => void)[]>();
  readonly #measuring: Measuring;

  constructor(start: Millis, measuring: Measuring = (work) => work()) {
    this.now = start;
    this.#measuring = measuring;
  }

  after(millis: Millis, run: () => void): void {
    this.#measuring(() => {
      const at = this.now + Math.max(0, Math.round(millis));
      const events = this.#events.get(at);
      if (events) return void events.push(run);
      this.#events.set(at, [run]);
      this.#push(at);
    });
  }

  /** When something happens next; null: never. */
  get next(): Millis | null {
    return this.#heap[0] ?? null;
  }

  /** Lets all happen that is to happen at the next moment, and what follows from it at once. False: there is none. */
  async step(): Promise<boolean> {
    const at = this.next;
    if (at === null) return false;
    this.now = at;
    for (const event of this.#measuring(() => this.#take(at))) event();
    // Whatever the events have set off runs until it waits for another one.
    // None of it waits for the world outside, for which a turn of the event loop would take as long as the step.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    return true;
  }

  /** Lets everything happen that is to happen by then. */
  async run(until = Number.POSITIVE_INFINITY): Promise<void> {
    while (this.next !== null && this.next <= until) await this.step();
    if (Number.isFinite(until)) this.now = until;
  }

  /** Has whatever runs meanwhile live in this time: its clock, its timers. Nothing else may wait for a timer until then. */
  async govern<T>(work: () => Promise<T>): Promise<T> {
    const [real, now, timeout] = [globalThis.setTimeout, Date.now, AbortSignal.timeout];
    const later = (run: () => void, millis = 0) => this.after(millis, run);
    globalThis.setTimeout = later as unknown as typeof setTimeout;
    Date.now = () => this.now;
    AbortSignal.timeout = (millis) => {
      const controller = new AbortController();
      this.after(millis, () => controller.abort());
      return controller.signal;
    };
    try {
      return await work();
    } finally {
      globalThis.setTimeout = real;
      Date.now = now;
      AbortSignal.timeout = timeout;
      // For whatever else this process has to do.
      await new Promise((resolve) => setImmediate(resolve));
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
