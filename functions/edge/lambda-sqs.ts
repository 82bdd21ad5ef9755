import type { SQSBatchItemFailure, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { isLaterFormat, LaterFormat } from '../core/format.ts';
import type { Millis } from '../core/job.ts';
import { AGAIN_FOR_LATER_SECONDS, againSeconds } from '../core/limits.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob } from '../core/trace.ts';
import { redactedError } from './lambda-http.ts';
import { CALM_MILLIS, flushAggregates, hasNews, logger } from './log.ts';
import { clock } from './system.ts';
import type { Batch } from './wake-ups.ts';

/** Makes the queue hand a message out again this many seconds from now. */
export type ComeAgain = (receiptHandle: string, seconds: number) => Promise<unknown>;

/**
 * Makes a Lambda handler for an SQS batch. Each record that throws goes back by itself, and so does one that cannot be read, which
 * ends in the dead-letter queue, and one of a later release, which comes back for days before it does.
 * @param batch knows how many records are still being handled
 * @param handle returns when the message must come back although nothing has failed; null if it is done
 */
export function lambdaSqs<T>(
  parse: (body: unknown) => T,
  handle: (message: T, isRepeat: boolean) => Promise<Millis | null>,
  again: ComeAgain,
  batch: Pick<Batch, 'underWay'> = { underWay: 0 },
) {
  const handleRecord = async (record: SQSRecord): Promise<SQSBatchItemFailure[]> => {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    const giveBack = async (seconds: number | null) => {
      // If this fails, too, the queue's visibility timeout applies.
      if (seconds !== null) await again(record.receiptHandle, seconds).catch(() => undefined);
      return [{ itemIdentifier: record.messageId }];
    };
    let about = {};
    try {
      const body = JSON.parse(record.body);
      const { jobId, trace } = Object(body);
      const isText = typeof trace === 'string';
      if (typeof jobId === 'string') about = aboutJob({ jobId, ...(isText && { trace }) });
      if (isLaterFormat(body?.format)) throw new LaterFormat('The message');
      const comesAgainAt = await handle(parse(body), receives > 1);
      return comesAgainAt === null ? [] : await giveBack(sqsDelaySeconds(comesAgainAt, clock.now()));
    } catch (error) {
      logger.error('message failed', { message_id: record.messageId, ...about, error: redactedError(error) });
      const longest = error instanceof LaterFormat ? AGAIN_FOR_LATER_SECONDS : null;
      return giveBack(againSeconds(receives) ?? longest);
    } finally {
      batch.underWay -= 1;
    }
  };
  return async ({ Records }: SQSEvent): Promise<SQSBatchResponse> => {
    const startedAt = clock.now();
    batch.underWay += Records.length;
    const failures = await Promise.all(Records.map(handleRecord));
    flushAggregates({ duration_ms: clock.now() - startedAt, invocations: 1 }, hasNews() ? 0 : CALM_MILLIS);
    return { batchItemFailures: failures.flat() };
  };
}
