import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
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
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { type Emulators, startEmulators } from '../../../tools/local/stack/emulators.ts';

let emulators: Emulators;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;
let s3: S3Client;

beforeAll(async () => {
  emulators = await startEmulators();
  const { endpoints } = emulators;
  sqs = new SQSClient({ ...clientSettings(endpoints.sqs), maxAttempts: 1 });
  dynamodb = new DynamoDBClient(clientSettings(endpoints.dynamodb));
  s3 = new S3Client({ ...clientSettings(endpoints.s3), forcePathStyle: true });
});

afterAll(async () => {
  for (const client of [sqs, dynamodb, s3]) client.destroy();
  await emulators.close();
});

/** SQS puts its own name before some of its codes. */
const endingIn = (code: string) => expect.stringMatching(new RegExp(`(^|\\.)${code}$`));

describe('the queues', () => {
  it('are named by URLs that a client can call', async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'orders' }));
    expect(QueueUrl).toBe(`${emulators.endpoints.sqs}/000000000000/orders`);
    expect(await sqs.send(new GetQueueUrlCommand({ QueueName: 'orders' }))).toMatchObject({ QueueUrl });
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toContain(QueueUrl);
  });

  const MIB = 1024 * 1024;
  const attribute = { DataType: 'String', StringValue: 'x' };
  const attributes = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name-${index}`, attribute]));
  const message = (more: object) => ({ Id: '1', MessageBody: 'x', ...more });
  const named = (name: string) => ({ MessageAttributes: { [name]: attribute } });

  it.each<[string, object]>([
    ['a delay of 900 s', { DelaySeconds: 900 }],
    ['characters beyond U+FFFF', { MessageBody: '😀 \u{10FFFF}' }],
    ['1 MiB', { MessageBody: 'x'.repeat(MIB) }],
    ['ten attributes', { MessageAttributes: attributes(10) }],
    [
      'an attribute of a type of its own',
      { MessageAttributes: { a: { ...attribute, DataType: 'Number.int' } } },
    ],
    ['a group', { MessageGroupId: 'client-1' }],
  ])('accept %s, alone or in a batch', async (_name, more) => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'takes' }));
    const { Id: _, ...alone } = message(more);
    await sqs.send(new SendMessageCommand({ QueueUrl, ...alone }));
    const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [message(more)] }));
    expect(sent.Failed).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['a delay of 901 s', 'InvalidParameterValue', { DelaySeconds: 901 }],
    ['a delay of less than nothing', 'InvalidParameterValue', { DelaySeconds: -1 }],
    ['a delay of half a second', 'InvalidParameterValue', { DelaySeconds: 0.5 }],
    ['more than 1 MiB', 'InvalidParameterValue', { MessageBody: 'x'.repeat(MIB + 1) }],
    ['1 MiB and an attribute', 'InvalidParameterValue', { MessageBody: 'x'.repeat(MIB), ...named('a') }],
    ['characters that XML does not have', 'InvalidMessageContents', { MessageBody: 'x\u0000' }],
    ['a character that is none', 'InvalidMessageContents', { MessageBody: 'x\uFFFE' }],
    ['an empty body', 'MissingParameter', { MessageBody: '' }],
    ['eleven attributes', 'InvalidParameterValue', { MessageAttributes: attributes(11) }],
    ['an attribute of AWS', 'InvalidParameterValue', named('AWS.trace')],
    ['an attribute that begins with a dot', 'InvalidParameterValue', named('.a')],
    ['an attribute that ends with a dot', 'InvalidParameterValue', named('a.')],
    ['an attribute with two dots', 'InvalidParameterValue', named('a..b')],
    ['an attribute with a blank', 'InvalidParameterValue', named('a b')],
    [
      'an attribute of an unknown type',
      'InvalidParameterValue',
      { MessageAttributes: { a: { ...attribute, DataType: 'Boolean' } } },
    ],
    [
      'an empty attribute',
      'InvalidParameterValue',
      { MessageAttributes: { a: { ...attribute, StringValue: '' } } },
    ],
    ['a group with a blank', 'InvalidParameterValue', { MessageGroupId: 'a b' }],
    ['a deduplication id', 'InvalidParameterValue', { MessageDeduplicationId: 'a' }],
  ])('refuse a message with %s, alone or in a batch: %s', async (_name, code, more) => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'refuses' }));
    const { Id: _, ...alone } = message(more);
    const refused = { name: endingIn(code) };
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, ...alone }))).rejects.toMatchObject(refused);
    const batch = sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [message(more)] }));
    // SQS says of some faults which entry has them, and of others that there are some.
    const { Failed = [] } = await batch.catch(({ name }) => ({ Failed: [{ Code: name }] }));
    expect(Failed).toHaveLength(1);
  });

  const ids = (...all: string[]) => all.map((Id) => ({ Id, MessageBody: 'x' }));
  it.each<[string, string, { Id: string; MessageBody: string }[]]>([
    ['eleven entries', 'TooManyEntriesInBatchRequest', ids(...'abcdefghijk')],
    ['no entry', 'EmptyBatchRequest', []],
    ['an id twice', 'BatchEntryIdsNotDistinct', ids('a', 'a')],
    ['an id with a dot', 'InvalidBatchEntryId', ids('a.b')],
    ['an id of 81 letters', 'InvalidBatchEntryId', ids('a'.repeat(81))],
    [
      '1 MiB and a byte in two',
      'BatchRequestTooLong',
      ids('a', 'b').map((entry) => ({ ...entry, MessageBody: 'x'.repeat(MIB / 2 + 1) })),
    ],
  ])('refuse a batch with %s: %s', async (_name, code, Entries) => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'refuses' }));
    await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({
      name: endingIn(code),
    });
  });

  const deadLetters = (name: string, maxReceiveCount: unknown = 3) => ({
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      maxReceiveCount,
    }),
  });
  it.each<[string, string, Record<string, string>]>([
    ['dead letters to a queue that is not there', 'source', deadLetters('nowhere')],
    ['dead letters after no attempt', 'source', deadLetters('takes', 0)],
    ['dead letters after 1001 attempts', 'source', deadLetters('takes', 1001)],
    ['dead letters to nobody', 'source', { RedrivePolicy: '{}' }],
    ['dead letters to no JSON', 'source', { RedrivePolicy: 'takes' }],
    ['a delay of 901 s', 'source', { DelaySeconds: '901' }],
    ['a name with a dot', 'a.b', {}],
    ['a name of 81 letters', 'a'.repeat(81), {}],
  ])('refuse to be created with %s', async (_name, QueueName, Attributes) => {
    await sqs.send(new CreateQueueCommand({ QueueName: 'takes' }));
    const made = sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    await expect(made).rejects.toMatchObject({
      name: expect.stringMatching(/Invalid(Parameter|Attribute)Value$/),
    });
  });

  it('are created with dead letters to a queue that exists', async () => {
    await sqs.send(new CreateQueueCommand({ QueueName: 'takes' }));
    const Attributes = deadLetters('takes', '5');
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'gives', Attributes }));
    const set = (policy: Record<string, string>) =>
      sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: policy }));
    await set(deadLetters('takes', 6));
    await expect(set(deadLetters('nowhere'))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
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

describe('a link to an object', () => {
  const place = { Bucket: 'links', Key: 'object' };
  const link = (expiresIn: number, signingDate = new Date()) =>
    getSignedUrl(s3, new GetObjectCommand(place), { expiresIn, signingDate });
  const anHourAgo = () => new Date(Date.now() - 3_600_000);
  const ask = async (url: string, headers: Record<string, string> = {}, method = 'GET') => {
    const answer = await fetch(url, { method, headers });
    return [answer.status, await answer.text()];
  };
  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket: place.Bucket }));
    await s3.send(new PutObjectCommand({ ...place, Body: 'content' }));
  });

  it('can be followed without anything else', async () => {
    expect(await ask(await link(60))).toEqual([200, 'content']);
    expect(await ask(await link(3660, anHourAgo()))).toEqual([200, 'content']);
  });

  it.each(['Bearer msj_a_<b>', 'Basic eDp5', 'AWS4-HMAC-SHA256 Credential=a/b'])(
    'is refused if the request bears %s as well',
    async (authorization) => {
      const [status, body] = await ask(await link(60), { authorization });
      const value = authorization.replace('<b>', '&lt;b&gt;');
      expect(status).toBe(400);
      expect(body).toContain(
        `<Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified</Message><ArgumentName>Authorization</ArgumentName><ArgumentValue>${value}</ArgumentValue>`,
      );
      expect(await ask(await link(60), { authorization }, 'HEAD')).toEqual([400, '']);
    },
  );

  it.each<[string, () => Promise<string>, string]>([
    ['when it has expired', () => link(3540, anHourAgo()), 'Request has expired'],
    ['without its signature', async () => `${emulators.endpoints.s3}/links/object`, 'Access Denied'],
  ])('is refused %s', async (_name, url, message) => {
    const [status, body] = await ask(await url());
    expect([status, body]).toEqual([
      403,
      expect.stringContaining(`<Code>AccessDenied</Code><Message>${message}`),
    ]);
  });
});

describe('a link to upload an object', () => {
  const Bucket = 'uploads';
  const content = 'content';
  const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');
  const checksum = 'x-amz-checksum-sha256';

  /** What is answered to a file that is sent by a link, and whether it is there then. */
  async function send(
    Key: string,
    given: { text?: string; headers?: Record<string, string>; expiresIn?: number; at?: Date } = {},
  ) {
    const { text = content, headers = {}, expiresIn = 60, at = new Date() } = given;
    const settings = { ...clientSettings(emulators.endpoints.s3), forcePathStyle: true };
    const client = new S3Client({ ...settings, requestChecksumCalculation: 'WHEN_REQUIRED' });
    const put = new PutObjectCommand({
      ...{ Bucket, Key, ContentLength: content.length, IfNoneMatch: '*', ChecksumSHA256: hashOf(content) },
    });
    const url = await getSignedUrl(client, put, {
      expiresIn,
      signingDate: at,
      unhoistableHeaders: new Set([checksum]),
    });
    const said = { 'if-none-match': '*', [checksum]: hashOf(content), ...headers };
    const sent = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ''));
    const answer = await fetch(url, { method: 'PUT', headers: sent, body: text });
    const [, code = ''] = /<Code>(.*?)<\/Code>/.exec(await answer.text()) ?? [];
    const object = await s3.send(new GetObjectCommand({ Bucket, Key })).catch(() => null);
    return [answer.status, code, (await object?.Body?.transformToString()) ?? null];
  }
  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket }));
  });

  it('takes the file that was said, once', async () => {
    expect(await send('once')).toEqual([200, '', content]);
    expect(await send('once')).toEqual([412, 'PreconditionFailed', content]);
  });

  it('takes one of two that are sent at the same time', async () => {
    const sent = await Promise.all([send('twice'), send('twice')]);
    expect(sent.map(([status]) => status).sort()).toEqual([200, 412]);
  });

  it.each<[string, Parameters<typeof send>[1], number, string]>([
    ['a file of the same length and another hash', { text: 'CONTENT' }, 400, 'BadDigest'],
    ['a longer one', { text: 'content+' }, 403, 'SignatureDoesNotMatch'],
    ['a shorter one', { text: 'conten' }, 403, 'SignatureDoesNotMatch'],
    ['another hash than was said', { headers: { [checksum]: hashOf('x') } }, 403, 'SignatureDoesNotMatch'],
    ['no hash', { headers: { [checksum]: '' } }, 403, 'SignatureDoesNotMatch'],
    ['no condition', { headers: { 'if-none-match': '' } }, 403, 'SignatureDoesNotMatch'],
    ['what it does not sign', { headers: { 'x-amz-acl': 'public-read' } }, 403, 'AccessDenied'],
    ['anything when it has expired', { at: new Date(Date.now() - 61_000) }, 403, 'AccessDenied'],
  ])('does not take %s', async (what, given, status, code) => {
    expect(await send(what, given)).toEqual([status, code, null]);
  });
});

it.each(['sqs', 'secretsmanager', 'dynamodb'] as const)(
  'is needed without credentials, which %s refuses',
  async (service) => {
    const headers = { 'x-amz-target': 'Any.ListTables', 'content-type': 'application/x-amz-json-1.0' };
    const answer = await fetch(emulators.endpoints[service], { method: 'POST', headers, body: '{}' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ __type: expect.stringContaining('MissingAuthenticationToken') }),
    ]);
  },
);

describe('the tables', () => {
  it('accept an item of 400 KiB, counted in bytes, and none larger', async () => {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'items',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    const put = (Item: Record<string, AttributeValue>) =>
      dynamodb.send(new PutItemCommand({ TableName: 'items', Item: { pk: { S: 'a' }, ...Item } }));
    const most = 400 * 1024 - 'pk'.length - 'a'.length - 'v'.length;
    const tooLarge = {
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    };
    await put({ v: { S: 'x'.repeat(most) } });
    await put({ v: { L: [{ M: { é: { S: 'é'.repeat(most / 2 - 10) } } }] } });
    await put({ v: { B: Buffer.alloc(most) } });
    await expect(put({ v: { S: 'x'.repeat(most + 1) } })).rejects.toMatchObject(tooLarge);
    await expect(put({ v: { S: `${'é'.repeat(most / 2 + 1)}` } })).rejects.toMatchObject(tooLarge);
    await expect(put({ v: { L: [{ M: { é: { S: 'é'.repeat(most / 2) } } }] } })).rejects.toMatchObject(
      tooLarge,
    );
  });

  it('survive a client that hangs up in the middle of its request', async () => {
    const { port } = new URL(emulators.endpoints.dynamodb);
    const head = [
      'POST / HTTP/1.1',
      `host: 127.0.0.1:${port}`,
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
    expect((await dynamodb.send(new ListTablesCommand({}))).TableNames).toContain('table');
  });
});
