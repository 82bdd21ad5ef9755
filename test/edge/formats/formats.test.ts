import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isFinished, isPending } from '../../../functions/core/job.ts';
import { overdueAt } from '../../../functions/core/polling/overdue.ts';
import type { Report } from '../../../functions/core/upstream/report.ts';
import { logger } from '../../../functions/edge/log.ts';
import { sweep } from '../../../functions/sweep/sweep.ts';
import { QUEUES } from '../../cloud/cloud.ts';
import { comparable, GOLDEN, golden, keepGolden } from './golden.ts';
import { type Stored, storedWorld } from './stored-world.ts';
import { tellStory } from './story.ts';

beforeEach(() => {
  vi.spyOn(logger, 'write').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The file of what this release stores. */
const LATEST = '4d';

it('this release stores what its file says; whatever differs needs another file, and may need another format', async () => {
  const chapters = await tellStory();
  keepGolden(LATEST, chapters);
  expect(comparable(chapters)).toEqual(comparable(golden(LATEST)));
});

describe.each(GOLDEN)('what a release has stored is understood, %s:', (release) => {
  const chapters = Object.entries(golden(release));

  it.each(chapters)('its rows, while %s', async (_chapter, before) => {
    const { jobs, stored } = storedWorld(before);
    for (const jobId of Object.keys(before.rows)) {
      const job = await jobs.findRow(jobId);
      if (!job) throw new Error(`${jobId} is gone`);
      await jobs.replace({ ...job, version: job.version + 1 });
      const { writeId, version, format, ...row } = stored().rows[jobId] ?? {};
      expect({ ...before.rows[jobId], ...row }).toEqual(before.rows[jobId]);
    }
  });

  it.each(chapters)('its jobs come to their end from where they are: %s', async (chapter, before) => {
    const reports: Report[] = [
      { kind: 'completed', results: { json: '["later"]', failedTasks: 0, missing: 0, surplus: 0 } },
    ];
    const exchanges = [{ kind: 'answered', status: 204, retryAfterSeconds: null } as const];
    const world = storedWorld(before, { reports, exchanges });
    world.clock.time = Math.max(...(await latestChanges(world, before))) + 2 * 3_600_000;
    await carryOn(world);
    for (const jobId of Object.keys(before.rows)) {
      if ((await world.jobs.findRow(jobId))?.status === 'deleted') {
        expect(world.documents.contents.keys().filter((key) => key.includes(jobId))).toEqual([]);
        expect(await world.jobs.find(jobId)).toBeNull();
        continue;
      }
      const job = await world.jobs.find(jobId);
      const status = chapter === 'it is being submitted' ? 'failed' : 'completed';
      expect(job).toMatchObject({ status });
      if (!job || !isFinished(job)) continue;
      if (job.webhook) expect(job.webhook.status).toBe('delivered');
      const event = await world.documents.load(job.event);
      expect(JSON.parse(event)).toMatchObject({ type: `job.${status}`, data: { job_id: jobId } });
      const isAwaited = !['its webhook was delivered', 'it is delivered again'].includes(chapter);
      if (job.webhook) expect(world.posted.map(({ body }) => body)).toEqual(isAwaited ? [event] : []);
    }
  });
});

async function latestChanges({ jobs }: ReturnType<typeof storedWorld>, { rows }: Stored): Promise<number[]> {
  const found = await Promise.all(Object.keys(rows).map((jobId) => jobs.findRow(jobId)));
  return found.map((job) => job?.updatedAt ?? 0);
}

/** Receives what is in the queues; then the sweeper does the rest. */
async function carryOn(world: ReturnType<typeof storedWorld>): Promise<void> {
  const receiveAll = async () => {
    for (const queue of QUEUES)
      while (world.cloud.queues[queue].messages.size > 0)
        expect(await world.receive(queue)).toMatchObject({ isDone: true });
  };
  await receiveAll();
  await sweep(world);
  await receiveAll();
  for (const jobId of Object.keys(world.stored().rows)) {
    const job = await world.jobs.findRow(jobId);
    const isUnderWay = job !== null && job.status !== 'deleted' && isPending(job);
    expect(job && (isUnderWay ? 'pending' : overdueAt(job))).toBeNull();
  }
}
