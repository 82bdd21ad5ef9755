import { expect, it } from 'vitest';
import type { Exchange } from '../../functions/core/attempt.ts';
import type { FinishedJob } from '../../functions/core/job.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { finishedJob, pendingWebhook, wake } from '../fakes/jobs.ts';
import { fakeWorld } from '../fakes/world.ts';

const answered = (status: number): Exchange => ({ kind: 'answered', status, retryAfterSeconds: null });

function worldWith(...exchanges: Exchange[]) {
  const world = fakeWorld({ exchanges });
  const job = finishedJob();
  world.documents.contents.set(job.event.key, '{}');
  world.jobs.rows.set(job.jobId, job);
  const webhook = () => (world.jobs.rows.get(job.jobId) as FinishedJob).webhook;
  return { world, job, webhook };
}

it('a delivery whose row the sweeper has just written goes on all the same', async () => {
  const { world, job, webhook } = worldWith(answered(204));
  const rescue = wake(2, 'of the sweeper');
  const { find } = world.jobs;
  world.jobs.find = async (jobId) => {
    const read = await find(jobId);
    world.jobs.find = find;
    await world.jobs.replace({ ...job, version: 3, webhook: pendingWebhook({ awaited: rescue }) });
    return read;
  };
  await deliver({ jobId: job.jobId, wake: rescue, attempts: 0 }, world);
  expect([world.posted.length, webhook()?.status]).toEqual([1, 'delivered']);
});

it('a message that arrives before its sender has recorded it comes again', async () => {
  const { world, job, webhook } = worldWith(answered(500), answered(204));
  world.settings.webhookSchedule = [0, 0, 5];
  const queue: DeliverMessage[] = [];
  const failures: unknown[] = [];
  world.wakeUps.deliver = async (message) => {
    queue.push(message);
    await deliver(message, world).catch((error) => failures.push(error));
  };
  await deliver({ jobId: job.jobId, wake: wake(1), attempts: 0 }, world);
  expect([queue.length, failures.length, webhook()?.status]).toEqual([1, 1, 'pending']);
  world.clock.time += 10_000;
  await deliver(queue[0] as DeliverMessage, world);
  expect([world.posted.length, webhook()?.status]).toEqual([2, 'delivered']);
});
