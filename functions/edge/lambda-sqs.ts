import type { SQSBatchItemFailure, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { nameOf } from './lambda-http.ts';
import { logger, tellTally } from './log.ts';
import { clock } from './nature.ts';

/** A message that failed comes again after 5 s, then 10 and so on, until its queue's own visibility timeout is as near. */
const AGAIN_FIRST_SECONDS = 5;
const AGAIN_MAX_SECONDS = 160;

/** Has the queue give a message out again so many seconds from now. */
export type Again = (receiptHandle: string, seconds: number) => Promise<unknown>;

/**
 * Makes a Lambda handler for an SQS batch. All records are handled at once; each one that throws goes back to
 * the queue alone. A record that cannot be read never will be: it goes the same way, to the dead letters.
 */
export function lambdaSqs<T>(
  parse: (body: unknown) => T,
  handle: (message: T, isRepeat: boolean) => Promise<void>,
  again: Again,
) {
  /** Answers what the queue is to take back. */
  const handleRecord = async (record: SQSRecord): Promise<SQSBatchItemFailure[]> => {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    try {
      await handle(parse(JSON.parse(record.body)), receives > 1);
      return [];
    } catch (error) {
      logger.error('message failed', { message_id: record.messageId, error: nameOf(error) });
      const seconds = AGAIN_FIRST_SECONDS * 2 ** (receives - 1);
      // Should this fail, too, the queue's visibility timeout is there.
      if (seconds <= AGAIN_MAX_SECONDS) await again(record.receiptHandle, seconds).catch(() => undefined);
      return [{ itemIdentifier: record.messageId }];
    }
  };
  return async ({ Records }: SQSEvent): Promise<SQSBatchResponse> => {
    const startedAt = clock.now();
    const failures = await Promise.all(Records.map(handleRecord));
    tellTally({ duration_ms: clock.now() - startedAt });
    return { batchItemFailures: failures.flat() };
  };
}
