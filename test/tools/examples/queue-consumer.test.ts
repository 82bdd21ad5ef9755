import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mockClient } from 'aws-sdk-client-mock';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConsumerStack } from '../../../examples/queue-consumer/stack.ts';

const SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const OTHER = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SENT_AT = Date.UTC(2026, 0, 1);
const BODY = '{"type":"job.completed","data":{"job_id":"job_1"}}';

const dynamodb = mockClient(DynamoDBClient);
const repeat = Object.assign(new Error(), { name: 'ConditionalCheckFailedException' });

async function handle(records: object[], secret: string) {
  vi.resetModules();
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('INBOX_TABLE', 'inbox');
  vi.stubEnv('WEBHOOK_SECRET', secret);
  const file = '../../../examples/queue-consumer/index.mjs';
  const { handler } = await import(file);
  return handler({ Records: records });
}

function record(id: string, changes: { body?: string; secret?: string; lateSeconds?: number } = {}) {
  const { body = BODY, secret = SECRET, lateSeconds = 0 } = changes;
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(SENT_AT / 1000),
    // In a rotation, there are two.
    'webhook-signature': `v1,AAAA ${new Webhook(secret).sign(id, new Date(SENT_AT), BODY)}`,
  };
  const messageAttributes = Object.fromEntries(
    Object.entries(headers).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
  );
  const attributes = { SentTimestamp: String(SENT_AT + 1000 * lateSeconds) };
  return { messageId: `message of ${id}`, body, messageAttributes, attributes };
}

const stored = () =>
  dynamodb.commandCalls(PutItemCommand).map(({ args: [{ input }] }) => input.Item?.['webhook_id']?.S);
const failing = (...ids: string[]) => ({
  batchItemFailures: ids.map((id) => ({ itemIdentifier: `message of ${id}` })),
});

beforeEach(() => {
  dynamodb.reset();
  dynamodb.on(PutItemCommand).resolves({});
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('the consumer of a queue', () => {
  it('stores what is signed, and leaves all else in the queue', async () => {
    const records = [
      record('a'),
      record('forged', { secret: OTHER }),
      record('changed', { body: '{}' }),
      record('old', { lateSeconds: 301 }),
      record('b', { lateSeconds: 299 }),
    ];
    expect(await handle(records, SECRET)).toEqual(failing('forged', 'changed', 'old'));
    expect(stored()).toEqual(['a', 'b']);
  });

  it('without a secret trusts those who may send to the queue', async () => {
    expect(await handle([record('a', { secret: OTHER })], '')).toEqual(failing());
    expect(stored()).toEqual(['a']);
  });

  it('drops a repeat, and keeps in the queue what could not be stored', async () => {
    dynamodb.on(PutItemCommand, { Item: { webhook_id: { S: 'again' } } } as never).rejects(repeat);
    dynamodb.on(PutItemCommand).rejectsOnce(repeat).rejectsOnce(new Error('out of reach')).resolves({});
    expect(await handle([record('again'), record('lost'), record('new')], SECRET)).toEqual(failing('lost'));
  });
});

it('the stack of the consumer synthesizes, and lets the one role of another account send that it is told', () => {
  const deliverRoleArn = 'arn:aws:iam::123456789012:role/deliver';
  const stack = new ConsumerStack(new App({ context: { deliverRoleArn } }), 'Consumer');
  const { Resources } = Template.fromStack(stack).toJSON();
  const statements = Object.values<{
    Properties: { PolicyDocument?: { Statement: { Principal: object }[] } };
  }>(Resources).flatMap(({ Properties }) => Properties.PolicyDocument?.Statement ?? []);
  const senders = statements.filter((statement) => JSON.stringify(statement).includes('sqs:SendMessage'));
  expect(senders).toMatchObject([{ Effect: 'Allow', Principal: { AWS: deliverRoleArn } }]);
});
