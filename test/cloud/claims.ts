import assert from 'node:assert/strict';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DOCUMENT_EXTRA_DAYS } from '../../functions/core/limits.ts';
import { overdueAt, SHARDS } from '../../functions/core/polling/overdue.ts';
import type { Overdue } from '../../functions/ports.ts';
import { atOnce, clientsOf } from './clients.ts';
import { Cloud } from './cloud.ts';
import type { Item } from './expressions.ts';
import { finishedJob, pollMessage, runningJob, submittingJob } from './jobs.ts';
import { portsOver, RETENTION_DAYS } from './ports.ts';
import type { Delivery } from './queue.ts';
import { VirtualTime } from './time.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

function scene(handle?: (batch: readonly Delivery[]) => Promise<ReadonlySet<Delivery>>) {
  const time = new VirtualTime(START);
  const cloud = new Cloud({
    time,
    objectDays: RETENTION_DAYS + DOCUMENT_EXTRA_DAYS,
    ...(handle && { handle: (_queue, batch) => handle(batch) }),
  });
  const clients = clientsOf(cloud, atOnce);
  return { time, cloud, clients, ...portsOver(cloud, clients, { clock: { now: () => time.now } }) };
}

async function overdueIn(overdue: Overdue, now: number): Promise<string[]> {
  const ids: string[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    for await (const page of overdue.pages(shard, now)) ids.push(...page);
  }
  return ids;
}

/** What the simulated cloud has that a kinder one would not; each throws where it does not hold. */
export const CLAIMS: Record<string, () => Promise<void>> = {
  async 'what was read belongs to its reader'() {
    const { clients, jobs } = scene();
    await jobs.insert(runningJob());
    const get = new GetItemCommand({ TableName: 'jobs', Key: { jobId: { S: 'job_1' } } });
    const { Item } = await clients.dynamodb.send(get);
    Object.assign(Item ?? {}, { client: { S: 'somebody else' } });
    assert.equal((await jobs.find('job_1'))?.client, 'acme');
  },

  async 'what was written no longer belongs to its writer'() {
    const { cloud } = scene();
    const item = { key: { S: 'k' }, ttl: { N: '1' } };
    cloud.tables.documents.put(item);
    item.ttl.N = '2';
    assert.deepEqual(cloud.tables.documents.peek('k'), { key: { S: 'k' }, ttl: { N: '1' } });
  },

  async 'a job is not taken for an earlier one of the same key'() {
    const { jobs } = scene();
    const later = submittingJob({ createdAt: START + 1, version: 1 });
    await jobs.insert(later);
    assert.equal(await jobs.replace(runningJob({ createdAt: START, version: 2 })), false);
    assert.deepEqual(await jobs.find('job_1'), later);
  },

  async 'documents lie in the table or in the bucket, by their size'() {
    const { documents, cloud } = scene();
    const large = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i));
    const stores = [await documents.save('small', '[]'), await documents.save('large', large)];
    assert.deepEqual(
      stores.map(({ store }) => store),
      ['table', 'bucket'],
    );
    assert.deepEqual([...cloud.objects.keys()], ['large']);
    assert.deepEqual(cloud.tables.documents.keys, ['small']);
    assert.equal(await documents.load(stores[1] ?? { store: 'bucket', key: '' }), large);
  },

  async 'an index is behind with what was written'() {
    const { cloud, jobs, overdue, clientJobs, time } = scene();
    cloud.faults = { ...cloud.faults, indexLagMillis: () => 1000 };
    const job = runningJob();
    await jobs.insert(job);
    const now = Number(overdueAt(job));
    const listed = async () => (await clientJobs.page('acme', '9', '0', 10)).jobs.length;
    assert.deepEqual([await overdueIn(overdue, now), await listed()], [[], 0]);
    await time.run(START + 1000);
    assert.deepEqual([await overdueIn(overdue, now), await listed()], [['job_1'], 1]);
    await jobs.replace(finishedJob({ version: 3, webhook: null }));
    assert.deepEqual(await overdueIn(overdue, now), ['job_1']);
    await time.run(START + 2000);
    assert.deepEqual(await overdueIn(overdue, now), []);
  },

  async 'what is past its time to live may be there for two days'() {
    const { cloud, jobs, overdue, documents, time } = scene();
    cloud.faults = { ...cloud.faults, ttlLateMillis: () => 48 * HOUR };
    const job = runningJob();
    await jobs.insert(job);
    const large = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i));
    await Promise.all([documents.save('small', '[]'), documents.save('large', large)]);
    const { jobs: table, documents: small } = cloud.tables;
    const there = async () => [
      table.keys,
      await overdueIn(overdue, time.now),
      small.keys,
      [...cloud.objects.keys()],
    ];
    const ttlOf = (item: Item | null) => 1000 * Number(item?.['ttl']?.N);
    await time.run(ttlOf(table.peek('job_1')) + 47 * HOUR);
    assert.deepEqual(await there(), [['job_1'], ['job_1'], ['small'], ['large']]);
    assert.equal(await jobs.find('job_1'), null);
    await time.run(ttlOf(small.peek('small')) + 47 * HOUR);
    assert.deepEqual(await there(), [[], [], ['small'], ['large']]);
    await time.run(time.now + HOUR);
    assert.deepEqual(await there(), [[], [], [], []]);
  },

  async 'what has been given more time is not deleted'() {
    const { cloud, time } = scene();
    cloud.faults = { ...cloud.faults, ttlLateMillis: () => 48 * HOUR };
    const { documents } = cloud.tables;
    const put = (ttl: number) => documents.put({ key: { S: 'k' }, ttl: { N: String(ttl / 1000) } });
    put(START + HOUR);
    await time.run(START + 2 * HOUR);
    put(START + 99 * HOUR);
    await time.run(START + 98 * HOUR);
    assert.deepEqual(documents.keys, ['k']);
    await time.run(START + 147 * HOUR);
    assert.deepEqual(documents.keys, []);
  },

  async 'SQS may take some messages of a batch, and whoever sent the others learns of it'() {
    const { cloud, wakeUps } = scene();
    let entries = 0;
    cloud.faults = { ...cloud.faults, isTaken: () => entries++ % 2 === 0 };
    const sends = [1, 2, 3, 4].map((seq) => wakeUps.poll(pollMessage(seq), 0));
    const outcomes = (await Promise.allSettled(sends)).map(({ status }) => status);
    assert.deepEqual(outcomes, ['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    assert.equal(cloud.queues.poll.messages.size, 2);
  },

  async 'a message that is delivered twice is one message: one delete takes both'() {
    let handled = 0;
    const { cloud, time } = scene(async (batch) => {
      const failed = new Set(++handled === 1 ? [] : batch);
      // Long enough for the second to have it, too.
      await new Promise<void>((resolve) => time.after(1000, resolve));
      return failed;
    });
    const { deliver } = cloud.queues;
    deliver.faults = { ...deliver.faults, againAfterMillis: () => (handled <= 1 ? 0 : null) };
    deliver.send('{}', 0);
    await time.run(START + 3_600_000);
    assert.ok(handled <= 2, `handled ${handled} times`);
    assert.deepEqual([deliver.messages.size, deliver.deadLetters], [0, []]);
  },

  async 'a message that failed comes again, until it is among the dead letters'() {
    let handled = 0;
    const { cloud, time } = scene(async (batch) => {
      handled += 1;
      return new Set(batch);
    });
    cloud.queues.deliver.send('{}', 0);
    await time.run(START + 24 * 3_600_000);
    assert.equal(handled, 14);
    assert.equal(cloud.queues.deliver.deadLetters.length, 1);
  },
};
