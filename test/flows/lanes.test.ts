import { describe, expect, it } from 'vitest';
import type { FinishedJob } from '../../functions/core/job.ts';
import { roundEndsAt } from '../../functions/core/retention.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { atOnce, clientsOf } from '../cloud/clients.ts';
import { finishedJob, NOW, pendingWebhook, wakeUp } from '../cloud/jobs.ts';
import { portsOver } from '../cloud/ports.ts';
import { fakeWorld } from '../cloud/world.ts';

const TIMEOUT: AttemptOutcome = { kind: 'failed', error: 'timeout' };
const ANSWER: AttemptOutcome = { kind: 'answered', status: 204, retryAfterSeconds: null };
const HANG = 15_000;
const DAY = 86_400_000;

/** Environments of the function over one cloud; each attempt takes as long as its receiver. */
function fleet() {
  const world = fakeWorld();
  const millis = new Map<string, number>();
  let made = 0;
  const environment = () => {
    const { lanes } = portsOver(world.cloud, clientsOf(world.cloud, atOnce), {
      clock: world.clock,
      lanes: { log: world.log },
    });
    const send: typeof world.webhooks.send = (webhook, body) =>
      lanes.watch(webhook, async () => {
        world.posted.push({ ...webhook, body, at: world.clock.time });
        const took = millis.get(new URL(webhook.url).host) ?? 100;
        world.clock.time += took;
        return took === HANG ? TIMEOUT : ANSWER;
      });
    return { ...world, lanes, webhooks: { send } };
  };
  /** A job's webhook to a host, by whatever environment. */
  async function post(host: string, by: ReturnType<typeof environment>, changes: Partial<FinishedJob> = {}) {
    const jobId = `job_${++made}`;
    const webhook = pendingWebhook({
      url: `https://${host}/`,
      expectedWakeUp: wakeUp(1, 't', world.clock.time),
    });
    const job = finishedJob({ jobId, finishedAt: world.clock.time, webhook, ...changes });
    world.jobs.rows.set(jobId, job);
    world.documents.contents.set(job.event.key, '{}');
    const before = world.posted.length;
    await deliver({ jobId, wakeUp: wakeUp(1, 't', world.clock.time), attempts: 0 }, by);
    const row = world.jobs.rows.get(jobId) as FinishedJob;
    return { isHeld: world.posted.length === before, webhook: row.webhook, jobId };
  }
  return { world, millis, environment, post };
}

describe('once an attempt has hung, attempts at its receiver', () => {
  async function opened() {
    const each = fleet();
    each.millis.set('slow.example.com', HANG);
    const [a, b] = [each.environment(), each.environment()];
    await each.post('slow.example.com', a);
    return { ...each, a, b };
  }

  it('are made by one environment at a time, and put off by the others', async () => {
    const { world, post, a, b } = await opened();
    world.told.length = 0;
    expect((await post('slow.example.com', b)).isHeld).toBe(false);
    // A window later; it was that environment's.
    world.clock.time -= HANG;
    const now = world.clock.time;
    const { isHeld, webhook, jobId } = await post('slow.example.com', a);
    expect(isHeld).toBe(true);
    expect(webhook).toMatchObject({ status: 'pending', attempts: 0, log: [], leaseUntil: null });
    const { heldUntil = 0, expectedWakeUp } = webhook as ReturnType<typeof pendingWebhook>;
    expect(expectedWakeUp).toMatchObject({ seq: 2, dueAt: heldUntil });
    expect(heldUntil).toBeGreaterThan(now);
    expect(heldUntil).toBeLessThanOrEqual(now + 60_000);
    const delaySeconds = Math.ceil((heldUntil - now) / 1000);
    const sent = { queue: 'deliver', delaySeconds, message: { jobId, attempts: 0, wakeUp: expectedWakeUp } };
    expect(world.wakeUps.sent.at(-1)).toMatchObject(sent);
    const wait_seconds = (heldUntil - now) / 1000;
    const told = { stage: 'deliver', outcome: 'held', job_id: jobId, client: 'acme', wait_seconds };
    expect(world.told.at(-1)).toMatchObject(told);
    expect(world.metrics.WebhooksHeld).toBe(1);
  });

  it('are told of, by client and host', async () => {
    const { world } = await opened();
    const told = { stage: 'deliver', outcome: 'receiver_hangs', client: 'acme', host: 'slow.example.com' };
    expect(world.told).toContainEqual(expect.objectContaining(told));
  });

  it('may be made whenever they are for another host or by another client', async () => {
    const { post, a, b } = await opened();
    await post('slow.example.com', b);
    for (const environment of [a, b]) {
      expect((await post('quick.example.com', environment)).isHeld).toBe(false);
      expect((await post('slow.example.com', environment, { client: 'other' })).isHeld).toBe(false);
    }
  });

  it('are made after the time for which they were held', async () => {
    const { world, millis, post, a, b } = await opened();
    await post('slow.example.com', b);
    world.clock.time -= HANG;
    const { jobId } = await post('slow.example.com', a);
    const [{ message, delaySeconds } = { message: null, delaySeconds: 0 }] = world.wakeUps.sent.slice(-1);
    millis.set('slow.example.com', 100);
    world.clock.time += delaySeconds * 1000;
    await deliver(message as never, a);
    const { webhook } = world.jobs.rows.get(jobId) as FinishedJob;
    expect(webhook).toMatchObject({ status: 'delivered', attempts: 1 });
    expect(webhook).not.toHaveProperty('heldUntil');
  });

  it('are free again at the first that is answered when none has hung for 20 seconds', async () => {
    const { world, millis, post, a, b } = await opened();
    millis.set('slow.example.com', 100);
    const isOpen = () => 'queueName' in (world.cloud.tables.jobs.peek('lane/acme/slow.example.com') ?? {});
    await post('slow.example.com', b);
    expect(isOpen()).toBe(true);
    world.clock.time += 21_000;
    await post('slow.example.com', b);
    expect(isOpen()).toBe(false);
    world.clock.time += 1000;
    for (const environment of [a, b, a, b])
      expect((await post('slow.example.com', environment)).isHeld).toBe(false);
  });

  it('are not free while another environment sees some that hang', async () => {
    const { world, millis, post, a, b } = await opened();
    world.clock.time += 21_000;
    millis.set('slow.example.com', 100);
    const { send } = b.webhooks;
    b.webhooks.send = async (webhook, body) => {
      await a.lanes.watch(webhook, () => world.sleep(HANG));
      world.clock.time -= HANG;
      return send(webhook, body);
    };
    await post('slow.example.com', b);
    expect(world.cloud.tables.jobs.peek('lane/acme/slow.example.com')).toHaveProperty('queueName');
  });
});

describe('a round ends before its row does:', () => {
  it.each([
    ['its last attempt is not held', 'first', {}],
    ['of a redelivery, as well', 'redelivered', { redelivered: { rounds: 1, at: NOW } }],
  ])('%s', async (_what, _round, changes) => {
    const { world, millis, environment, post } = fleet();
    millis.set('slow.example.com', HANG);
    const [a, b] = [environment(), environment()];
    const webhook = pendingWebhook({
      url: 'https://slow.example.com/',
      expectedWakeUp: wakeUp(1),
      ...changes,
    });
    const finishedAt = 'redelivered' in changes ? NOW - 20 * DAY : NOW;
    const job = { finishedAt, webhook };
    const endsAt = roundEndsAt(finishedJob(job) as never);
    expect(endsAt).toBe(NOW + 8.5 * DAY);
    world.clock.time = endsAt - 120_000;
    await post('slow.example.com', a);
    await post('slow.example.com', b);
    world.clock.time -= HANG;
    expect((await post('slow.example.com', a, job)).isHeld).toBe(true);
    world.clock.time = endsAt - 1;
    const last = await post('slow.example.com', a, job);
    expect(last.isHeld).toBe(false);
    expect(last.webhook).toMatchObject({ status: 'exhausted', attempts: 1 });
  });
});

describe('a receiver that nearly always answers', () => {
  async function busy() {
    const each = fleet();
    const all = Array.from({ length: 4 }, () => each.environment());
    for (const environment of all)
      for (let i = 0; i < 20; i++) await each.post('busy.example.com', environment);
    each.millis.set('busy.example.com', HANG);
    const isOpen = () => each.world.cloud.tables.jobs.peek('lane/acme/busy.example.com') !== null;
    /** Each of them begins at once. */
    const hang = async (environment: ReturnType<typeof each.environment>) => {
      await each.post('busy.example.com', environment);
      each.world.clock.time -= HANG;
    };
    return { ...each, all, isOpen, hang };
  }

  it('is left alone where few of its attempts hang', async () => {
    const { all, isOpen, hang, world } = await busy();
    for (const environment of all) {
      await hang(environment);
      world.clock.time += HANG;
    }
    expect(isOpen()).toBe(false);
  });

  it('may have died where many do at once', async () => {
    const { all, isOpen, hang } = await busy();
    for (const environment of all) {
      expect(isOpen()).toBe(false);
      await hang(environment);
    }
    expect(isOpen()).toBe(true);
  });
});

it('a client of whose hosts three hang has its others tried by one environment at a time, but for those that answer', async () => {
  const { world, millis, environment, post } = fleet();
  const [a, b] = [environment(), environment()];
  await post('quick.example.com', b);
  const hosts = Array.from({ length: 20 }, (_, i) => `h${i}.example.com`);
  for (const host of hosts) millis.set(host, HANG);
  for (const host of hosts.slice(0, 3)) await post(host, a);
  const lanes = () => world.cloud.tables.jobs.keys.filter((key) => key.startsWith('lane/'));
  expect(lanes()).toEqual([...hosts.slice(0, 3).map((host) => `lane/acme/${host}`), 'lane/acme/*']);
  world.clock.time += 1000;
  let tried = 0;
  const from = world.clock.time;
  for (const host of hosts.slice(3)) {
    if (!(await post(host, b)).isHeld) tried += 1;
    world.clock.time = from;
    if (!(await post(host, a)).isHeld) tried += 1;
    world.clock.time = from;
  }
  expect(tried).toBeLessThanOrEqual(17);
  expect(lanes()).toHaveLength(4);
  expect((await post('quick.example.com', b)).isHeld).toBe(false);
  expect((await post('h4.example.com', b, { client: 'other' })).isHeld).toBe(false);
});

describe('where DynamoDB fails,', () => {
  it('no receiver counts as hanging', async () => {
    const { world, millis, environment, post } = fleet();
    millis.set('slow.example.com', HANG);
    await post('slow.example.com', environment());
    const fails = async (): Promise<never> => {
      throw new Error('AWS is out of reach');
    };
    const { lanes } = portsOver(world.cloud, { ...clientsOf(world.cloud, fails) }, { clock: world.clock });
    const broken = { ...environment(), lanes };
    for (let i = 0; i < 3; i++) expect((await post('other.example.com', broken)).isHeld).toBe(false);
    expect((await post('slow.example.com', broken)).isHeld).toBe(false);
  });
});
