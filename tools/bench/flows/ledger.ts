import type { Millis } from '../../../functions/core/job.ts';

/** What has become of each job, by its number. */
export class Ledger {
  /** When it is, or will be, finished at ModelStudio. */
  readonly finishedAt: Float64Array;
  readonly acceptedAt: Float64Array;
  /** When ModelStudio first said that it was finished. */
  readonly detectedAt: Float64Array;
  /** When its webhook first arrived. */
  readonly deliveredAt: Float64Array;
  readonly polls: Uint16Array;
  #delivered = 0;
  readonly #durationMillis: (index: number, now: Millis) => Millis;

  /** @param durationMillis how long a job takes at ModelStudio that is created now */
  constructor(jobs: number, durationMillis: (index: number, now: Millis) => Millis) {
    this.finishedAt = new Float64Array(jobs);
    this.acceptedAt = new Float64Array(jobs);
    this.detectedAt = new Float64Array(jobs);
    this.deliveredAt = new Float64Array(jobs);
    this.polls = new Uint16Array(jobs);
    this.#durationMillis = durationMillis;
  }

  get size(): number {
    return this.polls.length;
  }

  get deliveredCount(): number {
    return this.#delivered;
  }

  created(index: number, now: Millis): void {
    this.finishedAt[index] = now + this.#durationMillis(index, now);
  }

  accepted(index: number, now: Millis): void {
    this.acceptedAt[index] = now;
  }

  /** A look at a job: whether it is finished. */
  reported(index: number, now: Millis): boolean {
    this.polls[index] = (this.polls[index] ?? 0) + 1;
    const isFinished = now >= (this.finishedAt[index] ?? 0);
    if (isFinished && this.detectedAt[index] === 0) this.detectedAt[index] = now;
    return isFinished;
  }

  delivered(index: number, now: Millis): void {
    if (this.deliveredAt[index] !== 0) return;
    this.deliveredAt[index] = now;
    this.#delivered += 1;
  }
}
