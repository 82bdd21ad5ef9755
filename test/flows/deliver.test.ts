import { describe, expect, it } from 'vitest';
import type { FinishedJob, Job, PendingWebhook } from '../../functions/core/job.ts';
import { againSeconds } from '../../functions/core/limits.ts';
import { overdueAt } from '../../functions/core/polling/overdue.ts';
import { forgotten } from '../../functions/core/transitions.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import {
  finishedJob,
  NOW,
  OF_JOB_1,
  pendingWebhook,
  runningJob,
  settledWebhook,
  wakeUp,
} from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const message = (seq = 1, attempts = 0) => ({ jobId: 'job_1', wakeUp: wakeUp(seq), attempts });
const answered = (status: number, retryAfterSeconds: number | null = null): AttemptOutcome => ({
  kind: 'answered',
  status,
  retryAfterSeconds,
});

function worldWith(job: FinishedJob, ...exchanges: AttemptOutcome[]) {
  const world = fakeWorld({ exchanges });
  world.jobs.rows.set(job.jobId, job);
  world.documents.contents.set(job.event.key, '{"the":"event"}');
  const webhook = () => (world.jobs.rows.get('job_1') as FinishedJob).webhook;
  return { ...world, webhook };
}

interface Failing {
  world: ReturnType<typeof worldWith>;
  once: typeof failOnce;
}

/** Of the calls of a port, one fails. */
function failOnce<Name extends string>(
  port: Record<Name, (...args: never[]) => Promise<unknown>>,
  name: Name,
  nth = 1,
): void {
  const call = port[name];
  let calls = 0;
  Object.assign(port, {
    [name]: async (...args: never[]) => {
      if (++calls === nth) throw new Error('AWS is out of reach');
      return call(...args);
    },
  });
}

describe('deliver', () => {
  const settled: [AttemptOutcome, string][] = [
    [answered(200), 'delivered'],
    [answered(204), 'delivered'],
    [answered(410), 'gone'],
    [{ kind: 'blocked' }, 'blocked'],
  ];
  it.each(settled)('settles the webhook after %j as %s', async (exchange, status) => {
    const world = worldWith(finishedJob(), exchange);
    await deliver(message(), world);
    expect(world.webhook()).toMatchObject({ status, attempts: 1, log: [{ attempt: 1, at: NOW }] });
    expect(world.posted).toMatchObject([{ id: 'msg_1', body: '{"the":"event"}' }]);
    expect(world.wakeUps.sent).toEqual([]);
  });

  const retried: [AttemptOutcome, number][] = [
    [answered(500), 5],
    [answered(302), 5],
    [answered(404), 5],
    [answered(503, 60), 60],
    [answered(429, 100_000), 899],
    [{ kind: 'failed', error: 'timeout' }, 5],
  ];
  it('holds the next message back for a second at least, so that it is recorded before it comes', async () => {
    const world = worldWith(finishedJob(), answered(500));
    const settings = { ...world.settings, webhookSchedule: [0, 0] };
    await deliver(message(), { ...world, settings });
    expect(world.wakeUps.sent).toMatchObject([{ queue: 'deliver', delaySeconds: 1 }]);
  });

  it.each(retried)('tries again after %j in %d s', async (exchange, delaySeconds) => {
    const world = worldWith(finishedJob(), exchange);
    await deliver(message(), world);
    const next = { queue: 'deliver', delaySeconds, message: { attempts: 1, wakeUp: { seq: 2 } } };
    expect(world.wakeUps.sent).toMatchObject([next]);
    expect(world.webhook()).toMatchObject({
      status: 'pending',
      attempts: 1,
      leaseUntil: null,
      expectedWakeUp: { seq: 2 },
    });
  });

  it('writes down where a redirect pointed to', async () => {
    const location = 'https://hooks.example.com/h/';
    const world = worldWith(finishedJob(), { ...answered(301), location } as AttemptOutcome);
    await deliver(message(), world);
    expect(world.webhook()?.log).toMatchObject([{ status: 301, error: null, location }]);
  });

  it('gives up when the schedule of attempts is used up', async () => {
    const job = finishedJob({ webhook: pendingWebhook({ attempts: 3, expectedWakeUp: wakeUp(4) }) });
    const world = worldWith(job, answered(500));
    await deliver(message(4, 3), world);
    expect(world.webhook()).toMatchObject({
      status: 'exhausted',
      attempts: 4,
      log: [{ attempt: 4, status: 500, nextAttemptAt: null }],
    });
  });

  it('crosses a wait of hours in hops of at most 15 minutes', async () => {
    const due = NOW + 3_600_000;
    const job = finishedJob({
      webhook: pendingWebhook({ attempts: 1, expectedWakeUp: wakeUp(2, 't', due) }),
    });
    const world = worldWith(job, answered(200));
    let next = { jobId: 'job_1', wakeUp: wakeUp(2, 't', due), attempts: 1 };
    for (let hops = 1; world.posted.length === 0; hops++) {
      await deliver(next, world);
      const sent = world.wakeUps.sent.at(-1);
      expect(hops).toBeLessThan(7);
      world.clock.time += (sent?.delaySeconds ?? 0) * 1000;
      next = sent?.message as typeof next;
    }
    expect(world.posted[0]?.at).toBe(due);
    expect(world.wakeUps.sent.map((sent) => sent.delaySeconds)).toEqual([899, 899, 899, 899, 4]);
  });

  it('makes one attempt when two messages arrive at the same moment', async () => {
    const world = worldWith(finishedJob(), answered(200));
    await Promise.all([deliver(message(), world), deliver(message(), world)]);
    expect(world.posted.length).toBe(1);
  });

  it('sends a message back until the lease of a dead worker ends', async () => {
    const job = finishedJob({
      webhook: pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW + 60_000 }),
    });
    const world = worldWith(job, answered(200));
    expect(await deliver(message(), world)).toBe(NOW + 60_000);
    expect(world.posted.length).toBe(0);
    world.clock.time += 60_000;
    expect(await deliver(message(), world)).toBeNull();
    expect(world.posted.length).toBe(1);
  });

  it('sends a message back for a shorter time when its sender is about to record it', async () => {
    const job = finishedJob({
      webhook: pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW + 60_000 }),
    });
    const world = worldWith(job);
    await expect(deliver(message(2, 1), world)).rejects.toThrow('has not recorded it yet');
  });

  const failing: [call: string, make: (fail: Failing) => void, posts: number][] = [
    ['the document', ({ world, once }) => once(world.documents, 'load'), 1],
    ['the signing secret', ({ world, once }) => once(world.webhooks, 'send'), 1],
    ['the second write', ({ world, once }) => once(world.jobs, 'replace', 2), 2],
  ];
  it.each(failing)('finds the webhook free at the next receipt when %s failed once', async (...row) => {
    const [, make, posts] = row;
    const world = worldWith(finishedJob(), answered(204));
    make({ world, once: failOnce });
    await expect(deliver(message(), world)).rejects.toThrow('out of reach');
    world.clock.time += 1000 * (againSeconds(1) ?? 0);
    expect(await deliver(message(), world)).toBeNull();
    expect(world.webhook()).toMatchObject({ status: 'delivered' });
    expect(world.posted.length).toBe(posts);
  });

  it('fails each time the queue hands the message out while its document cannot be read', async () => {
    const world = worldWith(finishedJob());
    world.documents.contents.clear();
    for (let receives = 1; receives <= 14; receives++) {
      await expect(deliver(message(), world)).rejects.toThrow('is gone');
      world.clock.time += 1000 * (againSeconds(receives) ?? 180);
      // Meanwhile the sweeper leaves the job alone, so that it is this message that is set aside.
      const row = world.jobs.rows.get('job_1') as FinishedJob;
      expect(Number(overdueAt(row))).toBeGreaterThan(world.clock.time);
    }
  });

  it('leaves a webhook alone when the write that seemed to fail was made after all', async () => {
    const world = worldWith(finishedJob(), answered(204));
    const { replace } = world.jobs;
    world.jobs.replace = async (job) => {
      const isWritten = await replace(job);
      if (job.version === 4) throw new Error('The reply is lost');
      return isWritten;
    };
    await expect(deliver(message(), world)).rejects.toThrow('lost');
    expect(world.webhook()).toMatchObject({ status: 'delivered' });
    expect(await deliver(message(), world)).toBeNull();
    expect(world.posted.length).toBe(1);
  });

  it.each(['delivered', 'gone', 'exhausted', 'blocked'] as const)(
    'leaves a webhook alone that is %s',
    async (status) => {
      const world = worldWith(finishedJob({ webhook: settledWebhook(status) }));
      await deliver(message(), world);
      expect(world.posted.length).toBe(0);
    },
  );
});

describe('the outcome of an attempt is recorded and logged', () => {
  const cases: [AttemptOutcome, entry: object, told: object, metrics: object][] = [
    [
      answered(204),
      { status: 204, error: null },
      { outcome: 'delivered', status: 204 },
      { WebhooksDelivered: 1 },
    ],
    [answered(410), { status: 410, error: null }, { outcome: 'gone', status: 410 }, { WebhooksGone: 1 }],
    [
      { kind: 'blocked' },
      { error: 'blocked' },
      { outcome: 'blocked', cause: 'blocked' },
      { WebhooksBlocked: 1 },
    ],
    [
      answered(500),
      { status: 500, error: null, nextAttemptAt: NOW + 5250 },
      { outcome: 'retry', status: 500, wait_seconds: 5 },
      {},
    ],
    [
      { kind: 'failed', error: 'dns' },
      { error: 'dns', nextAttemptAt: NOW + 5250 },
      { outcome: 'retry', cause: 'dns', wait_seconds: 5 },
      {},
    ],
  ];
  it.each(cases)('when it is %j', async (exchange, entry, told, metrics) => {
    const world = worldWith(finishedJob(), exchange);
    const { send } = world.webhooks;
    world.webhooks.send = async (...given) => {
      world.clock.time += 250;
      return send(...given);
    };
    await deliver(message(), world);
    const attempt = { attempt: 1, at: NOW, durationMillis: 250, status: null, nextAttemptAt: null };
    // A field that is undefined could not be stored.
    expect(world.webhook()?.log).toStrictEqual([{ ...attempt, ...entry }]);
    const facts = { stage: 'deliver', ...OF_JOB_1, client: 'acme', attempt: 1, duration_ms: 250 };
    expect(world.told).toEqual([{ ...facts, ...told }]);
    const failures = 'WebhooksDelivered' in metrics ? 0 : 1;
    const always = { WebhookAttempts: 1, WebhookFailures: failures, WebhookAttemptSeconds: 0.25 };
    expect(world.metrics).toEqual({ ...always, ...metrics });
  });

  it.each([
    ['its message', 1, 3],
    ['its row', 3, 1],
  ])('with a number that is one more than %s knows of', async (_what, inRow, inMessage) => {
    const job = finishedJob({ webhook: pendingWebhook({ attempts: inRow, expectedWakeUp: wakeUp(1) }) });
    const world = worldWith(job, answered(204));
    await deliver(message(1, inMessage), world);
    expect(world.webhook()).toMatchObject({ attempts: 4, log: [{ attempt: 4 }] });
  });

  it.each([
    [204, { status: 'delivered', attempts: 1 }],
    [500, { status: 'pending', attempts: 1, leaseUntil: null, expectedWakeUp: { seq: 2 } }],
  ])(
    'after %i, although the row has been written since by the one who ended the job',
    async (status, webhook) => {
      const world = worldWith(finishedJob(), answered(status));
      const { send } = world.webhooks;
      world.webhooks.send = async (...given) => {
        const row = world.jobs.rows.get('job_1') as FinishedJob;
        world.jobs.rows.set('job_1', forgotten(row, NOW));
        return send(...given);
      };
      await deliver(message(), world);
      expect(world.webhook()).toMatchObject(webhook);
    },
  );

  it.each<[what: string, change: Partial<PendingWebhook>]>([
    ['its lease was given to another', { leaseUntil: null }],
    ['a duplicate has put it off', { expectedWakeUp: wakeUp(2, 'later') }],
  ])('unless the webhook has changed under the lease: %s', async (_what, change) => {
    const world = worldWith(finishedJob(), answered(204));
    const { send } = world.webhooks;
    world.webhooks.send = async (...given) => {
      const row = world.jobs.rows.get('job_1') as FinishedJob;
      const webhook = { ...(row.webhook as PendingWebhook), ...change };
      world.jobs.rows.set('job_1', { ...row, version: row.version + 1, webhook });
      return send(...given);
    };
    await expect(deliver(message(), world)).rejects.toThrow(
      'The webhook of job_1 changed while its lease was held',
    );
  });
});

describe('a message that leads to no attempt is logged', () => {
  const dueAt = NOW + 1_000_000;
  const cases: [outcome: string, job: Job | null, facts: object][] = [
    ['no_job', null, {}],
    ['no_job', runningJob(), {}],
    ['stale', finishedJob({ webhook: null }), {}],
    ['stale', finishedJob({ webhook: pendingWebhook() }), {}],
    ['stale', finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(2) }) }), {}],
    [
      'under_way',
      finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(1), leaseUntil: NOW + 1 }) }),
      {},
    ],
    ['hop', finishedJob(), { wait_seconds: 1000 }],
  ];
  it.each(cases)('as %s', async (outcome, job, facts) => {
    const world = fakeWorld();
    if (job) world.jobs.rows.set('job_1', job);
    await deliver({ ...message(), wakeUp: wakeUp(1, 't', outcome === 'hop' ? dueAt : NOW) }, world);
    expect(world.told).toEqual([{ stage: 'deliver', ...OF_JOB_1, outcome, ...facts }]);
    expect(world.posted).toEqual([]);
  });
});

describe('when a row was written while its message hopped, the hop', () => {
  const due = NOW + 3_600_000;
  const cases: [what: string, meanwhile: Partial<PendingWebhook>, isWritten: boolean][] = [
    ['is written all the same', { attempts: 9, expectedWakeUp: wakeUp(1, 'x') }, true],
    ['is written where nothing is awaited', { expectedWakeUp: null }, true],
    ['gives way to a chain as far on', { expectedWakeUp: wakeUp(2, 'x') }, false],
    ['gives way to a chain that is further on', { expectedWakeUp: wakeUp(3, 'x') }, false],
    ['gives way to a new round', { expectedWakeUp: wakeUp(1, 'x'), attemptsBefore: 1 }, false],
  ];
  it.each(cases)('%s', async (_what, meanwhile, isWritten) => {
    const world = worldWith(
      finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(1, 't', due) }) }),
    );
    const { replace } = world.jobs;
    world.jobs.replace = async () => {
      world.jobs.replace = replace;
      world.jobs.rows.set('job_1', finishedJob({ version: 7, webhook: pendingWebhook(meanwhile) }));
      return false;
    };
    await deliver({ ...message(), wakeUp: wakeUp(1, 't', due) }, world);
    const next = world.wakeUps.sent[0]?.message.wakeUp;
    const expectedWakeUp = isWritten ? next : meanwhile.expectedWakeUp;
    expect(world.webhook()).toEqual(pendingWebhook({ ...meanwhile, expectedWakeUp: expectedWakeUp ?? null }));
  });

  it('is dropped if the webhook has settled', async () => {
    const world = worldWith(
      finishedJob({ webhook: pendingWebhook({ expectedWakeUp: wakeUp(1, 't', due) }) }),
    );
    world.jobs.replace = async () => {
      world.jobs.rows.set('job_1', finishedJob({ webhook: settledWebhook('gone') }));
      return false;
    };
    await deliver({ ...message(), wakeUp: wakeUp(1, 't', due) }, world);
    expect(world.webhook()).toEqual(settledWebhook('gone'));
  });
});
