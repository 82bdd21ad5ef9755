import { describe, expect, it } from 'vitest';
import { OF_PARTS, type Plan } from '../../functions/core/parts/parts.ts';
import { advance } from '../../functions/parts/advance.ts';
import { beginPart } from '../../functions/parts/begin.ts';
import { merge } from '../../functions/parts/merge.ts';
import { endsOf } from '../../functions/parts/results.ts';
import { poll } from '../../functions/poll/poll.ts';
import { finishedJob, NOW, pollMessage } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';
import { largeJob } from './large-job.ts';
import { postJob } from './post.ts';

it('what ends while the results are merged is in none of their readings', async () => {
  const world = fakeWorld();
  const result = JSON.stringify([{ task_index: 0, status: 'completed', result: 'r', error: null }]);
  const results = await world.documents.save('results/part', result);
  for (const part of [0, 1]) await world.jobs.insert(finishedJob({ jobId: `job_1-0-${part}`, results }));
  const plan: Plan = { parts: [[0], [1]] };
  const job = largeJob(2, { begun: 2, open: [1] });
  const merged = await merge(job, [plan], await endsOf(job, [plan], world), world);
  expect(JSON.parse(merged?.json ?? '').map(({ status }: { status: string }) => status)).toEqual([
    'completed',
    'failed',
  ]);
});

it.each([
  { status: 'expired', completedTasks: 3, error: null },
  { status: 'failed', completedTasks: 0, error: { code: 'never_submitted', message: '' } },
] as const)(
  'what has not ended of a part that ends as $status with its job is not said to have ended',
  async (end) => {
    const world = fakeWorld();
    const plan = await world.documents.save(
      'plan',
      JSON.stringify({
        parts: [
          [0, 1],
          [2, 3, 4, 5],
        ],
      }),
    );
    const part = { totalTasks: 4, results: null, ...end };
    const whole = { totalTasks: 2, results: null };
    await world.jobs.insert(finishedJob({ jobId: 'job_1-0-0', ...whole }));
    await world.jobs.insert(finishedJob({ jobId: 'job_1-0-1', ...part }));
    const rounds = [{ plan, parts: 2 }];
    const job = { ...largeJob(2, { rounds, begun: 2, open: [0, 1], isTaken: true }), totalTasks: 6 };
    const completedTasks = 2 + end.completedTasks;
    expect(await advance({ ...job, expiresAt: NOW }, world)).toMatchObject({
      end: {
        status: 'expired',
        completedTasks,
        error: { message: expect.stringContaining(`${completedTasks} of its 6 conversations had ended`) },
      },
    });
  },
);

it('a part that has ended after its job is erased by whoever comes upon it, should its worker have died', async () => {
  const world = fakeWorld();
  const part = { jobId: 'job_1-0-0', partOf: 'job_1', webhook: null };
  const event = await world.documents.save('events/part', '{}');
  await world.jobs.insert(finishedJob({ ...part, event, results: 'in-event' }));
  await world.jobs.insert(finishedJob({ jobId: 'job_1', status: 'cancelled' }));
  await poll(pollMessage(1, 't', { jobId: part.jobId }), true, world);
  const row = await world.jobs.findRow(part.jobId);
  expect(row).toMatchObject({ status: 'deleted' });
  expect(row).not.toHaveProperty('leftovers');
  await expect(world.documents.load(event)).rejects.toThrow('is gone');
});

const generation = { model_id: 'm', messages: [], temperature: 0, max_tokens: 1 };

it('the requests that a worker has left of parts that it was to begin go when its message comes again', async () => {
  const world = fakeWorld();
  const job = largeJob(4, { begun: 1, open: [0] });
  await world.jobs.insert(job);
  const { parts, totalTasks } = job;
  const next = { step: 'wait', seconds: 1, completedTasks: 0, doubt: null, parts, totalTasks } as const;
  const message = pollMessage(1, 't', { upstreamJobId: OF_PARTS });
  await poll(message, false, { ...world, advance: async () => next });
  const [sent] = world.wakeUps.sent;
  if (sent?.queue !== 'collect') throw new Error('Nothing was sent to the collector');
  expect(sent.message.toBegin).toEqual({ round: 0, from: 1, to: 4 });
  world.jobs.rows.set('job_1', finishedJob({ status: 'cancelled', webhook: null }));
  const { createdAt } = job;
  const begun = { jobId: 'job_1-0-0', createdAt };
  const ofAnother = { jobId: 'job_1-0-1', createdAt: NOW };
  const late = [1, 3].map((part) => ({ jobId: `job_1-0-${part}`, createdAt }));
  for (const each of [begun, ofAnother, ...late]) await world.requests.save(each, generation);
  const { toBegin, ...older } = sent.message;
  await poll(older, true, world);
  expect(world.cloud.objects.size).toBe(4);
  await poll(sent.message, true, world);
  for (const each of late) await expect(world.requests.load(each)).rejects.toThrow();
  for (const each of [begun, ofAnother]) expect(await world.requests.load(each)).toEqual(generation);
});

it('a worker that saves the request of a part which another has begun, and which is erased by then, deletes it', async () => {
  const world = fakeWorld();
  const part = { jobId: 'job_1-0-0', partOf: 'job_1', webhook: null };
  await world.jobs.insert(finishedJob({ jobId: 'job_1', status: 'cancelled' }));
  const sources = { ...world.sources, read: async () => [Buffer.from('[{"role":"user","content":"a"}]')] };
  const save: typeof world.requests.save = async (...asked) => {
    await world.jobs.insert(finishedJob(part));
    await world.requests.save(...asked);
  };
  const late = { ...world, sources, requests: { ...world.requests, save } };
  await beginPart(largeJob(1, {}), 0, { parts: [[0]] }, [0, 31], late);
  expect(world.cloud.objects.size).toBe(0);
});

it('what a part asks is deleted if its job has ended before the part was begun', async () => {
  const world = fakeWorld();
  await world.jobs.insert(finishedJob({ jobId: 'job_1', status: 'cancelled' }));
  const sources = { ...world.sources, read: async () => [Buffer.from('[{"role":"user","content":"a"}]')] };
  await beginPart(largeJob(1, {}), 0, { parts: [[0]] }, [0, 31], { ...world, sources });
  expect(await world.jobs.find('job_1-0-0')).toMatchObject({ status: 'queued' });
  expect(world.cloud.objects.size).toBe(0);
});

describe('of a large submission', () => {
  const messages = Array.from({ length: 5 }, (_, i) => [{ role: 'user', content: `${i}` }]);
  const headers = { 'idempotency-key': 'k' };
  const largeWorld = () => {
    const world = fakeWorld();
    Object.assign(world.settings, {
      queueForSeconds: 3600,
      partLimits: { conversations: 4, bytes: 100_000 },
    });
    return world;
  };

  it('nothing is taken back if the answer to its wake-up was lost, and the sweeper looks after it', async () => {
    const world = largeWorld();
    world.wakeUps.poll = async () => {
      throw new Error('No answer');
    };
    const { status, job } = await postJob(world, { messages }, 'acme', headers);
    expect(status).toBe(202);
    expect(world.cloud.objects.size).toBe(1);
    expect(await world.jobs.find(job.job_id)).toMatchObject({ status: 'running', wakeUpDeadline: NOW });
  });

  it('nothing is left if its conversations could not be stored', async () => {
    const world = largeWorld();
    const { save } = world.requests;
    world.requests.save = async (...given) => {
      await save(...given);
      throw new Error('No answer');
    };
    await expect(postJob(world, { messages }, 'acme', headers)).rejects.toThrow('No answer');
    expect([world.cloud.objects.size, world.jobs.rows.size]).toEqual([0, 0]);
  });

  it('the conversations stay if its late message comes while a repeat gives it up', async () => {
    const world = largeWorld();
    const { replace } = world.jobs;
    world.jobs.replace = async () => {
      throw new Error('Died');
    };
    await expect(postJob(world, { messages }, 'acme', headers)).rejects.toThrow('Died');
    const [sent] = world.wakeUps.sent;
    if (sent?.queue !== 'poll') throw new Error('No poll was sent');
    world.clock.time += 61_000;
    // It is adopted just before the repeat writes that it has ended.
    world.jobs.replace = async (row) => {
      world.jobs.replace = replace;
      await poll(sent.message, false, world as never);
      return replace.call(world.jobs, row);
    };
    const again = await postJob(world, { messages }, 'acme', headers);
    expect([again.status, again.job.code]).toEqual([409, 'submission_in_progress']);
    expect(world.cloud.objects.size).toBe(1);
  });
});
