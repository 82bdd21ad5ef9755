import { DURATIONS_KEPT, drawDuration, type Pace, paceOf } from '../../../functions/core/polling/forecast.ts';
import { nextPollSeconds } from '../../../functions/core/polling/schedule.ts';
import type { Durations } from './distributions.ts';

const DAY_MILLIS = 86_400_000;

/** One kind of job with λ, as the poller keeps it: what it has learnt, and when it looks next. */
export class Planner {
  readonly #lagPerPoll: number;
  readonly #random: () => number;
  readonly #durations: number[] = [];
  #count = 0;
  #pace: Pace | null = null;

  constructor(lagPerPoll: number, random: () => number) {
    this.#lagPerPoll = lagPerPoll;
    this.#random = random;
  }

  /** Seconds to wait at that age. */
  waitAt(age: number, completedTasks = 0, totalTasks = 1): number {
    this.#pace ??= paceOf(this.#durations);
    const standing = { age: age * 1000, left: DAY_MILLIS, completedTasks, totalTasks };
    const outlook = { durations: this.#durations, pace: this.#pace, lagPerPoll: this.#lagPerPoll };
    return nextPollSeconds(standing, outlook);
  }

  learn(from: number, to: number): void {
    this.#durations[this.#count++ % DURATIONS_KEPT] = drawDuration(from, to, this.#random(), this.#durations);
    this.#pace = null;
  }

  /** Jobs, each polled to its end and learnt from as the poller would. */
  live(jobs: number, { draw }: Durations): void {
    for (let job = 0; job < jobs; job++) {
      const duration = draw(this.#random);
      let from = 0;
      let to = this.waitAt(0);
      while (to < duration) {
        from = to;
        to += this.waitAt(to);
      }
      this.learn(from, to);
    }
  }
}
