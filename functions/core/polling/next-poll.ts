import type { Millis } from '../job.ts';
import { DELAY_MAX_SECONDS } from '../sqs-delay.ts';
import { survivalOfBatch } from './batch.ts';
import type { Forecast } from './forecast.ts';
import { secondsToNextPoll } from './plan.ts';

export interface PollForecast extends Forecast {
  /** λ: seconds of lag that one poll is worth. */
  lagPerPollSeconds: number;
}

export interface JobProgress {
  ageMillis: Millis;
  /** Its age when its tasks were counted, if the last answer has no count. */
  countedMillis?: Millis;
  /** Its age when it was first seen that so many tasks were done, if that is known. */
  progressMillis?: Millis;
  /** Until it expires: the last poll falls on that moment. */
  leftMillis: Millis;
  completedTasks: number;
  totalTasks: number;
}

/** A poll of a batch is cheaper, as the plan does not know that it tells how far the batch is. */
const NEWS_SHARE = 0.6;
/** A count that still stands when the job is so many times as old tells of a task that hangs, not of slow ones. */
const STANDSTILL = 2;

/** Whole seconds until the next poll, 1 to 900; at least those that ModelStudio asked for with Retry-After. */
export function nextPollSeconds(job: JobProgress, forecast: PollForecast, atLeastSeconds = 0): number {
  const { ageMillis, completedTasks, totalTasks } = job;
  const { countedMillis = ageMillis, progressMillis = countedMillis } = job;
  const age = secondsOf(ageMillis);
  const countedAge = secondsOf(Math.min(countedMillis, STANDSTILL * progressMillis));
  // When all of them are done, ModelStudio has only to say so, and how long that takes is unknown.
  const showsProgress = completedTasks > 0 && completedTasks < totalTasks;
  const survival = showsProgress
    ? survivalOfBatch(forecast.durations, countedAge, completedTasks, totalTasks)
    : forecast.survival;
  const lagPerPoll = forecast.lagPerPollSeconds * (showsProgress ? NEWS_SHARE : 1);
  const wanted = secondsToNextPoll(survival, age, lagPerPoll);
  const untilExpiry = Math.ceil(job.leftMillis / 1000);
  return Math.max(1, Math.min(Math.max(wanted, atLeastSeconds), untilExpiry, DELAY_MAX_SECONDS));
}

/** The clock of the function that created the job may have been ahead. */
function secondsOf(age: Millis): number {
  return Math.max(1, age) / 1000;
}
