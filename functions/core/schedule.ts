import type { Millis } from './job.ts';
import { DELAY_MAX_SECONDS } from './wait.ts';

const FIRST_DELAY_SECONDS = 1;
/** Each wait is this much of the job's age, so waits grow by half from poll to poll. */
const SHARE_OF_AGE = 0.5;
/** Nobody wants to learn of a finished job later than this. */
const LONGEST_WAIT_SECONDS = 60;

/**
 * When to ask ModelStudio again.
 * @param age since the job was created, in milliseconds
 * @param left until the job expires, in milliseconds: the last poll falls on that moment
 * @param atLeastSeconds what ModelStudio asked for with Retry-After
 * @returns whole seconds, 1 to 900
 */
export function nextPollSeconds(age: Millis, left: Millis, atLeastSeconds = 0): number {
  const wanted = Math.min(LONGEST_WAIT_SECONDS, Math.floor((age / 1000) * SHARE_OF_AGE));
  const untilExpiry = Math.ceil(left / 1000);
  const seconds = Math.min(Math.max(wanted, atLeastSeconds), untilExpiry, DELAY_MAX_SECONDS);
  return Math.max(FIRST_DELAY_SECONDS, seconds);
}
