import { describe, expect, it } from 'vitest';
import type { FinishedJob, Job } from '../../functions/core/job.ts';
import { overdueAt, SHARDS, shardOf } from '../../functions/core/overdue.ts';
import {
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  submittingJob,
  wake,
} from '../fakes/jobs.ts';

const MINUTE = 60_000;

const pending = (dueAt: number | null) =>
  pendingWebhook({ awaited: dueAt === null ? null : wake(1, 't', dueAt) });
const running = (dueAt: number, expiresAt = NOW + 24 * 60 * MINUTE) =>
  runningJob({ awaited: wake(1, 't', dueAt), expiresAt });
const finished = (webhook: FinishedJob['webhook']) => finishedJob({ webhook });

describe('overdueAt', () => {
  it.each<[what: string, job: Job, at: number | null]>([
    ['a submission: when its lease ends', submittingJob({ leaseUntil: NOW + MINUTE }), NOW + MINUTE],
    ['a running job: five minutes after its poll', running(NOW), NOW + 5 * MINUTE],
    ['rounded up', running(NOW + 1), NOW + 10 * MINUTE],
    ['the same for the polls of five minutes', running(NOW + 5 * MINUTE), NOW + 10 * MINUTE],
    ['at its expiry and a little', running(NOW, NOW + MINUTE), NOW + MINUTE + 15_000],
    ['a webhook: five minutes after its attempt', finished(pending(NOW + 10 * MINUTE)), NOW + 15 * MINUTE],
    ['a webhook that was never set off', finished(pending(null)), NOW + 5 * MINUTE],
    ['nothing without a webhook', finished(null), null],
    ['nothing once it was delivered', finished(settledWebhook('delivered')), null],
    ['nothing once it is exhausted', finished(settledWebhook('exhausted')), null],
    ['nothing once it is gone', finished(settledWebhook('gone')), null],
    ['nothing once it is blocked', finished(settledWebhook('blocked')), null],
  ])('%s', (_what, job, at) => {
    expect(overdueAt(job)).toBe(at);
  });

  it('leaves a message that failed once the time to come again', () => {
    for (const late of [0, 1, 99_999, 299_999]) {
      expect(overdueAt(running(NOW + late))).toBeGreaterThanOrEqual(NOW + late + 5 * MINUTE);
    }
  });
});

describe('shardOf', () => {
  it('spreads jobs over all shards', () => {
    const shards = Array.from({ length: 200 }, (_, i) => shardOf(`job_${i}`));
    expect([...new Set(shards)].sort()).toEqual(Array.from({ length: SHARDS }, (_, i) => i));
  });

  it('does not depend on the release: rows that are there already are found', () => {
    expect([SHARDS, shardOf('job_1'), shardOf('job_2')]).toEqual([8, 3, 1]);
  });
});
