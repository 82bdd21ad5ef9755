interface Event {
  at: number;
  order: number;
  run: () => void;
}

/** Virtual time: events in the order of their moments, those of one moment in the order they were made. */
export class Timeline {
  now: number;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(start: number) {
    this.now = start;
  }

  after(millis: number, run: () => void): void {
    const event = { at: this.now + Math.max(0, millis), order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
  }

  /** Lets the next event happen. False: there is none. */
  async step(): Promise<boolean> {
    const event = this.#take();
    if (!event) return false;
    this.now = event.at;
    event.run();
    // Whatever the event has set off runs until it waits for another event.
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  #take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
