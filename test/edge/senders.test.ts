import { DescribeEventBusCommand, EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { FinishedJob, PendingJob } from '../../functions/core/job.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { withDestinations } from '../../functions/edge/destinations.ts';
import { createSendTo } from '../../functions/edge/queues-and-buses.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import { redeliver } from '../../functions/jobs/redeliver.ts';
import { finishedJob, NOW, pendingWebhook, wakeUp } from '../cloud/jobs.ts';
import { UNWATCHED } from '../cloud/ports.ts';
import { fakeWorld } from '../cloud/world.ts';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const EVENT = '{"type":"job.completed","data":{"results":["héllo 😀"],"n":1.0}}';
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const arnOf = (resource: string) => `arn:aws:${resource.replace(':', ':eu-central-1:123456789012:')}`;

const sqs = mockClient(SQSClient);
const eventBridge = mockClient(EventBridgeClient);
let answers: HttpOutcome[] = [];
let posts: { id: string; body: string }[] = [];

interface Received {
  id: string | undefined;
  body: string | undefined;
}

/** A way to send, and how its other end is made to behave. */
interface Sender {
  target: { url: string; destination?: true };
  /** What the other end says to one attempt after the other; to further ones it says the last. */
  says(...words: Word[]): void;
  received(): Received[];
}

type Word = 'yes' | 'throttled' | 'gone' | 'denied' | 'unavailable';

const answered = (status: number): HttpOutcome => ({
  kind: 'answered',
  status,
  headers: {},
  body: Buffer.alloc(0),
  isTruncated: false,
});
const failure = (name: string) => Object.assign(new Error(name), { name });

const HTTP: Record<Word, HttpOutcome> = {
  yes: answered(204),
  throttled: answered(429),
  gone: answered(410),
  denied: { kind: 'not_connected', code: 'ERR_IP_BLOCKED' },
  unavailable: answered(500),
};
const SQS: Record<Word, Error | object> = {
  yes: { MessageId: 'm' },
  throttled: failure('RequestThrottled'),
  gone: failure('QueueDoesNotExist'),
  denied: failure('KmsAccessDenied'),
  unavailable: failure('InternalError'),
};
const BUS: Record<Word, Error | object> = {
  yes: { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] },
  throttled: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] },
  // It says so of a bus that is not there, too.
  gone: { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] },
  denied: failure('AccessDeniedException'),
  unavailable: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] },
};

const queue = (name: string): Sender => ({
  target: { url: name, destination: true },
  says(...words) {
    const send = sqs.on(SendMessageCommand);
    for (const [at, word] of words.entries()) {
      const [said, isLast] = [SQS[word], at === words.length - 1];
      if (said instanceof Error) isLast ? send.rejects(said) : send.rejectsOnce(said);
      else isLast ? send.resolves(said) : send.resolvesOnce(said);
    }
  },
  received: () =>
    sqs.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => ({
      id: input.MessageAttributes?.['webhook-id']?.StringValue,
      body: input.MessageBody,
    })),
});

const SENDERS: Record<string, Sender> = {
  'a URL': {
    target: { url: 'https://hooks.example.com/h' },
    says: (...words) => {
      answers = words.map((word) => HTTP[word]);
    },
    received: () => posts,
  },
  'a queue': queue('orders'),
  'a FIFO queue': queue('in-order'),
  'a bus': {
    target: { url: 'bus', destination: true },
    says(...words) {
      const put = eventBridge.on(PutEventsCommand);
      const look = eventBridge.on(DescribeEventBusCommand);
      look.resolves({});
      if (words.includes('gone')) look.rejects(failure('ResourceNotFoundException'));
      for (const [at, word] of words.entries()) {
        const [said, isLast] = [BUS[word], at === words.length - 1];
        if (said instanceof Error) isLast ? put.rejects(said) : put.rejectsOnce(said);
        else isLast ? put.resolves(said) : put.resolvesOnce(said);
      }
    },
    received: () =>
      eventBridge
        .commandCalls(PutEventsCommand)
        .flatMap(({ args: [{ input }] }) => input.Entries ?? [])
        .map(({ Resources, Detail }) => ({ id: Resources?.[0], body: Detail })),
  },
};

const DESTINATIONS = [
  { name: 'orders', arn: arnOf('sqs:orders'), clients: ['acme'] },
  { name: 'in-order', arn: arnOf('sqs:in-order.fifo'), clients: ['acme', 'Ä & Co'] },
  { name: 'bus', arn: arnOf('events:event-bus/jobs'), clients: ['acme'] },
];

beforeEach(() => {
  sqs.reset();
  eventBridge.reset();
  posts = [];
});

function worldOf(target: Sender['target'], client = 'acme') {
  const world = fakeWorld({ exchanges: [] });
  const job = finishedJob({
    client,
    webhook: pendingWebhook({ ...target, expectedWakeUp: wakeUp(1) }),
  } as Partial<FinishedJob>);
  world.jobs.rows.set('job_1', job);
  world.documents.contents.set(job.event.key, EVENT);
  const credentialsOf = async () => ({ secrets: [SECRET], headers: {} });
  const urls = createWebhooks({
    rules: world.settings.webhookRules,
    lanes: UNWATCHED,
    credentialsOf,
    clock: world.clock,
    async exchange({ headers, body = '' }) {
      posts.push({ id: headers['webhook-id'] ?? '', body });
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? answered(500);
    },
  });
  const webhooks = withDestinations(urls, DESTINATIONS, async () => createSendTo(credentialsOf, world.clock));
  const webhook = () => (world.jobs.rows.get('job_1') as PendingJob).webhook;
  return { ...world, webhooks, webhook };
}

/** Makes every attempt until the webhook is settled. */
async function attemptAll(world: ReturnType<typeof worldOf>, first: DeliverMessage): Promise<void> {
  for (let message: DeliverMessage | undefined = first; message; ) {
    const sent = world.wakeUps.sent.length;
    world.clock.time = Math.max(world.clock.time, message.wakeUp.dueAt);
    await deliver(message, world);
    message = world.wakeUps.sent.slice(sent).at(-1)?.message as DeliverMessage | undefined;
  }
}

const FIRST: DeliverMessage = { jobId: 'job_1', wakeUp: wakeUp(1), attempts: 0 };
const asked = (body: string) => ({
  method: 'POST',
  path: '/v1/jobs/job_1/redeliver',
  query: '',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(body),
  requestId: 'r1',
});
const call = { operation: 'redeliver', jobId: 'job_1', client: 'acme' } as const;

describe.each(Object.entries(SENDERS))('%s', (name, { target, says, received }) => {
  const isUrl = name === 'a URL';
  const whole = { id: 'msg_1', body: EVENT };
  const errorsIn = ({ webhook }: ReturnType<typeof worldOf>) => webhook().log.map(({ error }) => error);

  it('gets an event once, byte for byte', async () => {
    const world = worldOf(target);
    says('yes');
    await attemptAll(world, FIRST);
    expect(received()).toEqual([whole]);
    const status = isUrl ? 204 : null;
    expect(world.webhook()).toMatchObject({
      status: 'delivered',
      attempts: 1,
      log: [{ status, error: null }],
    });
  });

  it.each(['throttled', 'unavailable'] as const)('gets it later if it is %s at first', async (word) => {
    const world = worldOf(target);
    says(word, 'yes');
    await attemptAll(world, FIRST);
    expect(world.webhook()).toMatchObject({ status: 'delivered', attempts: 2 });
    if (!isUrl) expect(errorsIn(world)).toEqual([word, null]);
    expect(received()).toEqual([whole, whole]);
  });

  it('gets as many attempts as the schedule has, then it is exhausted', async () => {
    const world = worldOf(target);
    says('throttled');
    await attemptAll(world, FIRST);
    expect(world.webhook()).toMatchObject({ status: 'exhausted', attempts: 4 });
    expect(received()).toHaveLength(4);
  });

  it('gets no second attempt once it is gone', async () => {
    const world = worldOf(target);
    says('gone');
    await attemptAll(world, FIRST);
    expect(world.webhook()).toMatchObject({ status: isUrl ? 'gone' : 'blocked', attempts: 1 });
    if (!isUrl) expect(errorsIn(world)).toEqual(['gone']);
  });

  it('gets no second attempt if it may not be called', async () => {
    const world = worldOf(target);
    says('denied');
    await attemptAll(world, FIRST);
    expect(world.webhook()).toMatchObject({ status: 'blocked', attempts: 1 });
    expect(errorsIn(world)).toEqual([isUrl ? 'blocked' : 'denied']);
    expect(world.metrics).toMatchObject({ WebhooksBlocked: 1, WebhookFailures: 1 });
  });

  it('gets the same event again when it is redelivered', async () => {
    const world = worldOf(target);
    says('yes');
    await attemptAll(world, FIRST);
    expect((await redeliver(asked(''), call, world)).status).toBe(202);
    await attemptAll(world, world.wakeUps.sent.at(-1)?.message as DeliverMessage);
    expect(received()).toEqual([whole, whole]);
    expect(world.webhook()).toMatchObject({ status: 'delivered', attempts: 2 });
  });
});

it('a message has the headers of a webhook, whose signature verifies', async () => {
  const world = worldOf({ url: 'orders', destination: true });
  world.clock.time = Date.now();
  SENDERS['a queue']?.says('yes');
  await world.webhooks.send(
    { id: 'msg_1', client: 'acme', url: 'orders', destination: true, traceparent: TRACEPARENT },
    EVENT,
  );
  const [{ input } = { input: {} as never }] = sqs
    .commandCalls(SendMessageCommand)
    .map(({ args }) => args[0]);
  const attributes = Object.entries(input.MessageAttributes ?? {});
  expect(input).toEqual({
    QueueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/orders',
    MessageBody: EVENT,
    MessageAttributes: {
      traceparent: { DataType: 'String', StringValue: TRACEPARENT },
      'webhook-id': { DataType: 'String', StringValue: 'msg_1' },
      'webhook-timestamp': { DataType: 'String', StringValue: String(Math.floor(world.clock.time / 1000)) },
      'webhook-signature': { DataType: 'String', StringValue: expect.stringMatching(/^v1,/) },
    },
  });
  const headers = Object.fromEntries(attributes.map(([name, { StringValue = '' }]) => [name, StringValue]));
  expect(new Webhook(SECRET).verify(EVENT, headers)).toEqual(JSON.parse(EVENT));
});

describe('in a FIFO queue', () => {
  const orderOf = () =>
    sqs
      .commandCalls(SendMessageCommand)
      .map(({ args: [{ input }] }) => [input.MessageGroupId, input.MessageDeduplicationId]);
  const target = { url: 'in-order', destination: true } as const;

  it('an attempt is a repeat of those of its round, and each round is new', async () => {
    const world = worldOf(target);
    SENDERS['a FIFO queue']?.says('unavailable', 'yes');
    await attemptAll(world, FIRST);
    await redeliver(asked(''), call, world);
    await attemptAll(world, world.wakeUps.sent.at(-1)?.message as DeliverMessage);
    expect(orderOf()).toEqual([
      ['acme', 'msg_1.0'],
      ['acme', 'msg_1.0'],
      ['acme', 'msg_1.1'],
    ]);
  });

  it('the group of a client whose name SQS does not take is made from it', async () => {
    SENDERS['a FIFO queue']?.says('yes');
    await deliver(FIRST, worldOf(target, 'Ä & Co'));
    expect(orderOf()).toEqual([[expect.stringMatching(/^[0-9a-f]{64}$/), 'msg_1.0']]);
  });
});

describe('on a bus', () => {
  const target = { url: 'bus', destination: true } as const;
  const looks = () => eventBridge.commandCalls(DescribeEventBusCommand).length;

  it('an event has a source and the type of the webhook', async () => {
    SENDERS['a bus']?.says('yes');
    await deliver(FIRST, worldOf(target));
    expect(eventBridge.commandCalls(PutEventsCommand)[0]?.args[0].input).toEqual({
      Entries: [
        {
          Source: 'modelstudio-jobs',
          DetailType: 'job.completed',
          Detail: EVENT,
          Resources: ['msg_1'],
          EventBusName: arnOf('events:event-bus/jobs'),
          TraceHeader: expect.stringMatching(
            /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1$/,
          ),
        },
      ],
    });
  });

  it('it is looked at once a minute, as PutEvents says success for one that does not exist', async () => {
    SENDERS['a bus']?.says('yes');
    const world = worldOf(target);
    const send = () =>
      world.webhooks.send({ id: 'msg_1', client: 'acme', ...target, traceparent: TRACEPARENT }, EVENT);
    for (const seconds of [0, 30, 59]) {
      world.clock.time = NOW + 1000 * seconds;
      expect(await send()).toEqual({ kind: 'accepted' });
    }
    expect(looks()).toBe(1);
    world.clock.time = NOW + 60_000;
    eventBridge.on(DescribeEventBusCommand).rejects(failure('ResourceNotFoundException'));
    for (const _ of [1, 2]) expect(await send()).toEqual({ kind: 'blocked', error: 'gone' });
    expect(looks()).toBe(3);
  });

  it('one that may not be looked at says itself what it refuses', async () => {
    SENDERS['a bus']?.says('yes');
    eventBridge.on(DescribeEventBusCommand).rejects(failure('AccessDeniedException'));
    const { webhooks } = worldOf(target);
    expect(
      await webhooks.send({ id: 'm', client: 'acme', ...target, traceparent: TRACEPARENT }, EVENT),
    ).toEqual({ kind: 'accepted' });
  });
});

it.each([
  ['is set up no longer', 'another', 'acme', 'gone'],
  ["is no longer the client's", 'orders', 'other', 'denied'],
])('a destination that %s gets nothing', async (_what, url, client, error) => {
  const { webhooks } = worldOf({ url, destination: true });
  expect(
    await webhooks.send({ id: 'm', client, url, destination: true, traceparent: TRACEPARENT }, EVENT),
  ).toEqual({
    kind: 'blocked',
    error,
  });
  expect(sqs.calls()).toEqual([]);
});

it('a secret that cannot be read is a fault of ours, and no attempt', async () => {
  const credentialsOf = () => Promise.reject(new Error('no secret'));
  const sendTo = createSendTo(credentialsOf, { now: () => NOW });
  const delivery = {
    id: 'm',
    client: 'acme',
    url: 'orders',
    destination: true,
    traceparent: TRACEPARENT,
  } as const;
  await expect(sendTo(arnOf('sqs:orders'), delivery, EVENT)).rejects.toThrow('no secret');
  expect(sqs.calls()).toEqual([]);
});
