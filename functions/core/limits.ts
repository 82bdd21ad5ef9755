// Times that must agree: test/stack/times.test.ts says which must be shorter than which, and why.

/** How many times a call to AWS is tried, and for how long each time. */
export const AWS_TRIES = 3;
export const AWS_TRY_MILLIS = 2500;
/** The total time of a call to a service that hangs, with the pauses between its tries. */
export const AWS_CALL_MILLIS = 8000;
/** Of a call to the table of durations in all: a job is not to wait for it. */
export const DURATIONS_CALL_MILLIS = 1000;

/** How much memory each function has, and how long it may run: API Gateway gives up after 30 s. */
export const FUNCTIONS = {
  submit: { memoryMib: 192, timeoutSeconds: 29 },
  create: { memoryMib: 768, timeoutSeconds: 45 },
  jobs: { memoryMib: 256, timeoutSeconds: 29 },
  poll: { memoryMib: 256, timeoutSeconds: 20 },
  collect: { memoryMib: 3008, timeoutSeconds: 180 },
  deliver: { memoryMib: 256, timeoutSeconds: 30 },
  sweep: { memoryMib: 512, timeoutSeconds: 60 },
};

/** For both calls, if the key is refused. It leaves time to record the outcome. */
export const CREATE_DEADLINE_MILLIS = 20_000;
export const ATTEMPT_DEADLINE_MILLIS = 15_000;
/** After this time, a sweep begins no other page. */
export const SWEEP_MILLIS = 45_000;

/** After this time, what is still stored of a large job's parts is left to the sweeper: a client may wait for an answer. */
export const FORGET_MILLIS = 5000;

/** Longer than the function may run: when it ends, nobody is submitting the job any longer. */
export const SUBMIT_LEASE_MILLIS = 60_000;
/** After this time, a pass through the queue begins no other create. */
export const DRAIN_MILLIS = 10_000;
/** Longer than the function may run: when it ends, nobody lets queued jobs through any longer. */
export const DRAIN_LEASE_MILLIS = 60_000;
/** How often a job may be given to ModelStudio whose creation stays unknown, if its owner allows that. */
export const SUBMISSIONS_MAX = 3;
/** An attempt's webhook is its own for longer than the function may run, and shorter than the queue hides a dead worker's message. */
export const ATTEMPT_LEASE_MILLIS = 60_000;

/**
 * How long each waits for a report, and how large it may be, or it is `too_large`. The poller has ten in memory at once, the
 * collector one, several times over while it is read and written; V8's longest string is 512 MiB.
 */
export const REPORT_LIMITS = {
  poll: { deadlineMillis: 10_000, maxBytes: 2 * 1024 * 1024 },
  collect: { deadlineMillis: 120_000, maxBytes: 128 * 1024 * 1024 },
};

/** The largest file that an app may upload, and how long it has to begin with that. */
export const UPLOAD_MAX_BYTES = 200 * 1024 * 1024;
export const UPLOAD_URL_SECONDS = 900;

/** Half an hour of failures: six within five minutes, then one every two or three minutes, the visibility timeout. */
export const RECEIVES_MAX = 14;

/** Of an answer, of which Lambda takes 6 MB, with room for a proxy's own. */
export const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
/** Of a request's body. */
export const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** Of a job, in however many parts. */
export const TASKS_MAX = 50_000;
/** Of a job, with those of all its retries: to merge them takes 85 000 calls to AWS, each of which takes a processor up to 0.9 ms. */
export const PARTS_MAX = 20_000;
/** How often tasks that ModelStudio reports as failed may be given to it again. */
export const RETRIES_MAX = 3;
/** A conversation that is larger than a part may be goes alone, up to this. */
export const TASK_MAX_BYTES = 20 * 1024 * 1024;

/** The maximum of `expires_in` and `queue_for`. */
export const LONGEST_JOB_SECONDS = 7 * 86_400;
/** The longest round of deliveries that the settings and `Retry-After` allow. A row with one to come is kept this much longer. */
export const ROUND_MAX_DAYS = 9;
/** A document is kept this much longer than its job's row, so that the last attempt finds it. */
export const DOCUMENT_EXTRA_DAYS = 10;

/**
 * A message of a later release comes back like one that failed, until a deployment has finished, and then after so many seconds
 * each time: for more than three days in all, for that release to return. SQS hides no message for more than 12 hours.
 */
export const AGAIN_FOR_LATER_SECONDS = 11 * 3600;

const AGAIN_FIRST_SECONDS = 5;
const AGAIN_MAX_SECONDS = 160;

/** When a failed message comes back: after 5 s, then 10 and so on. Null: its queue's visibility timeout is as near. */
export function againSeconds(receives: number): number | null {
  const seconds = AGAIN_FIRST_SECONDS * 2 ** (receives - 1);
  return seconds <= AGAIN_MAX_SECONDS ? seconds : null;
}
