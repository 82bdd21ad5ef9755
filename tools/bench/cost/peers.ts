import { PEER_MILLIS, PLATFORM_LOG_BYTES } from './assumptions.ts';
import { PRICES } from './prices.ts';

/** Dollars per million jobs of a design that others publish, by how often it asks and how long a job runs. */
export interface Peer {
  name: string;
  dollars(polls: number, jobSeconds: number): number;
}

const PEER_MEMORY_GB = 0.25;
const MILLION = 1e6;
/** A row read or written once, of less than 1 KB. */
const ROW_READ_AND_WRITTEN = PRICES.dynamodbReadUnit + PRICES.dynamodbWriteUnit;
/** A message is sent, received and deleted. */
const MESSAGE = 3 * PRICES.sqsRequest;
/** The default log of an invocation: the platform's lines and a short one of its own. */
const LOGS = (PLATFORM_LOG_BYTES + 500) * PRICES.logByte;
const PLATFORM_LOGS = PLATFORM_LOG_BYTES * PRICES.logByte;

const invocation = (millis: number, gb = PEER_MEMORY_GB) =>
  PRICES.lambdaRequest + (millis / 1000) * gb * PRICES.lambdaGbSecond;

const submission = PRICES.httpRequest + invocation(PEER_MILLIS.submit);
const check = invocation(PEER_MILLIS.check);
const delivery = invocation(PEER_MILLIS.deliver);

/** One function sleeps, asks every two seconds and delivers. It ends after 15 minutes, whatever the job does. */
function sleeper(memoryMb: number): Peer {
  return {
    name: `a Lambda that sleeps and asks every 2 s, ${memoryMb} MB`,
    dollars: (_, jobSeconds) =>
      MILLION * (submission + delivery + PLATFORM_LOGS * 2 + invocation(jobSeconds * 1000, memoryMb / 1024)),
  };
}

/**
 * The designs of AWS's own samples and documentation, billed with the same prices. They are priced as published, with
 * default logs and a poll's result not stored unless the design says so.
 */
export const PEERS: Peer[] = [
  {
    name: 'Step Functions job poller (Wait → check → choice)',
    // Three states a poll, and submit, deliver and the end.
    dollars: (polls) =>
      MILLION * (submission + delivery + 2 * PLATFORM_LOGS + 3 * PRICES.stateTransition) +
      MILLION * polls * (3 * PRICES.stateTransition + check + PLATFORM_LOGS),
  },
  {
    name: 'Lambda durable functions, wait for condition',
    // An operation a poll, and the submission, the condition and the delivery.
    dollars: (polls) =>
      MILLION * (submission + delivery + 2 * PLATFORM_LOGS + 3 * PRICES.durableOperation) +
      MILLION * polls * (PRICES.durableOperation + check + PLATFORM_LOGS),
  },
  sleeper(128),
  sleeper(512),
  {
    name: 'SQS delay queue, batch 1, row read and written each poll, default logs',
    dollars: (polls) =>
      MILLION * (submission + delivery + 2 * LOGS + MESSAGE + 3 * ROW_READ_AND_WRITTEN) +
      MILLION * polls * (check + MESSAGE + ROW_READ_AND_WRITTEN + LOGS),
  },
];
