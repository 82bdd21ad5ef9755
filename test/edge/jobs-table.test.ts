import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { ROUND_MAX_DAYS } from '../../functions/core/limits.ts';
import { overdueAt, shardOf } from '../../functions/core/polling/overdue.ts';
import { createJobs, createOverdue } from '../../functions/edge/jobs-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import { pendingWebhook } from '../cloud/jobs.ts';
import { finishedJob, NOW, runningJob, submittingJob } from './jobs.ts';

const DAY_SECONDS = 86_400;
const client = new DynamoDBClient({ region: 'eu-central-1' });
const dynamodb = mockClient(client);
const jobs = createJobs(createRows(client, 'Jobs'), 30, { now: () => NOW });

const conditionFailed = () => new ConditionalCheckFailedException({ message: 'no', $metadata: {} });
const lost = Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });

beforeEach(() => {
  dynamodb.reset();
});

/** The row that was sent last. */
function sentRow() {
  const input = dynamodb.commandCalls(PutItemCommand).at(-1)?.args[0].input as PutItemCommandInput;
  return unmarshall(input.Item ?? {});
}

describe('finding a row', () => {
  it('reads every write that was answered before', async () => {
    dynamodb.on(GetItemCommand).resolves({});
    expect(await jobs.find('job_1')).toBeNull();
    const key = { jobId: { S: 'job_1' } };
    expect(dynamodb.call(0).args[0].input).toEqual({ TableName: 'Jobs', Key: key, ConsistentRead: true });
  });

  it('leaves out the attributes that only the table needs', async () => {
    const job = runningJob();
    const row = { ...job, writeId: 'w', ttl: NOW, sweepShard: 1, sweepAt: 2 };
    dynamodb.on(GetItemCommand).resolves({ Item: marshall(row) });
    expect(await jobs.find('job_1')).toEqual(job);
  });
});

describe('a row is a job, or none, when its time to live', () => {
  it.each([
    ['ends in a second', 1, true],
    ['ends now, when it may be written anew', 0, false],
    ['ended, though DynamoDB has not deleted it yet', -1, false],
  ])('%s', async (_what, seconds, isThere) => {
    const Item = marshall({ ...runningJob(), ttl: NOW / 1000 + seconds });
    dynamodb.on(GetItemCommand).resolves({ Item });
    expect(await jobs.find('job_1')).toEqual(isThere ? runningJob() : null);
  });
});

it.each(['constructor', 'toString', 'length'])('a row keeps metadata of any name: %s', async (name) => {
  dynamodb.on(PutItemCommand).resolves({});
  const metadata = Object.fromEntries([
    [name, 'a'],
    ['order', '17'],
  ]);
  await jobs.insert(submittingJob({ metadata }));
  expect(Object.entries(sentRow()['metadata'])).toEqual(Object.entries(metadata));
});

describe('inserting a row', () => {
  it('succeeds where there is no row, or only one whose time is up', async () => {
    dynamodb.on(PutItemCommand).resolves({});
    expect(await jobs.insert(submittingJob())).toBe(true);
    expect(dynamodb.call(0).args[0].input).toEqual({
      TableName: 'Jobs',
      Item: expect.anything(),
      ConditionExpression: 'attribute_not_exists(jobId) OR #ttl <= :now',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: marshall({ ':now': NOW / 1000 }),
    });
    const writeId = expect.stringMatching(/^[0-9a-z]{8}$/);
    expect(sentRow()).toMatchObject({ ...submittingJob(), writeId });
  });

  it('gives each write a token of its own', async () => {
    dynamodb.on(PutItemCommand).resolves({});
    await jobs.insert(submittingJob());
    const first = sentRow()['writeId'];
    await jobs.insert(submittingJob());
    expect(sentRow()['writeId']).not.toBe(first);
  });
});

describe('replacing a row', () => {
  it('puts the next version in the place of the one before', async () => {
    dynamodb.on(PutItemCommand).resolves({});
    expect(await jobs.replace(runningJob({ version: 7 }))).toBe(true);
    expect(dynamodb.call(0).args[0].input).toEqual({
      TableName: 'Jobs',
      Item: expect.anything(),
      ConditionExpression: 'version = :version AND createdAt = :createdAt',
      ExpressionAttributeValues: { ':version': { N: '6' }, ':createdAt': { N: String(NOW) } },
    });
  });
});

describe.each([
  ['insert', jobs.insert],
  ['replace', jobs.replace],
])('when the condition of a write fails (%s), the row', (_what, write) => {
  it('is reported as lost to another writer', async () => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed());
    dynamodb.on(GetItemCommand).resolves({ Item: marshall({ ...runningJob(), writeId: 'theirs' }) });
    expect(await write(runningJob())).toBe(false);
    expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input.ConsistentRead).toBe(true);
  });

  it('is reported as lost if it has gone since', async () => {
    dynamodb.on(PutItemCommand).rejects(conditionFailed());
    dynamodb.on(GetItemCommand).resolves({});
    expect(await write(runningJob())).toBe(false);
  });

  it('is reported as written if it carries our own token, as the answer was lost', async () => {
    let landed: PutItemCommandInput['Item'];
    dynamodb.on(PutItemCommand).callsFake((input: PutItemCommandInput) => {
      landed = input.Item;
      throw conditionFailed();
    });
    dynamodb.on(GetItemCommand).callsFake(() => ({ Item: landed }));
    expect(await write(runningJob())).toBe(true);
  });

  it('is not read on any other error, which is thrown', async () => {
    dynamodb.on(PutItemCommand).rejects(lost);
    await expect(write(runningJob())).rejects.toThrow('socket hang up');
    expect(dynamodb.commandCalls(GetItemCommand).length).toBe(0);
  });
});

describe('removing a row', () => {
  it('deletes only the version that was read', async () => {
    dynamodb.on(DeleteItemCommand).resolves({});
    expect(await jobs.remove(submittingJob({ version: 4 }))).toBe(true);
    expect(dynamodb.call(0).args[0].input).toEqual({
      TableName: 'Jobs',
      Key: { jobId: { S: 'job_1' } },
      ConditionExpression: 'version = :version AND createdAt = :createdAt',
      ExpressionAttributeValues: { ':version': { N: '4' }, ':createdAt': { N: String(NOW) } },
    });
  });

  it('leaves a row that has moved on', async () => {
    dynamodb.on(DeleteItemCommand).rejects(conditionFailed());
    expect(await jobs.remove(submittingJob())).toBe(false);
  });

  it('throws any other error', async () => {
    dynamodb.on(DeleteItemCommand).rejects(lost);
    await expect(jobs.remove(submittingJob())).rejects.toThrow('socket hang up');
  });
});

describe('a row', () => {
  it.each([
    ['an unfinished job: kept for 30 days after it expires', runningJob(), runningJob().expiresAt],
    ['a finished job: kept for 30 days after it finished', finishedJob({ finishedAt: NOW + 1 }), NOW + 1000],
    [
      'a job whose webhook is being delivered: kept for the longest round of deliveries more',
      finishedJob({ finishedAt: NOW, webhook: pendingWebhook() }),
      NOW + ROUND_MAX_DAYS * DAY_SECONDS * 1000,
    ],
  ])('has a time to live: one %s', async (_what, job, end) => {
    dynamodb.on(PutItemCommand).resolves({});
    await jobs.insert(job);
    expect(sentRow()['ttl']).toBe(end / 1000 + 30 * DAY_SECONDS);
  });

  it('is in the sweep index while somebody must look after its job', async () => {
    dynamodb.on(PutItemCommand).resolves({});
    await jobs.insert(runningJob());
    const indexed = { sweepShard: shardOf('job_1'), sweepAt: overdueAt(runningJob()) };
    expect(sentRow()).toMatchObject(indexed);
  });

  it('leaves the sweep index when nobody must', async () => {
    dynamodb.on(PutItemCommand).resolves({});
    await jobs.insert(finishedJob());
    expect(sentRow()).not.toHaveProperty('sweepShard');
    expect(sentRow()).not.toHaveProperty('sweepAt');
  });
});

describe('the overdue jobs', () => {
  it('are queried by shard and moment, and come in pages', async () => {
    const next = { jobId: { S: 'job_2' } };
    dynamodb
      .on(QueryCommand)
      .resolvesOnce({ Items: [{ jobId: { S: 'job_1' } }, next], LastEvaluatedKey: next })
      .resolvesOnce({ Items: [{ jobId: { S: 'job_3' } }] });
    const pages: string[][] = [];
    for await (const page of createOverdue(client, 'Jobs').pages(3, NOW)) pages.push(page);
    expect(pages).toEqual([['job_1', 'job_2'], ['job_3']]);
    expect(dynamodb.call(0).args[0].input).toMatchObject({
      TableName: 'Jobs',
      IndexName: 'sweep',
      KeyConditionExpression: 'sweepShard = :shard AND sweepAt <= :now',
      ExpressionAttributeValues: { ':shard': { N: '3' }, ':now': { N: String(NOW) } },
    });
    expect(dynamodb.call(1).args[0].input).toMatchObject({ ExclusiveStartKey: next });
  });
});
