import { AWS_TRIES, AWS_TRY_MILLIS } from '../core/limits.ts';

/**
 * For every client of AWS. Left to itself, the SDK waits for an answer for ever, and tries each service a different
 * number of times; a service that hangs must cost a function neither its life nor its batch.
 */
export const awsSettings = {
  maxAttempts: AWS_TRIES,
  requestHandler: {
    /** Until the head of the answer. */
    requestTimeout: AWS_TRY_MILLIS,
    throwOnRequestTimeout: true,
    /** Without a byte either way. */
    socketTimeout: AWS_TRY_MILLIS,
  },
};
