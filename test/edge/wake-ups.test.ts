import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createWakeUps } from '../../functions/edge/wake-ups.ts';
import { pollMessage as aPollMessage } from '../cloud/jobs.ts';

const client = new SQSClient({ region: 'eu-central-1' });
const sqs = mockClient(client);
const queueUrls = {
  poll: 'https://poll',
  collect: 'https://collect',
  deliver: 'https://deliver',
  create: 'https://create',
};
const wakeUps = createWakeUps(client, queueUrls);

const pollMessage = aPollMessage(3);
const { wakeUp } = pollMessage;
const deliverMessage = { jobId: 'job_1', wakeUp, attempts: 2 };

beforeEach(() => {
  sqs.reset();
  sqs.on(SendMessageBatchCommand).resolves({});
});

describe('a wake-up is a delayed message', () => {
  it.each([
    ['poll', () => wakeUps.poll(pollMessage, 5), pollMessage],
    ['collect', () => wakeUps.collect(pollMessage, 5), pollMessage],
    ['deliver', () => wakeUps.deliver(deliverMessage, 5), deliverMessage],
  ])('for the %s queue', async (queue, send, message) => {
    await send();
    const Entries = [{ Id: '0', MessageBody: JSON.stringify({ format: 1, ...message }), DelaySeconds: 5 }];
    expect(sqs.commandCalls(SendMessageBatchCommand).map((call) => call.args[0].input)).toEqual([
      { QueueUrl: `https://${queue}`, Entries },
    ]);
  });

  it.each([0, 1, 900])('with a delay of %i s', async (delaySeconds) => {
    await wakeUps.poll(pollMessage, delaySeconds);
    expect(sqs.call(0).args[0].input).toMatchObject({ Entries: [{ DelaySeconds: delaySeconds }] });
  });
});

describe('what SQS would refuse is not sent', () => {
  it.each([901, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('a delay of %d s', async (delaySeconds) => {
    await expect(wakeUps.deliver(deliverMessage, delaySeconds)).rejects.toThrow('0 to 900 whole seconds');
    expect(sqs.calls().length).toBe(0);
  });
});

it('a chain of wake-ups that does not end is broken off', async () => {
  await wakeUps.poll({ ...pollMessage, wakeUp: { ...wakeUp, seq: 1_000_000 } }, 0);
  const endless = { ...pollMessage, wakeUp: { ...wakeUp, seq: 1_000_001 } };
  await expect(wakeUps.poll(endless, 0)).rejects.toThrow('loop');
  expect(sqs.calls().length).toBe(1);
});

it.each(['poll', 'collect', 'deliver'] as const)(
  'a function that does not know the %s queue cannot send to it',
  async (queue) => {
    const others = createWakeUps(client, { ...queueUrls, [queue]: null });
    await expect(others[queue]({ ...pollMessage, attempts: 0 }, 0)).rejects.toThrow('no such queue');
  },
);

it('a wake-up that was not sent throws', async () => {
  sqs.on(SendMessageBatchCommand).rejects(new Error('no network'));
  await expect(wakeUps.poll(pollMessage, 0)).rejects.toThrow('no network');
});

describe('messages that are sent at the same time', () => {
  const sendMany = (count: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, index) => wakeUps.poll(pollMessage, index)));
  const sent = () =>
    sqs.commandCalls(SendMessageBatchCommand).map((call) => call.args[0].input.Entries?.length);

  it.each([
    [1, [1]],
    [10, [10]],
    [23, [10, 10, 3]],
  ])('share requests: %i messages go in requests of %j', async (count, sizes) => {
    const outcomes = await sendMany(count);
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(sent()).toEqual(sizes);
  });

  it('wait only for those that the rest of the batch may still send', async () => {
    const batch = { lingerMillis: 60_000, underWay: 3 };
    const poller = createWakeUps(client, queueUrls, batch);
    const first = poller.poll(pollMessage, 1);
    await Promise.resolve();
    expect(sent()).toEqual([]);
    batch.underWay = 2;
    await Promise.all([first, poller.poll(pollMessage, 2)]);
    expect(sent()).toEqual([2]);
    batch.underWay = 1;
    await poller.poll(pollMessage, 3);
    expect(sent()).toEqual([2, 1]);
  });

  it('fail one by one', async () => {
    const Failed = [{ Id: '1', Code: 'InternalError', SenderFault: false }];
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [], Failed });
    const outcomes = await sendMany(3);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('do not share a request with messages to another queue', async () => {
    await Promise.all([wakeUps.poll(pollMessage, 0), wakeUps.deliver(deliverMessage, 0)]);
    expect(sent()).toEqual([1, 1]);
  });
});
