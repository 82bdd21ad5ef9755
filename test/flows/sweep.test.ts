import { describe, expect, it } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { shardOf } from '../../functions/core/polling/overdue.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { finishedJob, NOW, pendingWebhook, runningJob, wakeUp } from '../fakes/jobs.ts';
import { fakeWorld } from '../fakes/world.ts';

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

  it('rescues thousands of jobs in one sweep', async () => {
    const world = fakeWorld();
    for (let i = 0; i < 5000; i++) world.jobs.rows.set(`job_${i}`, runningJob({ jobId: `job_${i}` }));
    world.clock.time += 20 * MINUTE;
    await sweep(world);
    expect(new Set(world.wakeUps.sent.map((sent) => sent.message.jobId)).size).toBe(5000);
  });
});
