import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../functions/core/attempt.ts';
import type { FinishedJob, Job, Webhook } from '../../functions/core/job.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { redeliver } from '../../functions/jobs/redeliver.ts';
import {
  attempt,
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  wake,
} from '../fakes/jobs.ts';
import { fakeWorld } from '../fakes/world.ts';

const request = {
  method: 'POST',
  path: '/v1/jobs/job_1/redeliver',
  query: '',
  headers: {},
  body: Buffer.alloc(0),
  requestId: 'r1',
};
const answered = (status: number): Exchange => ({ kind: 'answered', status, retryAfterSeconds: null });

function worldWith(job: Job, ...exchanges: Exchange[]) {
  const world = fakeWorld({ exchanges });
  world.jobs.rows.set(job.jobId, job);
  world.documents.contents.set('events/job_1/a.json', '{"data":{"results":[]}}');
  return { ...world, webhook: () => (world.jobs.rows.get('job_1') as FinishedJob).webhook };
}

async function redeliverIn(world: ReturnType<typeof worldWith>, client = 'acme') {
  const admitted = { operation: 'redeliver', jobId: 'job_1', client } as const;
  const { status, headers, body } = await redeliver(request, admitted, world);
  return { status, headers, json: JSON.parse(body) };
}

describe('redeliver', () => {
  it.each<[what: string, webhook: Webhook, seq: number]>([
    ['delivered', settledWebhook('delivered', { attempts: 4, lastSeq: 9 }), 10],
    ['exhausted', settledWebhook('exhausted', { attempts: 4, lastSeq: 9 }), 10],
    ['gone', settledWebhook('gone', { attempts: 4, lastSeq: 9 }), 10],
    ['blocked', settledWebhook('blocked', { attempts: 4, lastSeq: 9 }), 10],
    ['waiting for its next attempt', pendingWebhook({ attempts: 4, awaited: wake(9, 't', NOW + 9e6) }), 10],
  ])('begins a new round for a webhook that is %s', async (_what, webhook, seq) => {
    const world = worldWith(finishedJob({ webhook }));
    const { status, json } = await redeliverIn(world);
    expect([status, json.webhook]).toMatchObject([202, { id: 'msg_1', status: 'pending', attempts: 4 }]);
    expect(world.webhook()).toMatchObject({ attemptsBefore: 4, awaited: { seq, dueAt: NOW } });
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'deliver', delaySeconds: 0, message: { wake: { seq }, attempts: 4 } },
    ]);
  });

  it('has the whole schedule again, and goes on counting', async () => {
    const webhook = settledWebhook('exhausted', { attempts: 4, lastSeq: 4 });
    const world = worldWith(finishedJob({ webhook }), answered(500));
    await redeliverIn(world);
    while (world.webhook()?.status === 'pending') {
      const next = world.wakeUps.sent.at(-1)?.message as DeliverMessage;
      world.clock.time = Math.max(world.clock.time, next.wake.dueAt);
      await deliver(next, world);
    }
    expect(world.webhook()).toMatchObject({ status: 'exhausted', attempts: 8 });
    expect(world.posted.map(({ id }) => id)).toEqual(Array(4).fill('msg_1'));
    expect(world.webhook()?.log.map((tried) => tried.attempt)).toEqual([1, 5, 6, 7, 8]);
  });

  it('makes the message of the round before stale', async () => {
    const webhook = pendingWebhook({ attempts: 1, awaited: wake(2), log: [attempt({ status: 500 })] });
    const world = worldWith(finishedJob({ webhook }), answered(204));
    await redeliverIn(world);
    await deliver({ jobId: 'job_1', wake: wake(2), attempts: 1 }, world);
    expect(world.posted).toEqual([]);
  });

  it('begins one round for many who ask at once', async () => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('delivered') }));
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeliverIn(world)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(world.wakeUps.sent.length).toBe(1);
  });

  it('waits for an attempt that is under way', async () => {
    const webhook = pendingWebhook({ awaited: wake(1), leaseUntil: NOW + 1 });
    const { status, headers, json } = await redeliverIn(worldWith(finishedJob({ webhook })));
    expect([status, json.code, headers['retry-after']]).toEqual([409, 'not_redeliverable', '5']);
  });

  it.each<[what: string, job: Job, client: string, status: number, code: string]>([
    ['has no webhook', finishedJob({ webhook: null }), 'acme', 409, 'not_redeliverable'],
    ['has not finished', runningJob(), 'acme', 409, 'not_finished'],
    ["is another client's", finishedJob(), 'other', 404, 'not_found'],
  ])('refuses a job that %s', async (_what, job, client, status, code) => {
    const world = worldWith(job);
    const answer = await redeliverIn(world, client);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(world.wakeUps.sent).toEqual([]);
  });
});
