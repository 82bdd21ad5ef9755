/** What cannot be counted without AWS, and what the apps are taken to do. docs/bench/cost.md lists them. */

export const FUNCTIONS = ['submit', 'create', 'poll', 'collect', 'deliver', 'jobs', 'sweep'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/**
 * Milliseconds of a whole processor for one message or request, and for each further one in its batch: what
 * docs/bench/growth.md has with the SDK, and 1.5 ms for each connection that is opened with TLS. They are billed beside
 * the waiting that is counted, and longer with less memory, which has a smaller share of a processor.
 */
export const CPU_MILLIS: Record<FunctionName, { first: number; further: number }> = {
  submit: { first: 4, further: 0 },
  create: { first: 4, further: 0 },
  poll: { first: 1.8, further: 1.2 },
  collect: { first: 1.8, further: 1.2 },
  deliver: { first: 4.5, further: 4.4 },
  jobs: { first: 2, further: 0 },
  sweep: { first: 10, further: 0 },
};

/** With so much memory, a function has one whole processor. */
export const MIB_PER_PROCESSOR = 1769;

/** Of a start of an environment, which is billed since August 2025. */
export const INIT_MILLIS = 300;

/** Milliseconds of an invocation of others' designs, for one message. */
export const PEER_MILLIS = { submit: 350, check: 90, deliver: 250 };

/** START, END and REPORT of an invocation. */
export const PLATFORM_LOG_BYTES = 500;

/** English, in the one answer of a job: some 500 tokens. */
export const RESULT_CHARACTERS = 2000;
export const METADATA_BYTES = 300;
/** Of the apps, half read a job once more that they have had by webhook. */
export const READ_SHARE = 0.5;

/**
 * How long a message waits for others before its receive is answered, in milliseconds. AWS does not say, and nobody
 * has measured it, so the bill is a range.
 */
export const MOMENTS = [1, 3, 5, 20] as const;

/** Lambda's pollers wait on each queue with five long polls of 20 s when there is nothing to take. */
export const IDLE_RECEIVES_PER_MONTH = (5 * 30 * 86_400) / 20;

export const MINUTES_PER_MONTH = 30 * 1440;

/** Text compresses to about a sixth. */
export const LOG_COMPRESSION = 6;
