import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { assert } from '../core/assert.ts';
import { FIRST_FORMAT } from '../core/format.ts';
import type { WakeUp } from '../core/job.ts';
import { DELAY_MAX_SECONDS } from '../core/sqs-delay.ts';
import type { WakeUps } from '../ports.ts';

/** Null for a queue that the function must not send to. */
type QueueUrls = Record<keyof WakeUps, string | null>;

/**
 * No job's chain is this long: a week of polls a minute apart is a fiftieth of it, and 21 rounds of deliveries, each held every half
 * a minute to its end, are half. As the functions are exempt from Lambda's detection of loops, this ends one, in the dead-letter
 * queue. The queue's own chain is held to one pass at a time by its lease.
 */
const CHAIN_MAX = 1_000_000;
const BATCH_MAX = 10;

interface Waiting {
  body: string;
  delaySeconds: number;
  resolve(): void;
  reject(error: Error): void;
}

/** The messages that an invocation handles, and how long those that are sent wait for others of the batch. */
export interface Batch {
  readonly lingerMillis: number;
  underWay: number;
}

/** Delayed SQS messages. Those of one batch share a request, at a tenth of the cost. */
export function createWakeUps(
  client: SQSClient,
  queueUrls: QueueUrls,
  batch: Batch = { lingerMillis: 0, underWay: BATCH_MAX },
): WakeUps {
  const waiting = new Map<string, Waiting[]>();

  async function flush(queueUrl: string): Promise<void> {
    const messages = waiting.get(queueUrl)?.splice(0, BATCH_MAX) ?? [];
    if (messages.length === 0) return;
    const Entries = messages.map(({ body, delaySeconds }, index) => ({
      Id: String(index),
      MessageBody: body,
      DelaySeconds: delaySeconds,
    }));
    try {
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      for (const { Id, Code } of Failed)
        messages[Number(Id)]?.reject(new Error(`SQS refused a message: ${Code}`));
      for (const { resolve } of messages) resolve();
    } catch (error) {
      for (const { reject } of messages) reject(error as Error);
    }
  }

  const to = (queueUrl: string | null) => async (message: { wakeUp: WakeUp }, delaySeconds: number) => {
    assert(queueUrl, 'This function has no such queue');
    const isLoop = 'jobId' in message && message.wakeUp.seq > CHAIN_MAX;
    assert(!isLoop, `A chain of more than ${CHAIN_MAX} wake-ups is a loop`);
    const isDelay = Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= DELAY_MAX_SECONDS;
    assert(isDelay, `SQS takes a delay of 0 to ${DELAY_MAX_SECONDS} whole seconds, not ${delaySeconds}`);
    return new Promise<void>((resolve, reject) => {
      const messages = waiting.get(queueUrl) ?? [];
      waiting.set(queueUrl, messages);
      const body = JSON.stringify({ format: FIRST_FORMAT, ...message });
      messages.push({ body, delaySeconds, resolve, reject });
      // Nobody else is left who could send one.
      if (messages.length >= Math.min(BATCH_MAX, batch.underWay)) void flush(queueUrl);
      else if (messages.length === 1) setTimeout(() => void flush(queueUrl), batch.lingerMillis);
    });
  };
  return {
    poll: to(queueUrls.poll),
    collect: to(queueUrls.collect),
    deliver: to(queueUrls.deliver),
    create: to(queueUrls.create),
  };
}
