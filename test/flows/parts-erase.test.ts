import { describe, expect, it } from 'vitest';
import type { PendingWebhook } from '../../functions/core/job.ts';
import { partIds } from '../../functions/core/parts/parts.ts';
import { cancelled } from '../../functions/core/upstream/report.ts';
import { finish, forget } from '../../functions/finish/finish.ts';
import { deleteJob } from '../../functions/jobs/delete.ts';
import { split } from '../../functions/parts/split.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { finishedJob, NOW, pendingWebhook } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';
import { largeJob } from './large-job.ts';

const queueing = { until: NOW + 3_600_000, turn: 1, since: NOW };

/** A job whose row says that there may be something of its parts, all of which have ended. */
async function scene(webhook: PendingWebhook | null = null) {
  const count = 60;
  const world = fakeWorld();
  const { parts } = largeJob(count, { begun: count });
  const job = { ...finishedJob({ jobId: 'job_1', webhook, updatedAt: NOW }), queueing, parts };
  await world.jobs.insert(job);
  for (let part = 0; part < count; part++)
    await world.jobs.insert(finishedJob({ jobId: `job_1-0-${part}`, partOf: 'job_1', webhook: null }));
  const erasedParts = async () => {
    const rows = await Promise.all(partIds(job).map((id) => world.jobs.findRow(id)));
    return rows.filter((row) => row?.status === 'deleted' && !row.leftovers).length;
  };
  return { world, job, erasedParts };
}

type World = ReturnType<typeof fakeWorld>;

/** Each removal of a request takes so long. */
function slow(world: World, millis: number): World {
  const remove: typeof world.requests.remove = async (job) => {
    world.clock.time += millis;
    await world.requests.remove(job);
  };
  return { ...world, requests: { ...world.requests, remove } };
}

it('the end of a job touches no more parts than may have been begun', async () => {
  const world = fakeWorld();
  const running = { ...largeJob(5000, { begun: 1, open: [0] }), queueing };
  await world.jobs.insert(running);
  let removals = 0;
  const remove: typeof world.requests.remove = async (job) => {
    removals += 1;
    await world.requests.remove(job);
  };
  await finish(running, cancelled(running), { ...world, requests: { ...world.requests, remove } });
  expect(removals).toBe(102);
  expect(await world.jobs.find('job_1')).not.toHaveProperty('parts');
});

describe('parts that take long to erase', () => {
  it('are left to the sweeper, which goes on where the last one ended', async () => {
    const { world, erasedParts } = await scene();
    const log: unknown[] = [];
    const event = (...said: unknown[]) => void log.push(said);
    const sweeping = { ...slow(world, 200), log: { ...world.log, event } };
    const progress: number[] = [];
    for (let i = 0; i < 3; i++) {
      world.clock.time += 60_000;
      await sweep(sweeping as never);
      progress.push(await erasedParts());
    }
    expect(progress).toEqual([40, 60, 60]);
    expect(await world.jobs.find('job_1')).not.toHaveProperty('queueing');
    // It is no job whose wake-up was lost.
    expect(log.filter((said) => JSON.stringify(said).includes('JobsRecovered')).length).toBe(1);
  });

  it('are not erased twice', async () => {
    const { world, job } = await scene();
    let writes = 0;
    const replace: typeof world.jobs.replace = (row) => {
      writes += 1;
      return world.jobs.replace(row);
    };
    const counting = { ...world, jobs: { ...world.jobs, replace } };
    expect(await forget(job, slow(counting, 200))).toBe(false);
    const first = writes;
    // As a worker does that has read the row before.
    expect(await forget(job, counting)).toBe(true);
    expect([first, writes]).toEqual([81, 123]);
  });

  it('make whoever deletes their job wait', async () => {
    const { world } = await scene();
    const call = { client: 'acme', jobId: 'job_1' } as never;
    const request = { body: Buffer.from(''), headers: {} } as never;
    const answer = await deleteJob(request, call, slow(world, 200) as never);
    expect(answer).toMatchObject({ status: 409, headers: { 'retry-after': '60' } });
    expect(await deleteJob(request, call, world as never)).toMatchObject({ status: 204 });
  });
});

it('a webhook that was lost is sent again even if what is stored of the parts refuses to go', async () => {
  const { world } = await scene(pendingWebhook());
  world.clock.time += 3_600_000;
  const remove = () => Promise.reject(new Error('S3 is down'));
  await expect(sweep({ ...world, requests: { ...world.requests, remove } })).rejects.toThrow('failed');
  expect(world.wakeUps.sent.map(({ queue }) => queue)).toEqual(['deliver']);
});

it('a job of more parts than can be merged ends before any of it is created', async () => {
  const world = fakeWorld();
  const line = '[{"role":"user","content":"a"}]\n';
  const job = largeJob(0, { rounds: [], format: 'jsonl', retries: 3 });
  async function* stream() {
    yield Buffer.from(line.repeat(5001));
  }
  const read = await split(job, { ...world, sources: { ...world.sources, stream } });
  expect(read).toMatchObject({ code: 'invalid_input' });
  expect(world.cloud.objects.size).toBe(0);
});
