import { beforeEach, describe, expect, it, vi } from 'vitest';
import { isFinished } from '../../../functions/core/job.ts';
import { logger } from '../../../functions/edge/log.ts';
import { comparable, golden, keepGolden, LARGE } from './golden.ts';
import { carryOn, largeWorld, tellLargeStory } from './large-story.ts';

beforeEach(() => {
  vi.spyOn(logger, 'write').mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

/** The file of what this release stores of queued and large jobs, of uploads and of destinations. */
const LATEST = 'large/4d';

it('this release stores what its file says of jobs that wait, of large ones and of uploads', async () => {
  const chapters = await tellLargeStory();
  keepGolden(LATEST, chapters);
  expect(comparable(chapters)).toEqual(comparable(golden(LATEST)));
});

describe.each(LARGE)(
  'what a release has stored of large and queued jobs comes to its end, %s,',
  (release) => {
    it.each(Object.entries(golden(release)))('from chapter %s', async (_chapter, before) => {
      const world = largeWorld(before);
      await carryOn(world);
      const jobs = Object.keys(before.rows).filter((key) => /^job_\w+$/.test(key));
      for (const jobId of jobs) {
        const job = await world.jobs.find(jobId);
        if (!job || !isFinished(job)) throw new Error(`${jobId} did not end`);
        expect(job).toMatchObject({ status: 'completed', failedTasks: 0, webhook: { status: 'delivered' } });
        const event = JSON.parse(await world.documents.load(job.event));
        expect(event.data.results.length).toBe(job.totalTasks);
        const wasDelivered = before.rows[jobId]?.['webhook']?.M?.['status']?.S === 'delivered';
        const posted = world.posted.filter(({ id }) => id === job.webhook?.id);
        expect(posted.map(({ body }) => JSON.parse(body))).toEqual(wasDelivered ? [] : [event]);
      }
      // What was asked is gone but for the upload, and so are the parts.
      const left = [...world.cloud.objects.keys()].filter((key) => !key.startsWith('uploads/'));
      expect(left).toEqual([]);
      const parts = Object.entries(world.stored().rows).filter(([key]) => /^job_\w+-/.test(key));
      expect(parts.filter(([, row]) => row['status']?.S !== 'deleted')).toEqual([]);
    });
  },
);
