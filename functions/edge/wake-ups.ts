import { strict as assert } from 'node:assert';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Wake } from '../core/job.ts';
import { DELAY_MAX_SECONDS } from '../core/wait.ts';
import type { WakeUps } from '../ports.ts';

/** Null: a queue that the function has no business with. */
export interface QueueUrls {
  poll: string | null;
  collect: string | null;
  deliver: string | null;
}

/**
 * No schedule makes a chain of wake-ups this long: a week of polls a minute apart is half of it. As the
 * functions are exempt from Lambda's recursive-loop detection, this is what ends a loop, among the dead letters.
 */
const CHAIN_MAX = 20_000;

/** Wake-ups as delayed SQS messages. */
export function createWakeUps(client: SQSClient, queueUrls: QueueUrls): WakeUps {
  const send = async (queueUrl: string | null, message: { wake: Wake }, delaySeconds: number) => {
    assert(queueUrl, 'This function has no such queue');
    assert(message.wake.seq <= CHAIN_MAX, `A chain of more than ${CHAIN_MAX} wake-ups is a loop`);
    const isDelay = Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= DELAY_MAX_SECONDS;
    assert(isDelay, `SQS takes a delay of 0 to ${DELAY_MAX_SECONDS} whole seconds, not ${delaySeconds}`);
    const body = JSON.stringify(message);
    await client.send(
      new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, DelaySeconds: delaySeconds }),
    );
  };
  return {
    poll: (message, delaySeconds) => send(queueUrls.poll, message, delaySeconds),
    collect: (message, delaySeconds) => send(queueUrls.collect, message, delaySeconds),
    deliver: (message, delaySeconds) => send(queueUrls.deliver, message, delaySeconds),
  };
}
