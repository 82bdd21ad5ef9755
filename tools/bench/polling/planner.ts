import {
  DURATIONS_KEPT,
  type PollSchedule,
  sampleDuration,
  scheduleFor,
} from '../../../functions/core/polling/forecast.ts';
import { nextPollSeconds } from '../../../functions/core/polling/next-poll.ts';
import type { Durations } from './distributions.ts';

const DAY_MILLIS = 86_400_000;

/** One bucket of jobs with λ, as the poller keeps it: what it has learned, and when it polls next. */
export class Planner {
  readonly #lagPerPollSeconds: number;
  readonly #random: () => number;
  readonly #durations: number[] = [];
  #count = 0;
  #schedule: PollSchedule | null = null;

  constructor(lagPerPollSeconds: number, random: () => number) {
    this.#lagPerPollSeconds = lagPerPollSeconds;
    this.#random = random;
  }

  /** Seconds to wait at that age. */
  waitAt(age: number, completedTasks = 0, totalTasks = 1): number {
    this.#schedule ??= scheduleFor(this.#durations);
    const progress = { ageMillis: age * 1000, leftMillis: DAY_MILLIS, completedTasks, totalTasks };
    const forecast = {
      durations: this.#durations,
      schedule: this.#schedule,
      lagPerPollSeconds: this.#lagPerPollSeconds,
    };
    return nextPollSeconds(progress, forecast);
  }

  learn(from: number, to: number): void {
    this.#durations[this.#count++ % DURATIONS_KEPT] = sampleDuration(
      from,
      to,
      this.#random(),
      this.#durations,
    );
    this.#schedule = null;
  }

  /** Jobs, each polled to its end and learned from as the poller would. */
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
