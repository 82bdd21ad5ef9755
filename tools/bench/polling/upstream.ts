import type { Millis } from '../../../functions/core/job.ts';

/** ModelStudio, as it works on so many jobs at once, in the order in which they were created. */
export class Upstream {
  readonly #atOnce: number;
  /** Until when it works on each of those that it has begun. */
  #busyUntil: Millis[] = [];

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** How long a job takes, waiting for its turn included, that is created now and is so much work. */
  millisFor(work: Millis, now: Millis): Millis {
    if (!Number.isFinite(this.#atOnce)) return work;
    this.#busyUntil = this.#busyUntil.filter((until) => until > now);
    const { length } = this.#busyUntil;
    const begin = length < this.#atOnce ? now : (this.#busyUntil[length - this.#atOnce] as Millis);
    this.#busyUntil.push(begin + work);
    this.#busyUntil.sort((a, b) => a - b);
    return begin + work - now;
  }
}
