import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { nameOf } from './lambda-http.ts';
import { logger, tellTally } from './log.ts';
import { clock } from './nature.ts';

/**
 * Makes a Lambda handler for an SQS batch. All records are handled at once; each one that throws goes back to
 * the queue alone. A record that cannot be read never will be: it goes the same way, to the dead letters.
 */
export function lambdaSqs<T>(
  parse: (body: unknown) => T,
  handle: (message: T, isRepeat: boolean) => Promise<void>,
) {
  const silent = { debug() {}, warn() {}, error() {} };
  const processor = new BatchProcessor(EventType.SQS, { logger: silent } as never);
  const handleRecord = async (record: SQSRecord) => {
    try {
      const isRepeat = Number(record.attributes.ApproximateReceiveCount) > 1;
      await handle(parse(JSON.parse(record.body)), isRepeat);
    } catch (error) {
      logger.error('message failed', { message_id: record.messageId, error: nameOf(error) });
      throw error;
    }
  };
  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const startedAt = clock.now();
    const options = { context, throwOnFullBatchFailure: false };
    const response = await processPartialResponse(event, handleRecord, processor, options);
    tellTally({ duration_ms: clock.now() - startedAt });
    return response;
  };
}
