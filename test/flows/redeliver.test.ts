import { describe, expect, it } from 'vitest';
import type { FinishedJob, Job, Webhook } from '../../functions/core/job.ts';
import { ROUND_MAX_DAYS } from '../../functions/core/limits.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import { endOfLife } from '../../functions/core/retention.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { redeliver } from '../../functions/jobs/redeliver.ts';
import {
  attempt,
  finishedJob,
  NOW,
  OF_JOB_1,
  pendingWebhook,
  runningJob,
  settledWebhook,
  wakeUp,
} from '../cloud/jobs.ts';
import { RETENTION_DAYS } from '../cloud/ports.ts';
import { fakeWorld } from '../cloud/world.ts';

const request = {
  method: 'POST',
  path: '/v1/jobs/job_1/redeliver',
  query: '',
  headers: {},
  body: Buffer.alloc(0),
  requestId: 'r1',
};
const answered = (status: number): AttemptOutcome => ({ kind: 'answered', status, retryAfterSeconds: null });

function worldWith(job: Job, ...exchanges: AttemptOutcome[]) {
  const world = fakeWorld({ exchanges });
  world.jobs.rows.set(job.jobId, job);
  world.documents.contents.set('events/job_1/a.json', '{"data":{"results":[]}}');
  const current = () => world.jobs.rows.get('job_1') as FinishedJob;
  return { ...world, job: current, webhook: () => current().webhook };
}

async function redeliverIn(world: ReturnType<typeof worldWith>, client = 'acme', asked = '') {
  const authorized = { operation: 'redeliver', jobId: 'job_1', client } as const;
  const { status, headers, body } = await redeliver(withBody(asked), authorized, world);
  return { status, headers, json: JSON.parse(body) };
}

const withBody = (text: string) => ({
  ...request,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(text),
});

/** Makes every attempt of the round that was begun last. */
async function attemptAll(world: ReturnType<typeof worldWith>): Promise<void> {
  while (world.webhook()?.status === 'pending') {
    const next = world.wakeUps.sent.at(-1)?.message as DeliverMessage;
    world.clock.time = Math.max(world.clock.time, next.wakeUp.dueAt);
    await deliver(next, world);
  }
}

describe('redeliver', () => {
  it.each<[what: string, webhook: Webhook, seq: number]>([
    ['delivered', settledWebhook('delivered', { attempts: 4, lastSeq: 9 }), 10],
    ['exhausted', settledWebhook('exhausted', { attempts: 4, lastSeq: 9 }), 10],
    ['gone', settledWebhook('gone', { attempts: 4, lastSeq: 9 }), 10],
    ['blocked', settledWebhook('blocked', { attempts: 4, lastSeq: 9 }), 10],
    [
      'waiting for its next attempt',
      pendingWebhook({ attempts: 4, expectedWakeUp: wakeUp(9, 't', NOW + 9e6) }),
      10,
    ],
  ])('begins a new round for a webhook that is %s', async (_what, webhook, seq) => {
    const world = worldWith(finishedJob({ webhook }));
    const { status, json } = await redeliverIn(world);
    expect([status, json.webhook]).toMatchObject([202, { id: 'msg_1', status: 'pending', attempts: 4 }]);
    expect(world.webhook()).toMatchObject({ attemptsBefore: 4, expectedWakeUp: { seq, dueAt: NOW } });
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'deliver', delaySeconds: 0, message: { wakeUp: { seq }, attempts: 4 } },
    ]);
  });

  it('starts the whole schedule again, and goes on counting the attempts', async () => {
    const webhook = settledWebhook('exhausted', { attempts: 4, lastSeq: 4 });
    const world = worldWith(finishedJob({ webhook }), answered(500));
    await redeliverIn(world);
    await attemptAll(world);
    expect(world.webhook()).toMatchObject({ status: 'exhausted', attempts: 8 });
    expect(world.posted.map(({ id }) => id)).toEqual(Array(4).fill('msg_1'));
    expect(world.webhook()?.log.map((tried) => tried.attempt)).toEqual([1, 5, 6, 7, 8]);
  });

  it('makes the message of the previous round stale', async () => {
    const webhook = pendingWebhook({
      attempts: 1,
      expectedWakeUp: wakeUp(2),
      log: [attempt({ status: 500 })],
    });
    const world = worldWith(finishedJob({ webhook }), answered(204));
    await redeliverIn(world);
    await deliver({ jobId: 'job_1', wakeUp: wakeUp(2), attempts: 1 }, world);
    expect(world.posted).toEqual([]);
  });

  it('begins one round for many requests at once', async () => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('delivered') }));
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeliverIn(world)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([202, ...Array(49).fill(429)]);
    expect(world.wakeUps.sent.length).toBe(1);
  });

  it('begins the next round a minute after the last one, and says when that is', async () => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('exhausted') }), answered(204));
    const outcomes: unknown[] = [];
    for (const seconds of [0, 0.001, 12.3, 59.999, 60, 119, 120]) {
      world.clock.time = NOW + seconds * 1000;
      const { status, headers, json } = await redeliverIn(world);
      outcomes.push([seconds, status, json.code ?? json.webhook.status, headers['retry-after']]);
      await attemptAll(world);
    }
    const refused = (seconds: number, wait: string) => [seconds, 429, 'too_many_redeliveries', wait];
    expect(outcomes).toEqual([
      [0, 202, 'pending', undefined],
      refused(0.001, '60'),
      refused(12.3, '48'),
      refused(59.999, '1'),
      [60, 202, 'pending', undefined],
      refused(119, '1'),
      [120, 202, 'pending', undefined],
    ]);
    expect(world.posted.length).toBe(3);
  });

  it('begins at most twenty rounds, and then names no time for another', async () => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('delivered') }), answered(204));
    for (let round = 1; round <= 20; round++) {
      expect((await redeliverIn(world)).status, `round ${round}`).toBe(202);
      await attemptAll(world);
      world.clock.time += 60_000;
    }
    world.clock.time += 7 * 86_400_000;
    const { status, headers, json } = await redeliverIn(world);
    expect([status, json.code, json.detail]).toEqual([
      429,
      'too_many_redeliveries',
      'The webhook has been redelivered 20 times, which is the most for a job.',
    ]);
    expect(headers).not.toHaveProperty('retry-after');
    expect(world.posted.length).toBe(20);
  });

  it('may follow the automatic round at once, which does not count', async () => {
    const webhook = pendingWebhook({ expectedWakeUp: wakeUp(1) });
    const world = worldWith(finishedJob({ webhook }), answered(204));
    expect((await redeliverIn(world)).status).toBe(202);
    await deliver({ jobId: 'job_1', wakeUp: wakeUp(1), attempts: 0 }, world);
    expect(world.posted).toEqual([]);
    await attemptAll(world);
    expect([world.posted.length, world.webhook()?.status]).toEqual([1, 'delivered']);
  });

  it("checks whether the job exists, then the body, then the job's state, and only then the limits", async () => {
    const code = async (webhook: Webhook | null, body: string, client = 'acme') =>
      (await redeliverIn(worldWith(finishedJob({ webhook })), client, body)).json.code;
    const redelivered = { rounds: 20, at: NOW };
    const underWay = pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW + 1, redelivered });
    expect(await code(underWay, '{"x":1}', 'other')).toBe('not_found');
    expect(await code(underWay, '{"x":1}')).toBe('invalid_request');
    expect(await code(null, '{"x":1}')).toBe('invalid_request');
    expect(await code(underWay, '')).toBe('not_redeliverable');
    expect(await code(settledWebhook('gone', { redelivered }), '')).toBe('too_many_redeliveries');
  });

  it("delivers to the URL in its body, which is the webhook's URL from then on", async () => {
    const webhook = settledWebhook('exhausted', { attempts: 4, lastSeq: 4 });
    const world = worldWith(finishedJob({ webhook }), answered(500), answered(204));
    const url = 'https://new.example.com/h';
    const { status, json } = await redeliverIn(world, 'acme', JSON.stringify({ webhook_url: url }));
    expect([status, json.webhook]).toMatchObject([202, { id: 'msg_1', url }]);
    await attemptAll(world);
    world.clock.time += 60_000;
    await redeliverIn(world);
    await attemptAll(world);
    const body = '{"data":{"results":[]}}';
    expect(world.posted).toMatchObject(Array(3).fill({ id: 'msg_1', url, body }));
    expect(world.webhook()?.url).toBe(url);
  });

  it.each<[body: string, pointers: string[]]>([
    ['{"webhook_url":"http://new.example.com/h"}', ['/webhook_url']],
    ['{"webhook_url":"https://10.0.0.1/h","x":1}', ['/webhook_url', '/x']],
    ['{"webhook_url":null}', ['/webhook_url']],
    ['{"webhook_url":["https://new.example.com/h"]}', ['/webhook_url']],
    ['{"url":"https://new.example.com/h"}', ['/url']],
    ['[]', ['']],
    ['null', ['']],
    ['"https://new.example.com/h"', ['']],
    ['webhook_url=https://new.example.com/h', ['']],
  ])('refuses the body %s', async (body, pointers) => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('exhausted') }));
    const { status, json } = await redeliverIn(world, 'acme', body);
    const found = json.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect([status, json.code, found.sort()]).toEqual([400, 'invalid_request', pointers]);
    expect([world.wakeUps.sent, world.webhook()?.redelivered]).toEqual([[], undefined]);
  });

  it.each([finishedJob, runningJob])('refuses a URL for a job that has a destination', async (jobOf) => {
    const webhook = pendingWebhook({ url: 'orders', destination: true });
    const world = worldWith(jobOf({ webhook }));
    const { status, json } = await redeliverIn(world, 'acme', '{"webhook_url":"https://new.example.com/h"}');
    expect([status, json.errors]).toEqual([
      400,
      [{ pointer: '/webhook_url', message: 'Must not be given, as the job has a destination' }],
    ]);
    expect([world.wakeUps.sent, world.webhook()]).toEqual([[], webhook]);
  });

  it.each(['{}', ' {}\n', '{ }', ' '])('treats the body %j as none', async (body) => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('exhausted') }));
    const { status, json } = await redeliverIn(world, 'acme', body);
    expect([status, json.webhook.url]).toEqual([202, 'https://hooks.example.com/h']);
  });

  it('begins no round that would outlive the row', async () => {
    const expectedWakeUp = wakeUp(9, 't', NOW + 99 * 86_400_000);
    const world = worldWith(finishedJob({ finishedAt: NOW, webhook: pendingWebhook({ expectedWakeUp }) }));
    world.clock.time = NOW + RETENTION_DAYS * 86_400_000;
    const { status, json } = await redeliverIn(world);
    expect([status, json.code]).toEqual([409, 'not_redeliverable']);
    const keptLonger = worldWith(finishedJob({ finishedAt: NOW, webhook: settledWebhook('exhausted') }));
    Object.assign(keptLonger.settings, { retentionDays: RETENTION_DAYS - 1 });
    keptLonger.clock.time = NOW + (RETENTION_DAYS - 1) * 86_400_000;
    expect((await redeliverIn(keptLonger)).status).toBe(409);
    world.clock.time -= 1000;
    expect((await redeliverIn(world)).status).toBe(202);
    const keptFor = endOfLife(world.job(), RETENTION_DAYS) - world.clock.time / 1000;
    expect(keptFor).toBeGreaterThan(ROUND_MAX_DAYS * 86_400);
  });

  it('asks the client to wait for an attempt that is under way', async () => {
    const webhook = pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW + 1 });
    const { status, headers, json } = await redeliverIn(worldWith(finishedJob({ webhook })));
    expect([status, json.code, headers['retry-after']]).toEqual([409, 'not_redeliverable', '5']);
    expect(json.detail).toBe('An attempt to deliver the webhook is under way right now.');
  });

  it('does not wait for an attempt whose worker must have died', async () => {
    const webhook = pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW });
    expect((await redeliverIn(worldWith(finishedJob({ webhook })))).status).toBe(202);
  });

  it('logs a round that it begins, and nothing for one that it refuses', async () => {
    const world = worldWith(finishedJob({ webhook: settledWebhook('gone', { attempts: 4 }) }));
    const begun = { stage: 'redeliver', outcome: 'begun', ...OF_JOB_1, client: 'acme', attempt: 4 };
    await redeliverIn(world);
    await redeliverIn(world);
    expect(world.told).toEqual([begun]);
  });

  it('says why and how long the client has to wait for the next round', async () => {
    const redelivered = { rounds: 1, at: NOW - 20_000 };
    const world = worldWith(finishedJob({ webhook: settledWebhook('gone', { redelivered }) }));
    expect((await redeliverIn(world)).json.detail).toBe(
      'The webhook was redelivered less than 60 seconds ago. Try again in 40.',
    );
  });

  it.each<[what: string, job: Job, client: string, status: number, code: string]>([
    ['has no webhook', finishedJob({ webhook: null }), 'acme', 409, 'not_redeliverable'],
    ['has not finished', runningJob(), 'acme', 409, 'not_finished'],
    ["is another client's", finishedJob(), 'other', 404, 'not_found'],
  ])('refuses to redeliver for a job that %s', async (_what, job, client, status, code) => {
    const world = worldWith(job);
    const answer = await redeliverIn(world, client);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(world.wakeUps.sent).toEqual([]);
  });

  it('says when to ask again for a job that has not finished', async () => {
    const answer = await redeliverIn(worldWith(runningJob()));
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });
});
