import { connect } from 'node:net';
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings } from '../../local/stack/clients.ts';
import { type Emulators, startEmulators } from '../../local/stack/emulators.ts';

let emulators: Emulators;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;
let s3: S3Client;

beforeAll(async () => {
  emulators = await startEmulators();
  const { endpoints } = emulators;
  sqs = new SQSClient({ ...clientSettings(endpoints.sqs), maxAttempts: 1 });
  dynamodb = new DynamoDBClient(clientSettings(endpoints.dynamodb));
  s3 = new S3Client(clientSettings(endpoints.s3));
});

afterAll(async () => {
  for (const client of [sqs, dynamodb, s3]) client.destroy();
  await emulators.close();
});

describe('the queues', () => {
  it('are named by URLs that a client can call', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'orders' }));
    expect(QueueUrl).toBe(`${emulators.endpoints.sqs}/000000000000/orders`);
    expect(await sqs.send(new GetQueueUrlCommand({ QueueName: 'orders' }))).toMatchObject({ QueueUrl });
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toContain(QueueUrl);
  });

  it('refuse a delay that SQS would refuse', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'delays' }));
    const refused = { name: 'InvalidParameterValue', message: expect.stringContaining('DelaySeconds') };
    const message = { QueueUrl, MessageBody: 'x' };
    await sqs.send(new SendMessageCommand({ ...message, DelaySeconds: 900 }));
    await expect(sqs.send(new SendMessageCommand({ ...message, DelaySeconds: 901 }))).rejects.toMatchObject(
      refused,
    );
    const Entries = [{ Id: '1', MessageBody: 'x', DelaySeconds: 901 }];
    await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject(refused);
  });
});

describe('the buckets', () => {
  it('keep what they are given', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    const place = { Bucket: 'bucket', Key: 'a/b c' };
    const Body = JSON.stringify({ DelaySeconds: 901 });
    await s3.send(new PutObjectCommand({ ...place, Body, ContentType: 'application/json' }));
    expect(await (await s3.send(new GetObjectCommand(place))).Body?.transformToString()).toBe(Body);
  });

  it('take an object of 20 MiB', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'large' }));
    const place = { Bucket: 'large', Key: 'object' };
    await s3.send(new PutObjectCommand({ ...place, Body: Buffer.alloc(20 * 1024 * 1024) }));
    expect((await s3.send(new HeadObjectCommand(place))).ContentLength).toBe(20 * 1024 * 1024);
  });
});

describe('the tables', () => {
  it('survive a client that hangs up in the middle of its request', async () => {
    const { port } = new URL(emulators.endpoints.dynamodb);
    const head = [
      'POST / HTTP/1.1',
      'host: x',
      'content-length: 100',
      'content-type: application/x-amz-json-1.0',
      '',
      '{',
    ];
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write(head.join('\r\n'), () => socket.destroy()),
      );
      socket.once('close', () => resolve());
    });
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'table',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    expect((await dynamodb.send(new ListTablesCommand({}))).TableNames).toEqual(['table']);
  });
});
