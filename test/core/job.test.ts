import { describe, expect, it } from 'vitest';
import {
  classifyWakeUp,
  isClaimed,
  isFinished,
  isPending,
  type Job,
  mayResubmit,
  type SubmittingJob,
} from '../../functions/core/job.ts';
import {
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  submittingJob,
} from '../cloud/jobs.ts';

type ReadonlyToTheEnd<T> = T extends object ? { readonly [K in keyof T]: ReadonlyToTheEnd<T[K]> } : T;
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

it('a job that was read cannot be changed, nor anything in it, without an error of the compiler', () => {
  const isReadonly: IsSame<Job, ReadonlyToTheEnd<Job>> = true;
  expect(isReadonly).toBe(true);
});

const AWAITED = { seq: 5, token: 'a', dueAt: 1000 };

describe('a message is the expected wake-up, stale or ahead', () => {
  it.each<[what: string, message: object, expected: string]>([
    ['the one', {}, 'expected'],
    ['the one, whenever it was due', { dueAt: 9 }, 'expected'],
    ['one of an earlier place', { seq: 4 }, 'stale'],
    ['the first of all', { seq: 1 }, 'stale'],
    ['one of the same place that lost', { token: 'b' }, 'stale'],
    ['one that was sent and not recorded', { seq: 6 }, 'ahead'],
    ['one that was sent and not recorded, by any name', { seq: 6, token: 'b' }, 'ahead'],
    ['one further ahead', { seq: 99, token: 'b' }, 'ahead'],
  ])('when it is %s', (_what, message, expected) => {
    expect(classifyWakeUp({ ...AWAITED, ...message }, AWAITED)).toBe(expected);
  });

  it('and is always stale when the job expects none', () => {
    expect(classifyWakeUp(AWAITED, null)).toBe('stale');
  });
});

const submitting: SubmittingJob = {
  status: 'submitting',
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm',
  totalTasks: 3,
  metadata: { a: 'b' },
  fingerprint: 'f',
  createdAt: 1,
  updatedAt: 2,
  expiresAt: 3,
  version: 4,
  wakeUpDeadline: 6,
  leaseUntil: 5,
  webhook: null,
};

describe('an attempt', () => {
  it.each([
    ['is awaited by a finished job', finishedJob(), true],
    ['is not awaited once the webhook has settled', finishedJob({ webhook: settledWebhook('gone') }), false],
    ['is not awaited without a webhook', finishedJob({ webhook: null }), false],
    ['is not awaited by a running job', runningJob(), false],
  ])('%s', (_what, job, pending) => {
    expect(isPending(job)).toBe(pending);
  });

  it.each([
    ['is under way', pendingWebhook({ leaseUntil: NOW + 1 }), true],
    ['is not under way when its lease is over', pendingWebhook({ leaseUntil: NOW }), false],
    ['is not under way without a lease', pendingWebhook(), false],
    ['is not under way once the webhook has settled', settledWebhook('delivered'), false],
  ])('%s', (_what, webhook, isUnderWay) => {
    expect(isClaimed(webhook, NOW)).toBe(isUnderWay);
  });
});

it.each([
  ['submitting', false],
  ['running', false],
  ['completed', true],
  ['failed', true],
  ['cancelled', true],
  ['expired', true],
])('whether a job that is %s has finished: %s', (status, finished) => {
  expect(isFinished({ ...submitting, status } as Job)).toBe(finished);
});

describe('a job whose creation is unknown may be given to ModelStudio again', () => {
  const waits = { until: NOW + 1000, turn: 1 };
  it.each([
    ['while it may wait', {}, true],
    ['not after the time for which it may wait', { queueing: { ...waits, until: NOW } }, false],
    ['not after it has expired', { expiresAt: NOW }, false],
    ['not more often than is allowed', { submissions: 3 }, false],
    ['not if its owner has not asked for that', { submissions: undefined as never }, false],
  ])('%s', (_what, changes, may) => {
    const job = submittingJob({ queueing: waits, expiresAt: NOW + 1000, submissions: 1, ...changes });
    expect(mayResubmit(job, NOW)).toBe(may);
  });
});
