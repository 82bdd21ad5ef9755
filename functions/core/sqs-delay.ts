import type { Millis } from './job.ts';

/** SQS holds a message back for 15 minutes at most; a longer wait is made of hops. */
export const DELAY_MAX_SECONDS = 900;

/** Whole seconds to delay a message that is due at `dueAt`, as far as one hop reaches. Never negative. */
export function sqsDelaySeconds(dueAt: Millis, now: Millis): number {
  const seconds = Math.ceil((dueAt - now) / 1000);
  return Math.min(DELAY_MAX_SECONDS, Math.max(0, seconds));
}

/** Whether a message came a hop too early. Queues deliver up to a second early, which counts as on time. */
export function isEarly(dueAt: Millis, now: Millis): boolean {
  return dueAt - now > 1000;
}
