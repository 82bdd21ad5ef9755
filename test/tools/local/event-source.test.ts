import { randomUUID } from 'node:crypto';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { type Emulators, startEmulators } from '../../../tools/local/stack/emulators.ts';
import { EventSource, type EventSourceSettings } from '../../../tools/local/stack/event-source.ts';
import { eventually } from './fixtures.ts';

let emulators: Emulators;
let sqs: SQSClient;
const consumers: Consumer[] = [];

beforeAll(async () => {
  emulators = await startEmulators();
  sqs = new SQSClient(clientSettings(emulators.endpoints.sqs));
});

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  sqs.destroy();
  await emulators.close();
});

interface Queue {
  url: string;
  arn: string;
  send(body: string, options?: object): Promise<void>;
  /** Of every message: waiting, delayed, or received and not yet deleted. */
  count(): Promise<number>;
}

async function createQueue(attributes: Record<string, string> = {}): Promise<Queue> {
  const name = `queue-${randomUUID()}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  return {
    url: QueueUrl as string,
    arn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
    send: async (MessageBody, options) => {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...options }));
    },
    count: async () => {
      const AttributeNames = [...counts, 'ApproximateNumberOfMessagesDelayed' as const];
      const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    },
  };
}

interface Consumer {
  batches: SQSRecord[][];
  /** Receive counts by body, as they came. */
  receives: Record<string, number[]>;
  /** Resolves once the last answer has had its effect. */
  stop(): Promise<void>;
}

function consume(
  queue: Queue,
  answer: (records: SQSRecord[]) => unknown,
  settings: Partial<EventSourceSettings> = {},
): Consumer {
  const consumer: Consumer = {
    batches: [],
    receives: {},
    stop: () => {
      eventSource.stop();
      return eventSource.closed();
    },
  };
  const eventSource = new EventSource(
    sqs,
    {
      queueUrl: queue.url,
      queueArn: queue.arn,
      batchSize: 10,
      batchingWindowSeconds: 0,
      reportsBatchItemFailures: true,
      maxConcurrency: 2,
      ...settings,
    },
    async ({ Records }) => {
      consumer.batches.push(Records);
      for (const { body, attributes } of Records) {
        consumer.receives[body] = [
          ...(consumer.receives[body] ?? []),
          Number(attributes.ApproximateReceiveCount),
        ];
      }
      return answer(Records);
    },
  );
  consumers.push(consumer);
  return consumer;
}

const failuresOf = (...bodies: string[]) => ({
  of: (records: SQSRecord[]) => ({
    batchItemFailures: records
      .filter(({ body }) => bodies.includes(body))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  }),
});

// Most of the time is spent waiting for one-second timeouts of SQS.
describe.concurrent('an event source', () => {
  it('hands over records in the shape that Lambda gives them, and deletes them', async () => {
    const queue = await createQueue();
    const consumer = consume(queue, () => null);
    await queue.send('{"a":1}', {
      MessageAttributes: {
        text: { DataType: 'String', StringValue: 'x' },
        bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([255, 0]) },
      },
    });
    await eventually(async () => expect([consumer.batches.length, await queue.count()]).toEqual([1, 0]));
    expect(consumer.batches[0]).toEqual([
      {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receiptHandle: expect.any(String),
        body: '{"a":1}',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
          SenderId: expect.any(String),
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        },
        messageAttributes: {
          text: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' },
          bytes: { binaryValue: '/wA=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
        },
        md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
        md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventSource: 'aws:sqs',
        eventSourceARN: queue.arn,
        awsRegion: 'us-east-1',
      },
    ]);
  });

  it('leaves messages that a function reports as failed to the visibility timeout', async () => {
    const queue = await createQueue({ VisibilityTimeout: '1' });
    for (const body of ['good', 'bad', 'fine']) await queue.send(body);
    let attempts = 0;
    const consumer = consume(queue, (records) => {
      attempts += records.some(({ body }) => body === 'bad') ? 1 : 0;
      return attempts < 2 ? failuresOf('bad').of(records) : { batchItemFailures: [] };
    });
    await eventually(async () => expect(await queue.count()).toBe(0));
    expect(consumer.receives).toEqual({ good: [1], fine: [1], bad: [1, 2] });
  });

  it('sends a message to the dead-letter queue after its last receive', async () => {
    const deadLetters = await createQueue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: 2 });
    const queue = await createQueue({ VisibilityTimeout: '1', RedrivePolicy });
    const consumer = consume(queue, failuresOf('poison').of);
    await queue.send('poison');
    await eventually(async () => expect([await queue.count(), await deadLetters.count()]).toEqual([0, 1]));
    expect(consumer.receives).toEqual({ poison: [1, 2] });
  });

  it('hands over a delayed message once its delay is over', async () => {
    const queue = await createQueue();
    const consumer = consume(queue, () => null);
    const sentAt = Date.now();
    await queue.send('later', { DelaySeconds: 1 });
    await eventually(() => expect(consumer.batches.length).toBe(1));
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1_000);
  });

  it('collects a batch until it is full or the window closes', async () => {
    const queue = await createQueue();
    const consumer = consume(queue, () => null, { batchSize: 3, batchingWindowSeconds: 1 });
    for (const body of ['1', '2', '3', '4']) await queue.send(body);
    await eventually(async () => expect(await queue.count()).toBe(0));
    const sizes = consumer.batches.map(({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
    expect(sizes.length).toBe(2);
  });

  it('invokes no more at once than the limit allows', async () => {
    const queue = await createQueue();
    for (let sent = 0; sent < 12; sent += 1) await queue.send(`message ${sent}`);
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const holdUntilOpen = async () => {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      running -= 1;
    };
    consume(queue, holdUntilOpen, { batchSize: 1, maxConcurrency: 3 });
    await eventually(() => expect(running).toBe(3));
    gate.resolve();
    await eventually(async () => expect(await queue.count()).toBe(0));
    expect(most).toBe(3);
  });

  it.each<[string, boolean, (records: SQSRecord[]) => unknown, 'deleted' | 'kept']>([
    ['nothing', true, () => undefined, 'deleted'],
    ['an empty object', true, () => ({}), 'deleted'],
    ['an empty list', true, () => ({ batchItemFailures: [] }), 'deleted'],
    ['a null list', true, () => ({ batchItemFailures: null }), 'deleted'],
    ['failures that nobody asked for', false, failuresOf('message').of, 'deleted'],
    ['an unknown identifier', true, () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }), 'kept'],
    ['an empty identifier', true, () => ({ batchItemFailures: [{ itemIdentifier: '' }] }), 'kept'],
    ['a wrong key', true, (all) => ({ batchItemFailures: [{ id: all[0]?.messageId }] }), 'kept'],
    ['something else than a list', true, () => ({ batchItemFailures: 'all' }), 'kept'],
    ['an error', true, () => Promise.reject(new Error('failed')), 'kept'],
  ])('answered with %s', async (_name, reportsBatchItemFailures, answer, outcome) => {
    const queue = await createQueue();
    const consumer = consume(queue, answer, { reportsBatchItemFailures });
    await queue.send('message');
    await eventually(() => expect(consumer.batches.length).toBe(1));
    await consumer.stop();
    expect(await queue.count()).toBe(outcome === 'deleted' ? 0 : 1);
  });
});

describe('the event source, when it stops,', () => {
  it('ends a long poll at once', async () => {
    const queue = await createQueue();
    const consumer = consume(queue, () => null);
    await queue.send('message');
    await eventually(async () => expect([consumer.batches.length, await queue.count()]).toEqual([1, 0]));
    const stoppedAt = performance.now();
    await consumer.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
  });
});
