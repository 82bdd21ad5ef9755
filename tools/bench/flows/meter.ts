/** Time that the benchmark itself takes: its stores, queues and clock. Measured, so that it can be taken off. */
export class Overhead {
  millis = 0;
  #depth = 0;

  of<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#depth += 1;
    const startedAt = performance.now();
    try {
      return work();
    } finally {
      this.millis += performance.now() - startedAt;
      this.#depth -= 1;
    }
  }
}

/** What AWS was asked for, by name. */
export class Meter {
  readonly counts: Record<string, number> = {};

  add(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  /** What has come on top since these counts were taken. */
  since(before: Readonly<Record<string, number>>): Record<string, number> {
    const added = Object.entries(this.counts).map(([name, count]) => [name, count - (before[name] ?? 0)]);
    return Object.fromEntries(added);
  }
}
