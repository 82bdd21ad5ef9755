import { describe, expect, it } from 'vitest';
import type { FinishedJob, Job, PendingWebhook, RunningJob } from '../../functions/core/job.ts';
import { overdueAt, SHARDS, shardOf } from '../../functions/core/overdue.ts';

/** A multiple of five minutes. */
const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

const base = {
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm',
  totalTasks: 1,
  completedTasks: 0,
  metadata: {},
  fingerprint: 'f',
  createdAt: NOW,
  updatedAt: NOW,
  expiresAt: NOW + 24 * 60 * MINUTE,
  version: 1,
};
const pending = (dueAt: number | null): PendingWebhook => ({
  status: 'pending',
  id: 'msg_1',
  url: 'https://hooks.example.com/h',
  attempts: 0,
  lastAttemptAt: null,
  lastStatus: null,
  awaited: dueAt === null ? null : { seq: 1, token: 't', dueAt },
  leaseUntil: null,
});
const running = (dueAt: number, expiresAt = base.expiresAt): RunningJob => ({
  ...base,
  status: 'running',
  upstreamJobId: 'up-1',
  awaited: { seq: 1, token: 't', dueAt },
  missingSince: null,
  webhook: pending(null),
  expiresAt,
});
const finished = (webhook: FinishedJob['webhook']): FinishedJob => ({
  ...base,
  status: 'completed',
  failedTasks: 0,
  finishedAt: NOW,
  error: null,
  event: { store: 'table', key: 'k' },
  results: null,
  webhook,
});
const { awaited, leaseUntil, ...untried } = pending(null);

describe('overdueAt', () => {
  it.each<[what: string, job: Job, at: number | null]>([
    [
      'a submission: when its lease ends',
      { ...base, status: 'submitting', leaseUntil: NOW + MINUTE, webhook: null },
      NOW + MINUTE,
    ],
    ['a running job: five minutes after its poll', running(NOW), NOW + 5 * MINUTE],
    ['rounded up', running(NOW + 1), NOW + 10 * MINUTE],
    ['the same for the polls of five minutes', running(NOW + 5 * MINUTE), NOW + 10 * MINUTE],
    ['at its expiry and a little', running(NOW, NOW + MINUTE), NOW + MINUTE + 15_000],
    ['a webhook: five minutes after its attempt', finished(pending(NOW + 10 * MINUTE)), NOW + 15 * MINUTE],
    ['a webhook that was never set off', finished(pending(null)), NOW + 5 * MINUTE],
    ['nothing without a webhook', finished(null), null],
    ['nothing once it was delivered', finished({ ...untried, status: 'delivered' }), null],
    ['nothing once it is exhausted', finished({ ...untried, status: 'exhausted' }), null],
    ['nothing once it is gone', finished({ ...untried, status: 'gone' }), null],
    ['nothing once it is blocked', finished({ ...untried, status: 'blocked' }), null],
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
