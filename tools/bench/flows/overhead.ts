/** Time that the benchmark itself takes: the simulated cloud and its clock. Measured, so that it can be taken off. */
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
