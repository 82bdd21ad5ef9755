import { DeleteQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Webhook } from 'standardwebhooks';
import { expect, it, vi } from 'vitest';
import type { BusEvent } from '../../../tools/local/stack/event-buses.ts';
import { openBox, patience } from './scene.ts';
import { call, submission } from './system.ts';

const arnOf = (resource: string) => `arn:aws:${resource.replace(':', ':eu-central-1:123456789012:')}`;
const DESTINATIONS = [
  { name: 'orders', arn: arnOf('sqs:orders'), clients: ['first-app'] },
  { name: 'in-order', arn: arnOf('sqs:in-order.fifo'), clients: ['first-app'] },
  { name: 'bus', arn: arnOf('events:event-bus/jobs'), clients: ['first-app'] },
  { name: 'theirs', arn: arnOf('sqs:theirs'), clients: ['second-app'] },
];

it('an event comes to a queue, FIFO or not, or to a bus, once, as its job says; and one that is gone is told', {
  timeout: 200_000,
}, async (context) => {
  const { system, box } = await openBox(context, { env: { DESTINATIONS: JSON.stringify(DESTINATIONS) } });
  const events: BusEvent[] = [];
  const { eventBuses } = box.stack;
  const { onEvent } = eventBuses;
  eventBuses.onEvent = (event) => {
    events.push(event);
    onEvent(event);
  };
  const sqs = new SQSClient({
    region: 'us-east-1',
    endpoint: system.aws.sqs,
    credentials: { accessKeyId: 'a', secretAccessKey: 'a' },
  });
  context.onTestFinished(() => sqs.destroy());
  const urlOf = (name: string) => `${system.aws.sqs}/000000000000/${name}`;
  const messagesIn = async (name: string) => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: urlOf(name),
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
        WaitTimeSeconds: 0,
      }),
    );
    return Messages;
  };
  const post = (destination: string) =>
    call(system, 'POST', '/v1/jobs', { ...submission('sandbox-instant', 'hello'), destination });
  const settled = async (destination: string) => {
    const { status, json } = await post(destination);
    expect([status, json.webhook]).toMatchObject([202, { url: destination, status: 'pending' }]);
    return vi.waitFor(async () => {
      const job = await call(system, 'GET', `/v1/jobs/${json.job_id}`);
      expect(job.json.webhook.status).not.toBe('pending');
      return job.json;
    }, patience);
  };

  const [plain, inOrder, onBus] = await Promise.all(['orders', 'in-order', 'bus'].map(settled));
  for (const job of [plain, inOrder, onBus])
    expect(job.webhook).toMatchObject({ status: 'delivered', attempts: 1, last_status: null });

  const [message, ...others] = await messagesIn('orders');
  expect(others).toEqual([]);
  const attributes = Object.entries(message?.MessageAttributes ?? {});
  const headers = Object.fromEntries(attributes.map(([name, { StringValue = '' }]) => [name, StringValue]));
  const { webhook, ...data } = plain;
  const event = new Webhook(system.webhook_secrets[0]).verify(message?.Body ?? '', headers);
  expect(event).toMatchObject({ type: 'job.completed', data: { ...data, updated_at: expect.any(String) } });
  expect(headers['webhook-id']).toBe(webhook.id);

  const inGroup = await messagesIn('in-order.fifo');
  expect(inGroup.map(({ Attributes }) => Attributes)).toMatchObject([
    { MessageGroupId: 'first-app', MessageDeduplicationId: `${inOrder.webhook.id}.0` },
  ]);

  expect(events).toMatchObject([
    { Source: 'modelstudio-jobs', DetailType: 'job.completed', Resources: [onBus.webhook.id] },
  ]);
  expect(JSON.parse(events[0]?.Detail ?? '').data.job_id).toBe(onBus.job_id);
  const feed = await fetch(`${system.console_url}events`);
  const { value: shown } = (await feed.body?.getReader().read()) ?? {};
  expect(Buffer.from(shown ?? []).toString()).toContain('"verified":null');

  const refusals = await Promise.all(['theirs', 'unknown'].map(post));
  expect(refusals.map(({ status }) => status)).toEqual([400, 400]);
  const [theirs, unknown] = refusals.map(({ json: { request_id, ...problem } }) => problem);
  expect(theirs).toEqual(unknown);

  await sqs.send(new DeleteQueueCommand({ QueueUrl: urlOf('orders') }));
  const gone = await settled('orders');
  expect(gone.webhook.status).toBe('blocked');
  const { json } = await call(system, 'GET', `/v1/jobs/${gone.job_id}/deliveries`);
  expect(json.deliveries).toMatchObject([{ attempt: 1, status: null, error: 'gone' }]);
});
