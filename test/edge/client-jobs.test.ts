import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import type { Job } from '../../functions/core/job.ts';
import { createClientJobs } from '../../functions/edge/jobs-table.ts';
import { list } from '../../functions/jobs/list.ts';
import { finishedJob, NOW, runningJob } from './jobs.ts';

const client = new DynamoDBClient({ region: 'eu-central-1' });
const dynamodb = mockClient(client);

const BATCH_MAX_KEYS = 100;
const BATCH_MAX_BYTES = 16 * 1024 * 1024;

/** As much as a submission may have: 16 pairs, of characters that take three bytes each. */
const LARGEST = Object.fromEntries(
  Array.from({ length: 16 }, (_, i) => [String(i).padStart(64, '鍵'), '値'.repeat(512)]),
);

/** Jobs of which three share each millisecond, newest first. */
function manyJobs(count: number, metadata: Record<string, string> = {}): Job[] {
  const jobs = Array.from({ length: count }, (_, index) => {
    const place = { jobId: `job_${String(index).padStart(4, '0')}`, createdAt: NOW + Math.floor(index / 3) };
    return index % 400 === 7 ? finishedJob({ ...place, metadata }) : runningJob({ ...place, metadata });
  });
  return jobs.reverse();
}

interface Faults {
  /** Jobs that are in the index still. */
  gone?: string[];
  /** Whether DynamoDB processes a key. */
  isRead?: (jobId: string) => boolean;
}

/** A table and its index, with DynamoDB's limits. */
function dynamoWith(jobs: Job[], { gone = [], isRead = () => true }: Faults = {}): void {
  const left = jobs.filter(({ jobId }) => !gone.includes(jobId));
  const rows = new Map(left.map((job) => [job.jobId, [marshall({ ...job, ttl: NOW / 1000 + 1 })]]));
  const bytes = Buffer.byteLength(JSON.stringify(jobs[0] ?? ''));
  dynamodb.on(QueryCommand).callsFake(({ ExpressionAttributeValues, Limit = 0 }: QueryCommandInput) => {
    const [from = '', to = ''] = [':from', ':to'].map((name) => ExpressionAttributeValues?.[name]?.S);
    const inRange = jobs.filter((job) => listKeyOf(job) <= from && listKeyOf(job) >= to);
    const Items = inRange
      .slice(0, Limit)
      .map((job) => marshall({ jobId: job.jobId, listKey: listKeyOf(job) }));
    return { Items, ...(Items.length === Limit && { LastEvaluatedKey: Items.at(-1) }) };
  });
  dynamodb.on(BatchGetItemCommand).callsFake(({ RequestItems }: BatchGetItemCommandInput) => {
    const { Keys = [], ConsistentRead } = RequestItems?.['Jobs'] ?? {};
    expect([Keys.length >= 1 && Keys.length <= BATCH_MAX_KEYS, ConsistentRead]).toEqual([true, undefined]);
    const fit = Keys.slice(0, Math.floor(BATCH_MAX_BYTES / bytes));
    const read = fit.filter((key) => isRead(key['jobId']?.S ?? ''));
    const Responses = { Jobs: read.flatMap((key) => rows.get(key['jobId']?.S ?? '') ?? []).reverse() };
    const unread = Keys.filter((key) => !read.includes(key));
    return { Responses, UnprocessedKeys: unread.length > 0 ? { Jobs: { Keys: unread } } : {} };
  });
}

const world = {
  clientJobs: createClientJobs(client, 'Jobs', { now: () => NOW }),
  settings: { apiUrl: 'https://api.example.com' },
};

async function ask(query: string) {
  dynamodb.resetHistory();
  const request = {
    method: 'GET',
    path: '/v1/jobs',
    query,
    headers: {},
    body: Buffer.alloc(0),
    requestId: 'r',
  };
  const { status, body } = await list(request, { operation: 'list', jobId: '', client: 'acme' }, world);
  expect(status, body).toBe(200);
  const reads = [dynamodb.commandCalls(QueryCommand), dynamodb.commandCalls(BatchGetItemCommand)];
  return {
    ...JSON.parse(body),
    reads: reads.map((calls) => calls.length),
    bytes: Buffer.byteLength(JSON.stringify(body)),
  };
}

async function walk(query: string) {
  const pages: Awaited<ReturnType<typeof ask>>[] = [];
  for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)?.next_cursor) {
    if (pages.length > 1000) throw new Error('The list has no end');
    pages.push(await ask(`${query}&cursor=${cursor}`));
  }
  const ids: string[] = pages.flatMap(({ jobs }) => jobs.map(({ job_id }: { job_id: string }) => job_id));
  return { pages, ids };
}

const idsOf = (jobs: Job[]) => jobs.map(({ jobId }) => jobId);

beforeEach(() => {
  dynamodb.reset();
});

describe('a list of jobs', () => {
  it.each<[query: string, reads: [queries: number, batches: number]]>([
    ['', [1, 1]],
    ['limit=1', [1, 1]],
    ['limit=100', [1, 1]],
    ['status=completed', [2, 2]],
    ['status=expired&limit=100', [2, 2]],
    ['created_before=2000-01-01T00:00:00Z', [1, 0]],
    ['created_after=2100-01-01T00:00:00Z&created_before=2000-01-01T00:00:00Z', [0, 0]],
  ])('reads no more of 1000 jobs than it needs: ?%s takes %j', async (query, reads) => {
    dynamoWith(manyJobs(1000));
    expect((await ask(query)).reads).toEqual(reads);
  });

  it('has each of 1000 jobs with the largest metadata once, in pages that Lambda may answer', async () => {
    const jobs = manyJobs(1000, LARGEST);
    dynamoWith(jobs);
    const { pages, ids } = await walk('limit=100');
    expect(ids).toEqual(idsOf(jobs));
    expect(new Set(pages.map(({ reads }) => String(reads)))).toEqual(new Set(['1,1']));
    expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThan(6 * 1024 * 1024);
  });

  it('has each job of a status once, in short pages and empty ones', async () => {
    const jobs = manyJobs(1000);
    dynamoWith(jobs);
    const { pages, ids } = await walk('status=completed');
    expect(ids).toEqual(idsOf(jobs.filter(({ status }) => status === 'completed')));
    expect(pages.length).toBe(5);
    for (const { reads } of pages) expect(Math.max(...reads)).toBeLessThanOrEqual(2);
  });

  it('leaves out jobs that were deleted since, and still has those that follow', async () => {
    const jobs = manyJobs(30);
    dynamoWith(jobs, { gone: idsOf(jobs.slice(3, 20)) });
    const { ids } = await walk('limit=5');
    expect(ids).toEqual(idsOf([...jobs.slice(0, 3), ...jobs.slice(20)]));
  });

  it('continues at the first job that DynamoDB did not read, and reads no third page', async () => {
    const jobs = manyJobs(50);
    let reads = 0;
    // Every fifth key is not processed, others each time, and the first of all at first not at all.
    const isRead = (index: number) => (index === 49 ? reads > 100 : (index + reads++) % 5 > 0);
    dynamoWith(jobs, { isRead: (jobId) => isRead(Number(jobId.slice(4))) });
    const { pages, ids } = await walk('limit=10');
    expect(ids).toEqual(idsOf(jobs));
    expect(pages[0]).toMatchObject({ jobs: [], reads: [2, 2] });
    for (const { reads } of pages) expect(Math.max(...reads)).toBeLessThanOrEqual(2);
  });

  it.each([1, 2, 3, 4])(
    'has each job once, whichever was not read at first, in pages of %i',
    async (limit) => {
      for (const count of [1, 2, 3, 4, 5, 6]) {
        const jobs = manyJobs(count);
        for (const late of idsOf(jobs)) {
          let asked = 0;
          dynamoWith(jobs, { isRead: (jobId) => jobId !== late || asked++ > 1 });
          expect((await walk(`limit=${limit}`)).ids, `${late} of ${count}`).toEqual(idsOf(jobs));
        }
      }
    },
  );
});
