import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createBucket } from '../../functions/edge/document-bucket.ts';
import { createDocuments, TABLE_MAX_BYTES } from '../../functions/edge/documents.ts';
import { createRows } from '../../functions/edge/rows.ts';
import { NOW } from './jobs.ts';

const settings = {
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
};
const dynamodbClient = new DynamoDBClient(settings);
const s3Client = new S3Client(settings);
const dynamodb = mockClient(dynamodbClient);
const s3 = mockClient(s3Client);

const documents = createDocuments(
  createRows(dynamodbClient, 'Documents', 'key'),
  async () => createBucket('bucket', s3Client),
  30,
  { now: () => NOW + 1 },
);

/** Text that does not shrink. */
const noise = (bytes: number) => JSON.stringify(randomBytes(bytes).toString('base64'));

beforeEach(() => {
  dynamodb.reset();
  s3.reset();
});

describe('saving', () => {
  it.each([
    ['what is 8 KiB when compressed', noise(8000)],
    ['a long text that shrinks', JSON.stringify('word '.repeat(10_000))],
    ['next to nothing', '[]'],
  ])('puts %s into the table, for a week longer than the job', async (_what, json) => {
    expect(await documents.save('events/a', json)).toEqual({ store: 'table', key: 'events/a' });
    const ttl = String(Math.ceil((NOW + 1) / 1000) + 40 * 86_400);
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input);
    const { deflated, ...kept } = put?.Item ?? {};
    expect([put?.TableName, kept]).toEqual([
      'Documents',
      { key: { S: 'events/a' }, format: { N: '1' }, ttl: { N: ttl } },
    ]);
    expect(inflateRawSync(deflated?.B ?? new Uint8Array()).toString()).toBe(json);
    expect(deflated?.B?.byteLength).toBeLessThanOrEqual(TABLE_MAX_BYTES);
    expect(s3.calls().length).toBe(0);
  });

  it.each([
    ['more', noise(12_000)],
    ['what is too long to be worth compressing', JSON.stringify('é'.repeat(32 * 1024))],
  ])('puts %s into the bucket', async (_what, json) => {
    expect(await documents.save('results/a', json)).toEqual({ store: 'bucket', key: 'results/a' });
    expect(s3.commandCalls(PutObjectCommand).map((call) => call.args[0].input)).toEqual([
      {
        Bucket: 'bucket',
        Key: 'results/a',
        Body: Buffer.from(json),
        ContentLength: Buffer.byteLength(json),
        ContentType: 'application/json',
        Metadata: { format: '1' },
      },
    ]);
    expect(dynamodb.calls().length).toBe(0);
  });

  it.each([
    [8192, 'table'],
    [8193, 'bucket'],
  ])('puts what has %i bytes when compressed into the %s', async (bytes, store) => {
    let text = noise(8200);
    while (deflateRawSync(text).byteLength !== bytes)
      text = deflateRawSync(text).byteLength > bytes ? `"${text.slice(2)}` : noise(8200);
    expect(await documents.save('events/a', text)).toMatchObject({ store });
  });

  it('throws when the document could not be written', async () => {
    dynamodb.on(PutItemCommand).rejects(new Error('throttled'));
    await expect(documents.save('events/a', '[]')).rejects.toThrow('throttled');
  });
});

describe('loading', () => {
  it.each([
    ['at half the price', 1],
    ['and once more consistently, as the event may have been written a moment ago', 2],
  ])('reads the table %s', async (_how, reads) => {
    const found = { Item: { deflated: { B: deflateRawSync('["é"]') } } };
    const asked = { TableName: 'Documents', Key: { key: { S: 'events/a' } } };
    dynamodb.on(GetItemCommand, { ...asked, ConsistentRead: false }).resolves(reads === 1 ? found : {});
    dynamodb.on(GetItemCommand, { ...asked, ConsistentRead: true }).resolves(found);
    expect(await documents.load({ store: 'table', key: 'events/a' })).toBe('["é"]');
    expect(dynamodb.calls().length).toBe(reads);
  });

  it('reads the bucket when the document is there', async () => {
    const Body = { transformToString: async () => '["é"]' } as never;
    s3.on(GetObjectCommand).resolves({ Body });
    expect(await documents.load({ store: 'bucket', key: 'results/a' })).toBe('["é"]');
    expect(s3.call(0).args[0].input).toEqual({ Bucket: 'bucket', Key: 'results/a' });
  });

  it('throws when the table has lost the document', async () => {
    dynamodb.on(GetItemCommand).resolves({});
    await expect(documents.load({ store: 'table', key: 'events/a' })).rejects.toThrow('events/a is gone');
  });

  it('throws when the bucket has lost the document', async () => {
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: 'gone', $metadata: {} }));
    await expect(documents.load({ store: 'bucket', key: 'results/a' })).rejects.toThrow('gone');
  });
});

describe('a link', () => {
  it('lets anyone read one object for the time that was asked for', async () => {
    const url = new URL(await documents.link({ store: 'bucket', key: 'results/a b' }, 600));
    expect(url.origin).toBe('https://bucket.s3.eu-central-1.amazonaws.com');
    expect(url.pathname).toBe('/results/a%20b');
    expect(url.searchParams.get('X-Amz-Expires')).toBe('600');
    expect(url.searchParams.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not exist for a document in the table', async () => {
    await expect(documents.link({ store: 'table', key: 'events/a' }, 600)).rejects.toThrow('no links');
  });
});
