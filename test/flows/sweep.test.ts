import { describe, expect, it } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { shardOf } from '../../functions/core/polling/overdue.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { finishedJob, NOW, OF_JOB_1, pendingWebhook, runningJob, wakeUp } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const MINUTE = 60_000;
const { upstreamJobId, expectedWakeUp, isSeen, doubt, completedTasks, ...unfinished } = runningJob();
const submitting = { ...unfinished, status: 'submitting', leaseUntil: NOW + MINUTE } as const;

async function swept(job: Job, after: number) {
  const world = fakeWorld();
  world.jobs.rows.set(job.jobId, job);
  world.clock.time += after;
  await sweep(world);
  return { ...world, after: world.jobs.rows.get(job.jobId) };
}

describe('sweep', () => {
  it('ends a submission whose worker is gone', async () => {
    const { after, wakeUps, metrics } = await swept(submitting, 20 * MINUTE);
    expect(after).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
    expect(wakeUps.sent).toMatchObject([{ queue: 'deliver' }]);
    expect(metrics).toMatchObject({ UnknownSubmissions: 1, JobsRecovered: 1, Sweeps: 1 });
  });

  it('wakes a running job whose wake-up is lost, once', async () => {
    const { after, wakeUps, metrics } = await swept(runningJob({ expectedWakeUp: wakeUp(4) }), 20 * MINUTE);
    expect(wakeUps.sent).toMatchObject([{ queue: 'poll', delaySeconds: 0, message: { wakeUp: { seq: 5 } } }]);
    expect(after).toMatchObject({ status: 'running', expectedWakeUp: wakeUps.sent[0]?.message.wakeUp });
    expect(metrics).toMatchObject({ JobsRecovered: 1, OldestOverdueSeconds: 300 });
  });

  it('expires an overdue job', async () => {
    const { after } = await swept(
      runningJob({ expectedWakeUp: wakeUp(4), expiresAt: NOW + MINUTE }),
      2 * MINUTE,
    );
    expect(after).toMatchObject({ status: 'expired', error: { code: 'expired' } });
  });

  it.each([
    ['whose first delivery is lost', wakeUp(1)],
    ['whose retry is lost', wakeUp(3)],
  ])('wakes a finished job %s', async (_what, lost) => {
    const job = finishedJob({ webhook: pendingWebhook({ attempts: 2, expectedWakeUp: lost }) });
    const { wakeUps } = await swept(job, 20 * MINUTE);
    const message = { attempts: 2, wakeUp: { seq: lost.seq + 1 } };
    expect(wakeUps.sent).toMatchObject([{ queue: 'deliver', message }]);
  });

  it.each([
    ['is being submitted', submitting, 0],
    ['awaits a wake-up that may still come', runningJob(), 4 * MINUTE],
    [
      'awaits a far retry',
      finishedJob({
        wakeUpDeadline: NOW + 2 * 3_600_000,
        webhook: pendingWebhook({ expectedWakeUp: wakeUp(2, 't', NOW + 3_600_000) }),
      }),
      MINUTE,
    ],
    ['has no webhook', finishedJob({ webhook: null }), 20 * MINUTE],
  ] satisfies [string, Job, number][])('leaves a job alone that %s', async (_what, job, after) => {
    const { wakeUps, metrics } = await swept(job, after);
    expect([wakeUps.sent, metrics]).toEqual([[], { Sweeps: 1, OldestOverdueSeconds: 0 }]);
  });

  it('does no harm when two sweeps run at once', async () => {
    const world = fakeWorld();
    world.jobs.rows.set('job_1', runningJob());
    world.clock.time += 20 * MINUTE;
    await Promise.all([sweep(world), sweep(world)]);
    const recorded = world.jobs.rows.get('job_1') as { expectedWakeUp: unknown };
    const counting = world.wakeUps.sent.filter((sent) => sent.message.wakeUp === recorded.expectedWakeUp);
    expect(counting.length).toBeLessThanOrEqual(1);
    expect(world.wakeUps.sent.map((sent) => sent.message.wakeUp)).toContainEqual(recorded.expectedWakeUp);
  });

  const recoveries: [outcome: string, job: Job, more: object[]][] = [
    ['abandoned_submission', submitting, [{ stage: 'finish', outcome: 'failed' }]],
    ['lost_expiry', runningJob({ expiresAt: NOW + 20 * MINUTE }), [{ stage: 'finish', outcome: 'expired' }]],
    ['lost_poll', runningJob({ expiresAt: NOW + 20 * MINUTE + 1 }), []],
    ['lost_delivery', finishedJob(), []],
  ];
  it.each(recoveries)('logs one line for the job and one for the sweep: %s', async (outcome, job, more) => {
    const { told } = await swept(job, 20 * MINUTE);
    const line = { stage: 'sweep', outcome, ...OF_JOB_1, client: 'acme', age_seconds: 20 * 60 + 10 };
    expect(told.toSpliced(0, more.length)).toEqual([line, { stage: 'sweep', outcome: 'swept' }]);
    expect(told).toMatchObject([...more, {}, {}]);
  });

  it('sends a poll made from the row without a delay, and then records it', async () => {
    const job = runningJob({ expectedWakeUp: wakeUp(4), isSeen: false });
    const { after, wakeUps } = await swept(job, 20 * MINUTE);
    const next = { seq: 5, token: expect.any(String), dueAt: NOW + 20 * MINUTE };
    const known = { jobId: 'job_1', upstreamJobId: 'up-1', polledAt: job.updatedAt, isSeen: true };
    const message = { ...known, wakeUp: next, recordedToken: expect.any(String), pollsSinceRecord: 0 };
    expect(wakeUps.sent).toEqual([{ queue: 'poll', message, delaySeconds: 0 }]);
    const [{ message: sent } = { message: null }] = wakeUps.sent;
    expect(sent).toMatchObject({ recordedToken: sent?.wakeUp.token });
    expect(after).toMatchObject({ version: 3, expectedWakeUp: sent?.wakeUp });
  });

  it('sends a delivery made from the row without a delay, and then records it', async () => {
    const job = finishedJob({ webhook: pendingWebhook({ attempts: 2, expectedWakeUp: wakeUp(3) }) });
    const { after, wakeUps } = await swept(job, 20 * MINUTE);
    const next = { seq: 4, token: expect.any(String), dueAt: NOW + 20 * MINUTE };
    const message = { jobId: 'job_1', wakeUp: next, attempts: 2 };
    expect(wakeUps.sent).toEqual([{ queue: 'deliver', message, delaySeconds: 0 }]);
    const webhook = { attempts: 2, expectedWakeUp: wakeUps.sent[0]?.message.wakeUp };
    expect(after).toMatchObject({ version: 3, webhook });
  });

  it.each<[title: string, row: Job | null, isRescued: boolean]>([
    ['rescues a job at the very moment from which it is overdue', runningJob(), true],
    ['leaves a job alone that is not overdue yet', runningJob({ wakeUpDeadline: NOW + 900_001 }), false],
    ['leaves a job alone that has nothing left to do', finishedJob({ webhook: null }), false],
    ['leaves a job alone that is gone', null, false],
  ])('%s, although the index names it', async (_title, row, isRescued) => {
    const world = fakeWorld();
    if (row) world.jobs.rows.set('job_1', row);
    world.overdue.pages = async function* (shard) {
      if (shard === 0) yield ['job_1'];
    };
    world.clock.time = NOW + 900_000;
    await sweep(world);
    expect(world.wakeUps.sent.length).toBe(isRescued ? 1 : 0);
    const recovered = isRescued ? { JobsRecovered: 1 } : {};
    expect(world.metrics).toEqual({ Sweeps: 1, OldestOverdueSeconds: 0, ...recovered });
  });

  it.each([
    ['begins no other page when its time is up', 45_000, 1],
    ['begins another page while there is time', 44_999, 2],
  ])('%s', async (_title, millis, pages) => {
    const world = fakeWorld();
    let begun = 0;
    world.overdue.pages = async function* (shard) {
      if (shard !== 0) return;
      for (const jobId of ['job_1', 'job_2']) {
        begun++;
        yield [jobId];
        world.clock.time += begun === 1 ? 0 : millis;
      }
    };
    world.jobs.findRow = async () => {
      if (begun === 1) world.clock.time += millis;
      return null;
    };
    await sweep(world);
    expect(begun).toBe(pages);
  });

  it('reports how long the longest overdue job of all shards has been overdue', async () => {
    const world = fakeWorld();
    for (const [i, minutes] of [3, 9, 1, 7, 5].entries()) {
      const wakeUpDeadline = NOW - minutes * MINUTE;
      world.jobs.rows.set(`job_${i}`, runningJob({ jobId: `job_${i}`, wakeUpDeadline }));
    }
    await sweep(world);
    expect(world.metrics).toMatchObject({ JobsRecovered: 5, OldestOverdueSeconds: 9 * 60 });
  });

  it('throws the first failure as its cause, and logs that the sweep failed', async () => {
    const world = fakeWorld();
    world.jobs.rows.set('job_1', runningJob());
    world.clock.time += 20 * MINUTE;
    const cause = new Error('throttled');
    world.wakeUps.poll = async () => Promise.reject(cause);
    await expect(sweep(world)).rejects.toMatchObject({ cause });
    expect(world.told).toEqual([{ stage: 'sweep', outcome: 'failed' }]);
    // Every shard was read, so it is a heartbeat all the same.
    expect(world.metrics).toEqual({ Sweeps: 1, OldestOverdueSeconds: 300 });
    expect(world.jobs.rows.get('job_1')).toEqual(runningJob());
  });

  it('rescues the others when one job cannot be rescued', async () => {
    const world = fakeWorld();
    for (let i = 0; i < 300; i++) world.jobs.rows.set(`job_${i}`, runningJob({ jobId: `job_${i}` }));
    world.clock.time += 20 * MINUTE;
    const { poll } = world.wakeUps;
    world.wakeUps.poll = async (message, delaySeconds) => {
      if (message.jobId.endsWith('7')) throw new Error('throttled');
      await poll(message, delaySeconds);
    };
    await expect(sweep(world)).rejects.toThrow('30 overdue jobs or shards failed');
    expect(world.wakeUps.sent.length).toBe(270);
  });

  it('sweeps seven shards if the eighth cannot be read, counts no sweep, and waits for all of its work', async () => {
    const world = fakeWorld();
    const jobs = Array.from({ length: 80 }, (_, i) => runningJob({ jobId: `job_${i}` }));
    for (const job of jobs) world.jobs.rows.set(job.jobId, job);
    const { pages } = world.overdue;
    world.overdue.pages = (shard, now) => {
      if (shard === 3) throw new Error('The shard cannot be read');
      return pages(shard, now);
    };
    let underWay = 0;
    const { find } = world.jobs;
    world.jobs.find = async (jobId) => {
      underWay++;
      const job = await find(jobId);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      underWay--;
      return job;
    };
    world.clock.time += 20 * MINUTE;
    await expect(sweep(world)).rejects.toThrow('1 overdue jobs or shards failed');
    expect(underWay).toBe(0);
    const readable = jobs.filter(({ jobId }) => shardOf(jobId) !== 3);
    expect(world.wakeUps.sent.length).toBe(readable.length);
    expect(world.metrics).toMatchObject({
      Sweeps: 0,
      JobsRecovered: readable.length,
      OldestOverdueSeconds: 300,
    });
  });
});
