import { BatchGetItemCommand, type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { formatOf, isLaterFormat, LaterFormat, ROW_FORMAT } from '../core/format.ts';
import { listKeyOf } from '../core/http/list-cursor.ts';
import { nonceOf } from '../core/ids.ts';
import { type Job, type JobRow, STATUSES } from '../core/job.ts';
import { overdueAt, sweepKeys } from '../core/polling/overdue.ts';
import { queueKeys } from '../core/queue/queue-keys.ts';
import { endOfLife } from '../core/retention.ts';
import type { ClientJobs, Clock, Jobs, Overdue } from '../ports.ts';
import { createRows, type Row, type Rows, succeeded, type Terms } from './rows.ts';
import { random } from './system.ts';

/** The jobs' rows in DynamoDB, one item each, under the key `jobId`. */
export function createJobs(rows: Rows, retentionDays: number, clock: Clock): Jobs {
  function put(job: JobRow, condition: Terms): Promise<boolean> {
    const writeId = nonceOf(random.bytes());
    // A Map, as the SDK takes an object with a field `constructor` for an instance of a class.
    const metadata = 'metadata' in job && { metadata: new Map(Object.entries(job.metadata)) };
    const isListed = metadata && !('partOf' in job);
    const sweep = sweepKeys(job.jobId, overdueAt(job));
    const keys = { ...(isListed && { listKey: listKeyOf(job) }), ...sweep, ...queueKeys(job) };
    const ttl = endOfLife(job, retentionDays);
    const row = { ...job, ...metadata, ...keys, format: formatOf(job), writeId, ttl };
    return rows.isDone(rows.put(row, condition), job.jobId, writeId);
  }

  async function findRow(jobId: string): Promise<JobRow | null> {
    const found = await rows.get(jobId);
    return found && jobIn(found, clock);
  }

  return {
    findRow,
    find: async (jobId) => undeleted(await findRow(jobId)),
    insert: (job) => put(job, isNew(clock)),
    replace: (after) => put(after, isVersion(after.version - 1, after.createdAt)),
    remove: ({ jobId, version, createdAt }) => succeeded(rows.remove(jobId, isVersion(version, createdAt))),
  };
}

/** Null after its time to live: the row is as good as deleted, though DynamoDB may take days for that. */
function jobIn(row: Row, clock: Clock): JobRow | null {
  const { writeId, ttl, listKey, sweepShard, sweepAt, queueName, queuePlace, format, ...job } = row;
  if (Number(ttl) <= unixSeconds(clock)) return null;
  if (isLater(row)) throw new LaterFormat(`The row of ${job['jobId']}`, job['client']);
  return job as unknown as JobRow;
}

const undeleted = (row: JobRow | null): Job | null => (row?.status === 'deleted' ? null : row);

function isLater({ format, status }: Row): boolean {
  return isLaterFormat(format, ROW_FORMAT) || !(status === 'deleted' || STATUSES.includes(status));
}

const unixSeconds = (clock: Clock) => Math.floor(clock.now() / 1000);

/** The jobs' index `client`, which has only keys, by which the rows are read. */
export function createClientJobs(client: DynamoDBClient, tableName: string, clock: Clock): ClientJobs {
  const { query } = createRows(client, tableName);

  /** Eventually consistent, at half the price. Deleted rows and those of a later release are left out; those that were not read are in `unread`. */
  async function rows(jobIds: string[]): Promise<{ found: Map<string, Job>; unread: Set<string> }> {
    if (jobIds.length === 0) return { found: new Map(), unread: new Set() };
    const Keys = jobIds.map((jobId) => marshall({ jobId }));
    const get = new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys } } });
    const { Responses, UnprocessedKeys } = await client.send(get);
    const read = (Responses?.[tableName] ?? []).map((item) => unmarshall(item));
    const jobs = read.flatMap((row) => (isLater(row) ? [] : (undeleted(jobIn(row, clock)) ?? [])));
    const unread = (UnprocessedKeys?.[tableName]?.Keys ?? []).flatMap((key) => key['jobId']?.S ?? []);
    return { found: new Map(jobs.map((job) => [job.jobId, job])), unread: new Set(unread) };
  }

  return {
    async page(owner, from, to, limit) {
      // DynamoDB refuses a range whose end is before its start.
      if (from < to) return { jobs: [], end: null };
      const listed = await query({
        IndexName: 'client',
        KeyConditionExpression: '#client = :client AND listKey BETWEEN :to AND :from',
        ExpressionAttributeNames: { '#client': 'client' },
        values: { ':client': owner, ':from': from, ':to': to },
        ScanIndexForward: false,
        // A job at `from` itself comes first, and reading one more than requested shows whether there are more.
        Limit: limit + 2,
      });
      const entries = (listed as { jobId: string; listKey: string }[]).filter(
        (each) => each.listKey !== from,
      );
      const asked = entries.slice(0, limit);
      const { found, unread } = await rows(asked.map(({ jobId }) => jobId));
      const firstUnread = asked.findIndex(({ jobId }) => unread.has(jobId));
      const read = firstUnread === -1 ? asked : asked.slice(0, firstUnread);
      const isAll = read.length === entries.length;
      const jobs = read.flatMap(({ jobId }) => found.get(jobId) ?? []);
      return { jobs, end: isAll ? null : (read.at(-1)?.listKey ?? from) };
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

function isNew(clock: Clock): Terms {
  return {
    ConditionExpression: 'attribute_not_exists(jobId) OR #ttl <= :now',
    ExpressionAttributeNames: { '#ttl': 'ttl' },
    values: { ':now': unixSeconds(clock) },
  };
}

/** `createdAt` distinguishes a job from a later one of the same idempotency key, created after a refusal. */
function isVersion(version: number, createdAt: number): Terms {
  return {
    ConditionExpression: 'version = :version AND createdAt = :createdAt',
    values: { ':version': version, ':createdAt': createdAt },
  };
}
