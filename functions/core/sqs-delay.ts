import type { Millis } from './job.ts';

/** SQS delays a message by at most 15 minutes; a longer wait takes several hops. */
export const DELAY_MAX_SECONDS = 900;

/** Whole seconds to delay a message that is due at `dueAt`, up to the length of one hop. Never negative. */
export function sqsDelaySeconds(dueAt: Millis, now: Millis): number {
  const seconds = Math.ceil((dueAt - now) / 1000);
  // A hop ends more than a second early, or it would count as on time.
  return seconds > DELAY_MAX_SECONDS ? DELAY_MAX_SECONDS - 1 : Math.max(0, seconds);
}

/** Whether a message came a hop too early. Queues deliver up to a second early, which counts as on time. */
export function isEarly(dueAt: Millis, now: Millis): boolean {
  return dueAt - now > 1000;
}
