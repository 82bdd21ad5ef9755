import { type Forecast, forecastOf, type Span } from '../../../functions/core/polling/forecast.ts';
import {
  decoded,
  durationsAt,
  encoded,
  type Lesson,
  SLOTS,
  slotToTeachIn,
  termMillis,
} from '../../../functions/core/polling/lessons.ts';
import { nextPollSeconds } from '../../../functions/core/polling/next-poll.ts';
import type { Durations } from './distributions.ts';

const DAY_MILLIS = 86_400_000;

/** One bucket of jobs with λ, as the poller keeps it: what it has learned, and when it polls next. */
export class Planner {
  readonly #lagPerPollSeconds: number;
  readonly #random: () => number;
  readonly #lessons: (Lesson | undefined)[] = [];
  #ended: readonly Span[] = [];
  #now = 0;
  #forecast: Forecast | null = null;

  constructor(lagPerPollSeconds: number, random: () => number) {
    this.#lagPerPollSeconds = lagPerPollSeconds;
    this.#random = random;
  }

  /** Seconds to wait at that age. @param progressAge at which so many tasks were first seen to be done */
  waitAt(age: number, completedTasks = 0, totalTasks = 1, progressAge = age): number {
    this.#forecast ??= forecastOf(this.#ended);
    const ages = { ageMillis: age * 1000, progressMillis: progressAge * 1000 };
    const progress = { ...ages, leftMillis: DAY_MILLIS, completedTasks, totalTasks };
    return nextPollSeconds(progress, { ...this.#forecast, lagPerPollSeconds: this.#lagPerPollSeconds });
  }

  /** From a job that was submitted when the last one had taught. */
  learn(from: number, to: number): void {
    const term = termMillis(this.#ended);
    const slot = slotToTeachIn(this.#lessons, term, this.#now, this.#random());
    if (slot === null) throw new Error('There is always a slot for the next job');
    // As precisely as it is stored.
    const lesson = encoded({ submittedAt: this.#now, took: { from, to }, isUnderWay: false });
    this.#lessons[slot] = decoded(lesson);
    this.#now += Math.max(1000 * to, (2 * term) / SLOTS);
    this.#ended = durationsAt(this.#now, this.#lessons).ended;
    this.#forecast = null;
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
