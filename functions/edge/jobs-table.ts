import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { endOfLife, type Job } from '../core/job.ts';
import { listKeyOf } from '../core/list-key.ts';
import { overdueAt, shardOf } from '../core/overdue.ts';
import type { ClientJobs, Clock, Jobs, Overdue } from '../ports.ts';

/** The jobs' rows in DynamoDB, one item each, under the key `jobId`. */
export function createJobs(
  client: DynamoDBClient,
  tableName: string,
  retentionDays: number,
  clock: Clock,
): Jobs {
  async function item(jobId: string): Promise<Record<string, unknown> | null> {
    const key = { jobId: { S: jobId } };
    const found = await client.send(
      new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true }),
    );
    return found.Item ? unmarshall(found.Item) : null;
  }

  /**
   * Whether the write took place. The SDK repeats a write whose answer was lost, and then meets its own:
   * the `writeId` tells that apart from somebody else's.
   */
  async function put(job: Job, condition: Condition): Promise<boolean> {
    const writeId = randomUUID();
    // As a Map: the SDK takes an object with a field `constructor` for an instance of a class.
    const metadata = new Map(Object.entries(job.metadata));
    const keys = { listKey: listKeyOf(job), ...overdueKeys(job) };
    const row = { ...job, metadata, ...keys, writeId, ttl: endOfLife(job, retentionDays) };
    try {
      await client.send(new PutItemCommand({ TableName: tableName, Item: marshall(row), ...condition }));
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return (await item(job.jobId))?.['writeId'] === writeId;
    }
  }

  return {
    async find(jobId) {
      const found = await item(jobId);
      return found && jobIn(found, clock);
    },
    insert: (job) => put(job, isNew(clock)),
    replace: (after) => put(after, isVersion(after.version - 1, after.createdAt)),
    async remove(job) {
      const key = { jobId: { S: job.jobId } };
      const condition = isVersion(job.version, job.createdAt);
      try {
        await client.send(new DeleteItemCommand({ TableName: tableName, Key: key, ...condition }));
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}

/** Null past its time to live: it is as good as gone, though DynamoDB may take days over that. */
function jobIn(row: Record<string, unknown>, clock: Clock): Job | null {
  const { writeId, ttl, listKey, sweepShard, sweepAt, ...job } = row;
  return Number(ttl) > unixSeconds(clock) ? (job as unknown as Job) : null;
}

const unixSeconds = (clock: Clock) => Math.floor(clock.now() / 1000);

/** The jobs' index `client`, which has keys only: the rows are read by them. */
export function createClientJobs(client: DynamoDBClient, tableName: string, clock: Clock): ClientJobs {
  async function rows(jobIds: string[]): Promise<Map<string, Job>> {
    const found = new Map<string, Job>();
    let keys = jobIds.map((jobId) => ({ jobId: { S: jobId } }));
    while (keys.length > 0) {
      const RequestItems = { [tableName]: { Keys: keys, ConsistentRead: true } };
      const batch = await client.send(new BatchGetItemCommand({ RequestItems }));
      for (const row of batch.Responses?.[tableName] ?? []) {
        const job = jobIn(unmarshall(row), clock);
        if (job !== null) found.set(job.jobId, job);
      }
      keys = (batch.UnprocessedKeys?.[tableName]?.Keys ?? []) as typeof keys;
    }
    return found;
  }

  return {
    async page(owner, from, to, limit) {
      // DynamoDB refuses a range that is upside down.
      if (from < to) return { jobs: [], end: null };
      const query = new QueryCommand({
        TableName: tableName,
        IndexName: 'client',
        KeyConditionExpression: '#client = :client AND listKey BETWEEN :to AND :from',
        ExpressionAttributeNames: { '#client': 'client' },
        ExpressionAttributeValues: marshall({ ':client': owner, ':from': from, ':to': to }),
        ScanIndexForward: false,
        Limit: limit,
      });
      const { Items = [], LastEvaluatedKey } = await client.send(query);
      const jobIds = Items.flatMap((item) => item['jobId']?.S ?? []);
      const found = await rows(jobIds);
      const jobs = jobIds.flatMap((jobId) => found.get(jobId) ?? []);
      return { jobs, end: LastEvaluatedKey ? (Items.at(-1)?.['listKey']?.S ?? null) : null };
    },
  };
}

const OVERDUE_PAGE_SIZE = 100;

/** The jobs' sparse index `sweep`: which jobs are overdue. */
export function createOverdue(client: DynamoDBClient, tableName: string): Overdue {
  return {
    async *pages(shard, now) {
      const query = {
        TableName: tableName,
        IndexName: 'sweep',
        KeyConditionExpression: 'sweepShard = :shard AND sweepAt <= :now',
        ExpressionAttributeValues: marshall({ ':shard': shard, ':now': now }),
      };
      const pages = paginateQuery({ client, pageSize: OVERDUE_PAGE_SIZE }, query);
      for await (const { Items = [] } of pages) yield Items.flatMap((item) => item['jobId']?.S ?? []);
    },
  };
}

type Condition = Pick<
  PutItemCommand['input'],
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

function isNew(clock: Clock): Condition {
  return {
    ConditionExpression: 'attribute_not_exists(jobId) OR #ttl <= :now',
    ExpressionAttributeNames: { '#ttl': 'ttl' },
    ExpressionAttributeValues: marshall({ ':now': unixSeconds(clock) }),
  };
}

/** `createdAt` tells a job from a later one that the same idempotency key has made after a refusal. */
function isVersion(version: number, createdAt: number): Condition {
  return {
    ConditionExpression: 'version = :version AND createdAt = :createdAt',
    ExpressionAttributeValues: marshall({ ':version': version, ':createdAt': createdAt }),
  };
}

/** The keys of the sparse index of jobs that somebody must look after; a job that needs nobody has none. */
function overdueKeys(job: Job): { sweepShard?: number; sweepAt?: number } {
  const sweepAt = overdueAt(job);
  return sweepAt === null ? {} : { sweepShard: shardOf(job.jobId), sweepAt };
}
