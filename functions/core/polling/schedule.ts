import type { Millis } from '../job.ts';
import { DELAY_MAX_SECONDS } from '../sqs-delay.ts';
import { type Pace, paceOfBatch, secondsToNextLook } from './forecast.ts';

/** What there is to go by when the next poll is planned. */
export interface Outlook {
  /** Of past jobs of the kind, in seconds. */
  durations: readonly number[];
  /** Made of these durations. */
  pace: Pace;
  /** λ: seconds of lag that one poll is worth. */
  lagPerPoll: number;
}

export interface Standing {
  /** Since the job was created. */
  age: Millis;
  /** Until it expires: the last poll falls on that moment. */
  left: Millis;
  completedTasks: number;
  totalTasks: number;
}

/**
 * When to ask ModelStudio again.
 * @param atLeastSeconds what ModelStudio asked for with Retry-After
 * @returns whole seconds, 1 to 900
 */
export function nextPollSeconds(job: Standing, outlook: Outlook, atLeastSeconds = 0): number {
  // The clock of whoever created the job may have been ahead.
  const age = Math.max(1, job.age) / 1000;
  const wanted = Math.round(secondsToNextLook(paceFor(job, age, outlook), age, outlook.lagPerPoll));
  const untilExpiry = Math.ceil(job.left / 1000);
  return Math.max(1, Math.min(Math.max(wanted, atLeastSeconds), untilExpiry, DELAY_MAX_SECONDS));
}

function paceFor(job: Standing, age: number, { durations, pace }: Outlook): Pace {
  const { completedTasks, totalTasks } = job;
  // With all of them done, what is left is to say so, which takes as long as it takes.
  const showsProgress = completedTasks > 0 && completedTasks < totalTasks;
  return showsProgress ? paceOfBatch(durations, age, completedTasks, totalTasks) : pace;
}
