import { describe, expect, it } from 'vitest';
import type { FinishedJob, JobRow } from '../../functions/core/job.ts';
import {
  DEADLINE_EXTENSION_MILLIS,
  extendDeadline,
  overdueAt,
  SHARDS,
  shardOf,
} from '../../functions/core/polling/overdue.ts';
import { deleted, erased } from '../../functions/core/retention.ts';
import {
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';

const MINUTE = 60_000;
const watched = { wakeUpDeadline: NOW + 15 * MINUTE };
const finished = (webhook: FinishedJob['webhook']) => finishedJob({ ...watched, webhook });

describe('overdueAt', () => {
  it.each<[what: string, job: JobRow, at: number | null]>([
    ['a submission: when its watch ends', submittingJob(watched), NOW + 15 * MINUTE],
    ['a running job: when its watch ends', runningJob(watched), NOW + 15 * MINUTE],
    [
      'a running job: at its expiry and a little',
      runningJob({ ...watched, expiresAt: NOW + MINUTE }),
      NOW + MINUTE + 15_000,
    ],
    ['a submission, too', submittingJob({ ...watched, expiresAt: NOW + MINUTE }), NOW + MINUTE + 15_000],
    [
      'a webhook that awaits an attempt',
      finished(pendingWebhook({ expectedWakeUp: wakeUp(1) })),
      NOW + 15 * MINUTE,
    ],
    ['a webhook that was never set off', finished(pendingWebhook()), NOW + 15 * MINUTE],
    ['nothing without a webhook', finished(null), null],
    [
      'a deleted job: half a minute later, if anything is left of it',
      deleted(finished(null), NOW),
      NOW + 30_000,
    ],
    ['a deleted job of which nothing is left', erased(deleted(finished(null), NOW), NOW), null],
    ['nothing once it was delivered', finished(settledWebhook('delivered')), null],
    ['nothing once it is exhausted', finished(settledWebhook('exhausted')), null],
    ['nothing once it is gone', finished(settledWebhook('gone')), null],
    ['nothing once it is blocked', finished(settledWebhook('blocked')), null],
  ])('says when the sweeper must look after a job: %s', (_what, job, at) => {
    expect(overdueAt(job)).toBe(at);
  });
});

describe('extendDeadline', () => {
  const until = NOW + DEADLINE_EXTENSION_MILLIS;

  it.each([
    ['now', 0, until],
    ['in ten minutes', 10 * MINUTE, until],
    ['a moment later', 10 * MINUTE + 1, NOW + 25 * MINUTE + 1],
    ['in an hour', 60 * MINUTE, NOW + 75 * MINUTE],
  ])('covers a wake-up that is due %s', (_what, wait, wakeUpDeadline) => {
    expect(extendDeadline(NOW + wait, until)).toBe(wakeUpDeadline);
  });

  it('leaves a message that failed once the time to come back', () => {
    for (let wait = 0; wait < 30 * MINUTE; wait += 7777) {
      expect(extendDeadline(NOW + wait, until)).toBeGreaterThanOrEqual(NOW + wait + 5 * MINUTE);
    }
  });
});

describe('shardOf', () => {
  it('spreads jobs over all shards', () => {
    const shards = Array.from({ length: 200 }, (_, i) => shardOf(`job_${i}`));
    expect([...new Set(shards)].sort()).toEqual(Array.from({ length: SHARDS }, (_, i) => i));
  });

  it('gives the same shard in every release, so that existing rows are found', () => {
    expect([SHARDS, shardOf('job_1'), shardOf('job_2')]).toEqual([8, 3, 1]);
  });
});
