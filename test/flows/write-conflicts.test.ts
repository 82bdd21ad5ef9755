import { expect, it, vi } from 'vitest';
import type { FinishedJob, Job } from '../../functions/core/job.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { redeliver } from '../../functions/jobs/redeliver.ts';
import { poll } from '../../functions/poll/poll.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { record } from '../../functions/write-conflicts.ts';
import { finishedJob, NOW, pendingWebhook, pollMessage, runningJob, wakeUp } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const answered = (status: number): AttemptOutcome => ({ kind: 'answered', status, retryAfterSeconds: null });

function worldWith(...exchanges: AttemptOutcome[]) {
  const world = fakeWorld({ exchanges });
  const job = finishedJob();
  world.documents.contents.set(job.event.key, '{}');
  world.jobs.rows.set(job.jobId, job);
  const webhook = () => (world.jobs.rows.get(job.jobId) as FinishedJob).webhook;
  return { world, job, webhook };
}

it('a delivery goes on although the sweeper has just written its row', async () => {
  const { world, job, webhook } = worldWith(answered(204));
  const rescue = wakeUp(2, 'of the sweeper');
  const { find } = world.jobs;
  world.jobs.find = async (jobId) => {
    const read = await find(jobId);
    world.jobs.find = find;
    await world.jobs.replace({ ...job, version: 3, webhook: pendingWebhook({ expectedWakeUp: rescue }) });
    return read;
  };
  await deliver({ jobId: job.jobId, wakeUp: rescue, attempts: 0 }, world);
  expect([world.posted.length, webhook()?.status]).toEqual([1, 'delivered']);
});

it('a message that arrives before its sender has recorded it is received again later', async () => {
  const { world, job, webhook } = worldWith(answered(500), answered(204));
  world.settings.webhookSchedule = [0, 0, 5];
  const queue: DeliverMessage[] = [];
  const failures: unknown[] = [];
  world.wakeUps.deliver = async (message) => {
    queue.push(message);
    await deliver(message, world).catch((error) => failures.push(error));
  };
  await deliver({ jobId: job.jobId, wakeUp: wakeUp(1), attempts: 0 }, world);
  expect([queue.length, failures.length, webhook()?.status]).toEqual([1, 1, 'pending']);
  world.clock.time += 10_000;
  await deliver(queue[0] as DeliverMessage, world);
  expect([world.posted.length, webhook()?.status]).toEqual([2, 'delivered']);
});

it('an attempt that begins just before its deadline is not taken for lost', async () => {
  const { world, job, webhook } = worldWith(answered(204));
  world.jobs.rows.set(job.jobId, { ...job, wakeUpDeadline: NOW + 300_000 });
  world.clock.time = NOW + 295_000;
  const { send } = world.webhooks;
  world.webhooks.send = async (...given) => {
    world.clock.time += 6000;
    await sweep(world);
    return send(...given);
  };
  await deliver({ jobId: job.jobId, wakeUp: wakeUp(1), attempts: 0 }, world);
  expect([webhook()?.status, world.wakeUps.sent]).toEqual(['delivered', []]);
});

it('a redelivery is not put off by a hop that is being recorded', async () => {
  const { world, job, webhook } = worldWith(answered(204));
  const dueAt = NOW + 36_000_000;
  const expectedWakeUp = wakeUp(8, 't', dueAt);
  const waiting = {
    ...job,
    webhook: pendingWebhook({ attempts: 4, expectedWakeUp }),
    wakeUpDeadline: dueAt + 900_000,
  };
  world.jobs.rows.set(job.jobId, waiting);
  world.documents.contents.set(job.event.key, '{"data":{"results":[]}}');
  const { deliver: send } = world.wakeUps;
  world.wakeUps.deliver = async (...given) => {
    world.wakeUps.deliver = send;
    await send(...given);
    const request = {
      method: 'POST',
      path: '',
      query: '',
      headers: {},
      body: Buffer.alloc(0),
      requestId: 'r',
    };
    const authorized = { operation: 'redeliver', jobId: job.jobId, client: job.client } as const;
    expect((await redeliver(request, authorized, world)).status).toBe(202);
  };
  // Its sender died before it could record it.
  await deliver({ jobId: job.jobId, wakeUp: wakeUp(9, 'ahead', dueAt), attempts: 4 }, world);
  const round = world.wakeUps.sent.find(({ delaySeconds }) => delaySeconds === 0);
  await deliver(round?.message as DeliverMessage, world);
  expect([world.posted.length, webhook()?.status]).toEqual([1, 'delivered']);
});

it('of two chains, the one that writes later takes back no progress', async () => {
  const world = fakeWorld();
  world.jobs.rows.set('job_1', runningJob());
  const report = (completedTasks: number) =>
    ({ kind: 'running', completedTasks, unknownState: null }) as const;
  world.modelStudio.report = async () => {
    world.modelStudio.report = async () => report(2);
    await poll(pollMessage(1), true, world);
    return report(1);
  };
  await poll(pollMessage(3, 'u'), false, world);
  expect(world.jobs.rows.get('job_1')).toMatchObject({ completedTasks: 2 });
});

it.each<[what: string, rows: Job[], lostRaces: number, isWritten: boolean]>([
  ['is written to the row as it was read', [runningJob()], 0, true],
  ['is written to the row as somebody else left it', [runningJob(), runningJob({ version: 5 })], 1, true],
  ['is not written to a row that is further on', [runningJob(), finishedJob({ version: 5 })], 1, false],
  ['is not written when the row is gone', [runningJob()], 1, false],
])('what has already happened is recorded: it %s', async (_what, rows, lostRaces, isWritten) => {
  const [read, byThen = null] = rows as [Job, Job?];
  const written: Job[] = [];
  const jobs = {
    ...fakeWorld().jobs,
    replace: async (after: Job) => written.push(after) > lostRaces,
    find: async () => byThen,
  };
  const change = (row: Job) => (row.status === 'running' ? { ...row, version: row.version + 1 } : null);
  expect(await record(read, change, { jobs })).toBe(isWritten);
  const changed = (byThen ? [read, byThen] : [read]).map(change).filter((row) => row !== null);
  expect(written).toEqual(changed);
});

it('a row that changes at every try is a fault of ours, which is thrown', async () => {
  const { world, job } = worldWith();
  const lose = vi.fn(async () => false);
  world.jobs.replace = lose;
  const delivery = deliver({ jobId: job.jobId, wakeUp: wakeUp(1), attempts: 0 }, world);
  await expect(delivery).rejects.toThrow('The row job_1 changed under each of 5 tries to write it');
  expect([lose.mock.calls.length, world.posted]).toEqual([5, []]);
});
