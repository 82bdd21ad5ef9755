// Times that must agree: test/stack/times.test.ts says which must be shorter than which, and why.

/** How often a call to AWS is tried, and for how long each time. */
export const AWS_TRIES = 3;
export const AWS_TRY_MILLIS = 2500;
/** What a call to a service that hangs takes in all, with the pauses between its tries. */
export const AWS_CALL_MILLIS = 8000;

/** For both calls, if the key is refused. API Gateway waits 30 s for an answer; this leaves time to write down what came of the call. */
export const CREATE_DEADLINE_MILLIS = 20_000;
export const POLL_DEADLINE_MILLIS = 10_000;
export const COLLECT_DEADLINE_MILLIS = 120_000;
export const ATTEMPT_DEADLINE_MILLIS = 15_000;
/** After that, a sweep begins no other page. */
export const SWEEP_MILLIS = 45_000;

/** The most that `expires_in` may be. */
export const LONGEST_JOB_SECONDS = 7 * 86_400;
/** The longest round of deliveries that the settings and `Retry-After` allow. A row that awaits one is kept for so much longer. */
export const ROUND_MAX_DAYS = 9;
/** A document is kept for so much longer than its job's row, so that the last attempt finds it. */
export const DOCUMENT_EXTRA_DAYS = 10;

const AGAIN_FIRST_SECONDS = 5;
const AGAIN_MAX_SECONDS = 160;

/** When a message that failed comes again: after 5 s, then 10 and so on. Null: its queue's visibility timeout is as near. */
export function againSeconds(receives: number): number | null {
  const seconds = AGAIN_FIRST_SECONDS * 2 ** (receives - 1);
  return seconds <= AGAIN_MAX_SECONDS ? seconds : null;
}
