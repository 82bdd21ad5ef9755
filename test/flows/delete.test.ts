import { describe, expect, it, vi } from 'vitest';
import type { FinishedJob, Job } from '../../functions/core/job.ts';
import { cancelled } from '../../functions/core/upstream/report.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { finish } from '../../functions/finish/finish.ts';
import { answer } from '../../functions/jobs/jobs.ts';
import { poll } from '../../functions/poll/poll.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import {
  finishedJob,
  NOW,
  pendingWebhook,
  pollMessage,
  runningJob,
  settledWebhook,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';
import { postJob } from './post.ts';

const CANARY = 'canary7f3a9c';

type World = ReturnType<typeof worldWith>;

function worldWith(...jobs: Job[]) {
  const world = { ...fakeWorld({ reports: [] }), openApi: async () => ({ default: {} }) };
  for (const job of jobs) world.jobs.rows.set(job.jobId, job);
  return world;
}

/** Whatever is stored anywhere. */
function dump({ cloud }: World): string {
  const rows = Object.values(cloud.tables).flatMap((table) => table.keys.map((key) => table.peek(key)));
  const queues = Object.values(cloud.queues).flatMap(({ messages }) => [...messages]);
  return JSON.stringify([rows, [...cloud.objects], queues]);
}

async function ask(world: World, method: string, path: string, body: object | null = null, client = 'acme') {
  const [, , , jobId = '', below = ''] = path.split('/');
  const request = {
    ...{ method, path, query: '', requestId: 'r1' },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(body === null ? '' : JSON.stringify(body)),
  };
  const operation = (
    { DELETE: 'delete', GET: below || (jobId ? 'job' : 'list'), POST: below } as Record<string, string>
  )[method];
  const answered = await answer(request, { operation, jobId, client } as never, world);
  return { ...answered, json: answered.body === '' ? null : JSON.parse(answered.body) };
}

const settled = { webhook: settledWebhook('delivered') };
const largeResults = { store: 'bucket', key: 'results/job_1/a.json' } as const;

async function store({ documents, cloud }: World, job: FinishedJob): Promise<void> {
  await documents.save(job.event.key, JSON.stringify(CANARY));
  cloud.objects.set(largeResults.key, CANARY);
  cloud.objects.set('unreadable/job_1.json', CANARY);
  cloud.objects.set(`requests/job_1/${job.createdAt}.json`, CANARY);
}

describe('a deleted job', () => {
  const metadata = { note: CANARY };
  const job = finishedJob({ ...settled, metadata, results: largeResults, fingerprint: CANARY });

  it('leaves nothing behind of what its client said or was told', async () => {
    const world = worldWith(job, finishedJob({ ...settled, jobId: 'job_2' }));
    await store(world, job);
    await world.documents.save('events/job_2/a.json', '"kept"');
    world.jobs.rows.set('job_1', { ...job, webhook: settledWebhook('gone', { url: `https://x/${CANARY}` }) });
    expect(dump(world)).toContain(CANARY);
    expect(await ask(world, 'DELETE', '/v1/jobs/job_1')).toMatchObject({ status: 204, body: '' });
    expect(dump(world)).not.toContain(CANARY);
    expect(world.documents.contents.keys()).toEqual(['events/job_2/a.json']);
    expect(world.told.at(-1)).toMatchObject({
      stage: 'delete',
      outcome: 'deleted',
      job_id: 'job_1',
      client: 'acme',
    });
  });

  it('does not exist for anyone, in any call', async () => {
    const world = worldWith(job);
    await ask(world, 'DELETE', '/v1/jobs/job_1');
    for (const [method, path] of [
      ['DELETE', '/v1/jobs/job_1'],
      ['GET', '/v1/jobs/job_1'],
      ['GET', '/v1/jobs/job_1/results'],
      ['GET', '/v1/jobs/job_1/deliveries'],
      ['POST', '/v1/jobs/job_1/cancel'],
      ['POST', '/v1/jobs/job_1/redeliver'],
    ] as const)
      expect([path, (await ask(world, method, path)).json.code]).toEqual([path, 'not_found']);
    expect((await ask(world, 'GET', '/v1/jobs')).json).toEqual({ jobs: [], next_cursor: null });
  });

  it('does not exist either for a request that was reading it', async () => {
    const world = worldWith(finishedJob({ ...settled, results: 'in-event' }));
    const { load } = world.documents;
    world.documents.load = async (ref) => {
      world.documents.load = load;
      await ask(world, 'DELETE', '/v1/jobs/job_1');
      return load(ref);
    };
    await world.documents.save('events/job_1/a.json', '{"data":{"results":[]}}');
    expect((await ask(world, 'GET', '/v1/jobs/job_1')).json.code).toBe('not_found');
    await expect(ask(worldWith(job), 'GET', '/v1/jobs/job_1')).resolves.toMatchObject({ status: 200 });
    const gone = worldWith(finishedJob({ ...settled, results: 'in-event' }));
    await expect(ask(gone, 'GET', '/v1/jobs/job_1')).rejects.toThrow('is gone');
  });

  it('has messages that change nothing any longer', async () => {
    const world = worldWith(job);
    await ask(world, 'DELETE', '/v1/jobs/job_1');
    const before = dump(world);
    await deliver({ jobId: 'job_1', wakeUp: wakeUp(9), attempts: 1 }, world);
    await poll(pollMessage(9), false, world);
    expect([dump(world), world.posted]).toEqual([before, []]);
  });

  it('keeps its idempotency key, for the same request and for another', async () => {
    const world = fakeWorld();
    const key = { 'idempotency-key': 'k' };
    const { job: first } = await postJob(world, {}, 'acme', key);
    const ended = await finish(world.jobs.rows.get(first.job_id) as never, cancelled(runningJob()), world);
    expect(ended?.status).toBe('cancelled');
    expect(
      (await ask({ ...world, openApi: async () => ({ default: {} }) }, 'DELETE', `/v1/jobs/${first.job_id}`))
        .status,
    ).toBe(204);
    for (const fields of [{}, { model_id: 'other' }]) {
      const again = await postJob(world, fields, 'acme', key);
      expect([again.status, again.job.code]).toEqual([409, 'job_deleted']);
    }
    expect(world.created.length).toBe(1);
    expect((await postJob(world, {}, 'other', key)).status).toBe(202);
  });

  it('is deleted by one of many requests', async () => {
    const world = worldWith(job);
    const answers = await Promise.all(
      Array.from({ length: 9 }, () => ask(world, 'DELETE', '/v1/jobs/job_1')),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(8).fill(404)]);
  });
});

describe('if the worker dies between the row and the documents', () => {
  async function dying() {
    const job = finishedJob({ ...settled, results: largeResults });
    const world = worldWith(job);
    await store(world, job);
    const { remove } = world.documents;
    world.documents.remove = () => Promise.reject(new Error('out of reach'));
    await expect(ask(world, 'DELETE', '/v1/jobs/job_1')).rejects.toThrow('out of reach');
    world.documents.remove = remove;
    return world;
  }

  it('nobody can read the job, and the sweeper deletes its documents', async () => {
    const world = await dying();
    expect((await ask(world, 'GET', '/v1/jobs/job_1')).status).toBe(404);
    world.clock.time = NOW + 29_999;
    await sweep(world);
    expect(dump(world)).toContain(CANARY);
    world.clock.time = NOW + 30_000;
    await sweep(world);
    expect(dump(world)).not.toContain(CANARY);
    expect(world.told).toContainEqual(expect.objectContaining({ outcome: 'unfinished_deletion' }));
    expect(world.metrics.JobsRecovered).toBe(1);
  });

  it('the sweeper does that once', async () => {
    const world = await dying();
    world.clock.time = NOW + 30_000;
    await sweep(world);
    const remove = vi.spyOn(world.documents, 'remove');
    world.clock.time = NOW + 3_600_000;
    await sweep(world);
    expect(remove).not.toHaveBeenCalled();
  });
});

describe('a job cannot be deleted', () => {
  it.each<[what: string, job: Job, retryAfter: string]>([
    ['while it is being submitted', submittingJob(), '1'],
    ['while it runs', runningJob({ expectedWakeUp: wakeUp(1, 't', NOW + 7000) }), '7'],
    ['while its webhook has not been tried', finishedJob(), '5'],
    [
      'while its webhook waits for an attempt',
      finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(2, 't', NOW + 300_000) }) }),
      '300',
    ],
    [
      'while an attempt is under way',
      finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(2), leaseUntil: NOW + 60_000 }) }),
      '5',
    ],
  ])('%s', async (_what, job, retryAfter) => {
    const world = worldWith(job);
    const before = dump(world);
    const { status, headers, json } = await ask(world, 'DELETE', '/v1/jobs/job_1');
    expect([status, json.code, headers['retry-after']]).toEqual([409, 'not_deletable', retryAfter]);
    expect(dump(world)).toBe(before);
  });

  it('by another client', async () => {
    const world = worldWith(finishedJob(settled));
    const before = dump(world);
    expect((await ask(world, 'DELETE', '/v1/jobs/job_1', null, 'other')).json.code).toBe('not_found');
    expect(dump(world)).toBe(before);
  });
});

it.each(['delivered', 'exhausted', 'gone', 'blocked'] as const)(
  'a job can be deleted once its webhook is %s',
  async (status) => {
    const world = worldWith(finishedJob({ webhook: settledWebhook(status) }));
    expect((await ask(world, 'DELETE', '/v1/jobs/job_1')).status).toBe(204);
  },
);

describe('a worker that loses the race to end a job', () => {
  const end = {
    ...cancelled(runningJob()),
    results: { json: `["${CANARY}"]`, failedTasks: 0, missing: 0, surplus: 0 },
  };

  it('leaves no documents behind that a deletion would not find', async () => {
    const world = worldWith(runningJob({ webhook: null }));
    const job = world.jobs.rows.get('job_1') as never;
    const ended = await Promise.all([finish(job, end, world), finish(job, end, world)]);
    expect(ended.filter((each) => each === null).length).toBe(1);
    expect(world.documents.contents.keys().length).toBe(1);
    await ask(world, 'DELETE', '/v1/jobs/job_1');
    expect(dump(world)).not.toContain(CANARY);
  });

  it('keeps those of its own if it has won after all, and another has written since', async () => {
    const world = worldWith(runningJob());
    const { replace } = world.jobs;
    world.jobs.replace = async (after) => {
      await replace(after);
      world.jobs.replace = replace;
      return false;
    };
    expect(await finish(world.jobs.rows.get('job_1') as never, end, world)).toBeNull();
    const { event } = world.jobs.rows.get('job_1') as FinishedJob;
    expect(await world.documents.load(event)).toContain(CANARY);
  });
});
