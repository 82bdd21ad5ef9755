import { AWS_TRIES, AWS_TRY_MILLIS } from '../core/limits.ts';

const requestHandler = { requestTimeout: AWS_TRY_MILLIS, throwOnRequestTimeout: true };

/** For clients of AWS. The SDK by itself waits for ever, and tries some services more often than others. */
export const awsSettings = {
  maxAttempts: AWS_TRIES,
  requestHandler: { ...requestHandler, socketTimeout: AWS_TRY_MILLIS },
};
/** To Node, a socket that sends a large object by TLS is idle: bucket.ts says how long its calls may take. */
export const s3Settings = { maxAttempts: AWS_TRIES, requestHandler };
