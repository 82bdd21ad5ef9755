import type { Millis } from './job.ts';

// Times that must agree. test/stack/times.test.ts says which must be shorter than which, and why.

/** How often a call to AWS is tried, and for how long each time: with its pauses, less than 8 s in all. */
export const AWS_TRIES = 3;
export const AWS_TRY_MILLIS: Millis = 2500;

/** How long the answer to one poll may take, from the look-up of the name to the last byte. */
export const POLL_DEADLINE_MILLIS: Millis = 10_000;
export const COLLECT_DEADLINE_MILLIS: Millis = 120_000;

/** After that, a sweep begins no other page. */
export const SWEEP_MILLIS: Millis = 45_000;

/**
 * The longest round of deliveries that the settings allow, rounded up: five days of waits with their jitter, and
 * each of 50 raised to an hour by `Retry-After`. A row whose webhook is pending is kept for so much longer.
 */
export const ROUND_MAX_DAYS = 9;
/** For so much longer than its job's row is a document kept, so that the last attempt still finds it. */
export const DOCUMENT_EXTRA_DAYS = 10;

const AGAIN_FIRST_SECONDS = 5;
const AGAIN_MAX_SECONDS = 160;

/**
 * When a message that failed comes again: after 5 s, then 10 and so on.
 * @returns null once its queue's own visibility timeout is as near
 */
export function againSeconds(receives: number): number | null {
  const seconds = AGAIN_FIRST_SECONDS * 2 ** (receives - 1);
  return seconds <= AGAIN_MAX_SECONDS ? seconds : null;
}
