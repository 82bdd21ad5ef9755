/** What cannot be counted without AWS: how long an invocation is billed, and what the platform writes by itself. */

export type FunctionName = 'submit' | 'poll' | 'deliver' | 'sweep';

/** Milliseconds of an invocation for one message, and for each further one in its batch. */
export const BILLED_MILLIS: Record<FunctionName, { first: number; further: number }> = {
  submit: { first: 350, further: 0 },
  poll: { first: 90, further: 50 / 9 },
  deliver: { first: 250, further: 50 / 9 },
  sweep: { first: 100, further: 0 },
};

/** Of a start of an environment, which is billed, too. */
export const INIT_MILLIS = 300;

/** START, END and REPORT of an invocation. */
export const PLATFORM_LOG_BYTES = 500;

/** Lambda's pollers wait on each queue with five long polls of 20 s when there is nothing to take. */
export const IDLE_RECEIVES_PER_MONTH = (5 * 30 * 86_400) / 20;

export const MINUTES_PER_MONTH = 30 * 1440;

/** Text compresses to about a sixth. */
export const LOG_COMPRESSION = 6;
