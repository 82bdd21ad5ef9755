import { beforeAll, describe, expect, it, vi } from 'vitest';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { type Delivery, type MoodyReceiver, startMoodyReceiver } from './moody-receiver.ts';
import { cancel, deliveriesOf, outcomeOf, quiet, redeliver, webhookIs } from './operations.ts';
import { blackBox, heldModel, jobOf, patience, submitJob, verify } from './scene.ts';
import { startSlowReceiver } from './slow-receiver.ts';
import { call, submission } from './system.ts';

const TEST = { timeout: 240_000 };

// Once, as all that start at the same time would do it at the same time.
beforeAll(async () => {
  await synthesize();
});

describe.concurrent('a cancel', TEST, () => {
  it('ends a running job with one webhook, and ends the polling', async (context) => {
    const scene = await blackBox(context, { models: { held: heldModel().model } });
    const { system, sandbox, receiver, operator } = scene;
    const reports = () => sandbox.requests.filter(({ method }) => method === 'GET').length;
    const body = { ...submission('held', 'hello'), webhook_url: receiver.url };
    const submit = () => call(system, 'POST', '/v1/jobs', body, { 'idempotency-key': 'once' });
    const { job_id } = (await submit()).json;
    await vi.waitFor(() => expect(reports()).toBeGreaterThanOrEqual(1), patience);

    const answer = await cancel(scene, job_id);
    const reportsThen = reports();
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ job_id, status: 'cancelled', results: null, error: null });
    expect(answer.headers.has('retry-after')).toBe(false);
    const repeated = await cancel(scene, job_id);
    expect([repeated.status, repeated.json.status]).toEqual([200, 'cancelled']);

    const { webhook, updated_at, ...data } = await webhookIs(scene, job_id, 'delivered');
    expect(data.status).toBe('cancelled');
    const replayed = await submit();
    expect(outcomeOf(replayed)).toEqual([202, 'cancelled']);
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
    expect(replayed.json.job_id).toBe(job_id);

    await quiet(scene);
    // One poll may have been on its way.
    expect(reports()).toBeLessThanOrEqual(reportsThen + 1);
    expect(sandbox.creates).toBe(1);
    expect(receiver.deliveries.length).toBe(1);
    for (const { headers, body: event } of receiver.deliveries) {
      verify(system.webhook_secret, event, headers);
      expect(headers['webhook-id']).toBe(webhook.id);
      expect(JSON.parse(event)).toMatchObject({ type: 'job.cancelled', timestamp: data.finished_at, data });
    }
    expect(await operator.deadLetters()).toBe(0);
  });

  it('is told to come back while the job is still being submitted', async (context) => {
    const scene = await blackBox(context);
    scene.sandbox.faults.delayMilliseconds = 2000;
    const submitting = submitJob(scene, 'sandbox-never');
    const job_id = await vi.waitFor(async () => {
      const { json } = await call(scene.system, 'GET', '/v1/jobs?status=submitting');
      expect(json.jobs.length).toBe(1);
      return json.jobs[0].job_id;
    }, patience);
    const early = await cancel(scene, job_id);
    expect(outcomeOf(early)).toEqual([409, 'not_cancellable']);
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await submitting).toBe(job_id);
    expect(outcomeOf(await cancel(scene, job_id))).toEqual([200, 'cancelled']);
  });
});

interface Outage {
  what: string;
  /** What the attempts are said to have come to. */
  tried: object;
  begin(receiver: MoodyReceiver): Promise<void>;
  end(receiver: MoodyReceiver): Promise<void>;
}

describe.concurrent('a redelivery', TEST, () => {
  it.for<Outage>([
    {
      what: 'answered 500',
      tried: { status: 500, error: null },
      begin: async (receiver) => {
        receiver.status = 500;
      },
      end: async (receiver) => {
        receiver.status = 204;
      },
    },
    {
      what: 'was not there',
      tried: { status: null, error: 'connection_failed' },
      begin: (receiver) => receiver.refuseConnections(),
      end: (receiver) => receiver.acceptConnections(),
    },
  ])(
    'brings a webhook whose receiver $what until it was exhausted',
    async ({ tried, begin, end }, context) => {
      const scene = await blackBox(context);
      const { receiver, system } = scene;
      await begin(receiver);
      const jobId = await submitJob(scene, 'sandbox-instant');
      const { webhook } = await webhookIs(scene, jobId, 'exhausted');
      const failures = await deliveriesOf(scene, jobId);
      expect(failures).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, ...tried })));
      for (const [i, { at, duration_ms, next_attempt_at }] of failures.entries()) {
        if (i === 2) expect(next_attempt_at).toBeNull();
        else expectWithin(Date.parse(next_attempt_at) - Date.parse(at) - duration_ms, [800, 1200]);
      }

      await end(receiver);
      for (const attempts of [4, 5]) {
        await nextSecond();
        const { status, json } = await redeliver(scene, jobId);
        expect([status, json.webhook]).toMatchObject([202, { id: webhook.id, status: 'pending' }]);
        expect((await webhookIs(scene, jobId, 'delivered')).webhook.attempts).toBe(attempts);
        await scene.operator.letRedeliver(jobId);
      }
      const deliveries = await deliveriesOf(scene, jobId);
      const delivered = { status: 204, error: null, next_attempt_at: null };
      expect(deliveries).toMatchObject([
        ...failures,
        { attempt: 4, ...delivered },
        { attempt: 5, ...delivered },
      ]);
      const times = deliveries.map(({ at }: { at: string }) => at);
      expect(times).toEqual(times.toSorted());

      const posts = receiver.deliveries;
      const kinds = (of: (post: Delivery) => unknown) => new Set(posts.slice(-3).map(of)).size;
      expect(posts.filter(({ status }) => status === 204).length).toBe(2);
      expect([kinds(({ body }) => body), kinds(({ headers }) => headers['webhook-id'])]).toEqual([1, 1]);
      for (const changing of ['webhook-timestamp', 'webhook-signature']) {
        expect(kinds(({ headers }) => headers[changing])).toBe(Math.min(3, posts.length));
      }
      for (const { headers, body } of posts) verify(system.webhook_secret, body, headers);
    },
  );

  it('makes no two attempts at once, however many requests there are', async (context) => {
    const scene = await blackBox(context);
    const receiver = await startSlowReceiver(context);
    const twentyTimes = (jobId: string) =>
      Promise.all(Array.from({ length: 20 }, () => redeliver(scene, jobId)));
    receiver.isHeld = true;
    const body = { ...submission('sandbox-instant', 'hello'), webhook_url: receiver.url };
    const { job_id } = (await call(scene.system, 'POST', '/v1/jobs', body)).json;
    await vi.waitFor(() => expect(receiver.waiting).toBe(1), patience);
    for (const answer of await twentyTimes(job_id)) {
      expect(outcomeOf(answer)).toEqual([409, 'not_redeliverable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    receiver.release();

    for (const _round of [1, 2, 3]) {
      const { webhook } = await webhookIs(scene, job_id, 'delivered');
      const statuses = (await twentyTimes(job_id)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 202).length).toBe(1);
      expect(statuses.filter((status) => ![202, 409, 429].includes(status))).toEqual([]);
      const after = await webhookIs(scene, job_id, 'delivered');
      expect(after.webhook.attempts).toBe(webhook.attempts + 1);
      await scene.operator.letRedeliver(job_id);
    }
    await quiet(scene);
    const attempts = (await deliveriesOf(scene, job_id)).map(({ attempt }: { attempt: number }) => attempt);
    expect(attempts).toEqual(Array.from({ length: receiver.attempts }, (_, i) => i + 1));
    expect(receiver.togetherMax).toBe(1);
    expect(await scene.operator.deadLetters()).toBe(0);
  });

  it('is refused within a minute of the last one, with the time to wait, and sends nothing then', async (context) => {
    const scene = await blackBox(context);
    const jobId = await submitJob(scene, 'sandbox-instant');
    await webhookIs(scene, jobId, 'delivered');
    expect((await redeliver(scene, jobId)).status).toBe(202);
    await webhookIs(scene, jobId, 'delivered');
    for (let i = 0; i < 30; i++) {
      const answer = await redeliver(scene, jobId);
      expect(outcomeOf(answer)).toEqual([429, 'too_many_redeliveries']);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expectWithin(Number(answer.headers.get('retry-after')), [1, 60]);
    }
    await quiet(scene);
    expect(scene.receiver.deliveries.length).toBe(2);
  });

  it('goes to another URL from then on, with the same id and body, and to no URL that may not be one', async (context) => {
    const scene = await blackBox(context);
    const moved = await startMoodyReceiver();
    context.onTestFinished(() => moved.refuseConnections());
    const jobId = await submitJob(scene, 'sandbox-instant');
    await webhookIs(scene, jobId, 'delivered');
    for (const body of [{ webhook_url: 'https://10.0.0.1/h' }, { webhook_url: moved.url, x: 1 }, [1]]) {
      expect(outcomeOf(await redeliver(scene, jobId, body))).toEqual([400, 'invalid_request']);
    }
    const { status, json } = await redeliver(scene, jobId, { webhook_url: moved.url });
    expect([status, json.webhook.url]).toEqual([202, moved.url]);
    await webhookIs(scene, jobId, 'delivered');
    const [before] = scene.receiver.deliveries;
    const [after] = moved.deliveries;
    expect([scene.receiver.deliveries.length, moved.deliveries.length]).toEqual([1, 1]);
    expect([after?.body, after?.headers['webhook-id']]).toEqual([
      before?.body,
      before?.headers['webhook-id'],
    ]);
    expect((await jobOf(scene, jobId)).webhook.url).toBe(moved.url);
  });
});

function expectWithin(value: number, [min, max]: [min: number, max: number]): void {
  expect(value).toBeGreaterThanOrEqual(min);
  expect(value).toBeLessThanOrEqual(max);
}

/** Waits for a new timestamp, which counts seconds. */
async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  await vi.waitFor(() => expect(Date.now() / 1000).toBeGreaterThanOrEqual(second + 1), {
    timeout: 20_000,
    interval: 20,
  });
}
