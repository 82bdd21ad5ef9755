import { describe, expect, it, vi } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { cancel } from '../../functions/jobs/cancel.ts';
import { poll } from '../../functions/poll/poll.ts';
import { finishedJob, pollMessage, runningJob, submittingJob } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const request = {
  method: 'POST',
  path: '/v1/jobs/job_1/cancel',
  query: '',
  headers: {},
  body: Buffer.alloc(0),
  requestId: 'r1',
};

function worldWith(job: Job) {
  const world = fakeWorld({ reports: [{ kind: 'running', completedTasks: 2, unknownState: null }] });
  world.jobs.rows.set(job.jobId, job);
  return world;
}

async function cancelIn(world: ReturnType<typeof fakeWorld>, client = 'acme', asked = '') {
  const { status, headers, body } = await cancel(
    { ...request, headers: { 'content-type': 'application/json' }, body: Buffer.from(asked) },
    { operation: 'cancel', jobId: 'job_1', client },
    world,
  );
  return { status, headers, json: JSON.parse(body) };
}

describe('cancel', () => {
  it('ends a running job with its event and its webhook', async () => {
    const world = worldWith(runningJob({ completedTasks: 1 }));
    expect(await cancelIn(world)).toMatchObject({
      status: 200,
      json: { status: 'cancelled', completed_tasks: 1, results: null, error: null },
    });
    expect(world.jobs.rows.get('job_1')).toMatchObject({
      status: 'cancelled',
      webhook: { status: 'pending' },
    });
    expect([...world.documents.contents.values()].join()).toContain('"type":"job.cancelled"');
    expect(world.wakeUps.sent.map(({ queue }) => queue)).toEqual(['deliver']);
    expect(world.metrics).toMatchObject({ JobsCancelled: 1 });
  });

  it('ends the chain of polls', async () => {
    const world = worldWith(runningJob({ webhook: null }));
    await cancelIn(world);
    await poll(pollMessage(), false, world);
    expect(world.wakeUps.sent).toEqual([]);
  });

  it('either wins or loses against a poll at the same moment', async () => {
    const world = worldWith(runningJob());
    const [answer] = await Promise.all([cancelIn(world), poll(pollMessage(), false, world)]);
    expect(answer.status).toBe(200);
    expect(world.jobs.rows.get('job_1')?.status).toBe('cancelled');
  });

  it.each(['completed', 'failed', 'expired'] as const)(
    'refuses to cancel a job that is %s',
    async (status) => {
      const { status: code, json } = await cancelIn(worldWith(finishedJob({ status })));
      expect([code, json.code, json.detail]).toEqual([
        409,
        'not_cancellable',
        `The job is already ${status}.`,
      ]);
    },
  );

  it('answers a repeat as it did the first time, and changes nothing', async () => {
    const world = worldWith(runningJob());
    const first = await cancelIn(world);
    const row = world.jobs.rows.get('job_1');
    expect(await cancelIn(world)).toEqual(first);
    expect(world.jobs.rows.get('job_1')).toEqual(row);
    expect(world.wakeUps.sent.length).toBe(1);
  });

  it('asks the client to come back while the job is being submitted', async () => {
    const { status, headers, json } = await cancelIn(worldWith(submittingJob()));
    expect([status, json.code, headers['retry-after']]).toEqual([409, 'not_cancellable', '1']);
    expect(json.detail).toBe('The job is being submitted right now. Try again in a second.');
  });

  it('reads the row only once when nobody else writes it', async () => {
    const world = worldWith(runningJob());
    const find = vi.spyOn(world.jobs, 'find');
    await cancelIn(world);
    expect(find).toHaveBeenCalledTimes(1);
  });

  it.each<[what: string, meanwhile: Job, status: number]>([
    ['cancels a job that a poll has written meanwhile', runningJob({ version: 3, completedTasks: 2 }), 200],
    ['refuses a job that has finished meanwhile', finishedJob({ version: 3 }), 409],
  ])('%s', async (_what, meanwhile, status) => {
    const world = worldWith(runningJob());
    const { replace } = world.jobs;
    world.jobs.replace = async (after) => {
      if (world.jobs.rows.get('job_1')?.version === 2) world.jobs.rows.set('job_1', meanwhile);
      return replace(after);
    };
    const { status: answered, json } = await cancelIn(world);
    expect(answered).toBe(status);
    if (answered === 200) expect(json).toMatchObject({ status: 'cancelled', completed_tasks: 2 });
    else expect(json.detail).toBe('The job is already completed.');
  });

  it.each<[body: string, status: number, pointer?: string]>([
    ['{}', 200],
    ['{"reason":"typo"}', 400, '/reason'],
    ['{"force":true', 400, ''],
    ['[]', 400, ''],
  ])('accepts no body but an empty object: %s is answered with %i', async (body, status, pointer) => {
    const world = worldWith(runningJob());
    const { status: answered, json } = await cancelIn(world, 'acme', body);
    expect([answered, json.errors?.[0].pointer]).toEqual([status, pointer]);
    expect(world.jobs.rows.get('job_1')?.status).toBe(status === 200 ? 'cancelled' : 'running');
  });

  it('looks for the job before it reads the body', async () => {
    expect((await cancelIn(worldWith(runningJob()), 'other', '{"x":1}')).json.code).toBe('not_found');
  });

  it("does not find another client's job", async () => {
    const world = worldWith(runningJob());
    expect((await cancelIn(world, 'other')).json.code).toBe('not_found');
    expect(world.jobs.rows.get('job_1')?.status).toBe('running');
  });
});
