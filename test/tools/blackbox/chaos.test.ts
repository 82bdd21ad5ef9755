import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { findTarget } from '../../../tools/commands/find-target.ts';
import { rotate, webhookSecretOf } from '../../../tools/commands/webhook-secrets.ts';
import type { Queue } from './operator.ts';
import {
  blackBox,
  expectEachEndedOnce,
  heldModel,
  jobOf,
  openBox,
  patience,
  type Scene,
  submitJob,
  submitJobs,
  verify,
} from './scene.ts';
import { call, type Line, submission } from './system.ts';

const TEST = { timeout: 240_000 };

describe.concurrent('each job ends once and its webhook arrives, although', TEST, () => {
  it('the client key that submitted it is revoked under load, and no other', async (context) => {
    const scene = await blackBox(context);
    const { system, operator, receiver } = scene;
    const [revokedKey, otherKey] = system.client_keys;
    const jobIds = await submitJobs(scene, 5, 'sandbox-batch');
    const body = { ...submission('sandbox-batch', 'hello'), webhook_url: receiver.url };
    const list = (key: string) =>
      call(system, 'GET', '/v1/jobs', undefined, { authorization: `Bearer ${key}` });
    await operator.revokeKey(revokedKey);
    const patient = { timeout: 60_000, interval: 500 };
    await vi.waitFor(async () => {
      const answers = await Promise.all([call(system, 'POST', '/v1/jobs', body), list(revokedKey)]);
      if (answers[0].status === 202) jobIds.push(answers[0].json.job_id);
      expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    }, patient);
    expect((await list(otherKey)).status).toBe(200);
    // Its client has another one.
    const reader: Line = { ...system, client_keys: [system.read_only_key, otherKey] };
    await expectEachEndedOnce({ ...scene, system: reader }, jobIds);
  });

  it('the poll worker is killed in the middle of its batches', async (context) => {
    let kills = 0;
    let killsMax = 5;
    let strikes = 0;
    let isArmed = true;
    const strike = () => {
      if (!isArmed || kills >= killsMax) return;
      isArmed = false;
      // Each time a little later after ModelStudio was asked: before it answers, before the next wake-up is sent, …
      setTimeout(() => {
        if (poller.kill() > 0) kills++;
        isArmed = true;
      }, strikes++ % 6);
    };
    const held = heldModel(strike);
    const scene = await openBox(context, { models: { held: held.model } });
    const poller = scene.functionNamed(/^PollPoller/);
    // In place of the deployment's three minutes.
    await scene.operator.queue.poll.hideFor(5);

    const jobIds = await submitJobs(scene, 30, 'held');
    await vi.waitFor(() => expect(kills).toBe(killsMax), patience);
    held.isReleased = true;
    strikes = 0;
    killsMax = 8;
    await expectEachEndedOnce(scene, jobIds);
    expect(kills).toBeGreaterThan(5);
    const ends = scene.log.filter(({ message }) => message === 'finish').map(({ job_id }) => job_id);
    expect(new Set(ends).size).toBe(ends.length);
    // A sweep that comes by meanwhile tells of itself, but of no job.
    expect(scene.log.filter(({ message, job_id }) => message === 'sweep' && job_id)).toEqual([]);
  });

  it('all messages are lost until a sweep comes (here at once, as the due times are set back)', async (context) => {
    const held = heldModel();
    // The second attempt is so far away that only a sweep can make it.
    const scene = await openBox(context, { models: { held: held.model }, schedule: '0,600' });
    const { operator, receiver } = scene;
    const sweep = async (jobIds: string[]) => {
      for (const jobId of jobIds) await operator.makeOverdue(jobId);
      // Two at once, as when one takes longer than a minute.
      await Promise.all([1, 2].map(() => scene.functionNamed(/^SweepFunction/).invoke({})));
    };
    const rescued = (outcome: string) => {
      const rescues = scene.log.filter((line) => line.message === 'sweep' && line.outcome === outcome);
      return new Set(rescues.map(({ job_id }) => job_id));
    };
    await receiver.refuseConnections();
    const jobIds = await submitJobs(scene, 6, 'held');

    await lose(operator.queue.poll, scene.functionNamed(/^PollPoller/));
    held.isReleased = true;
    await sweep(jobIds);
    await attempted(scene, jobIds, 1);
    expect(rescued('lost_poll')).toEqual(new Set(jobIds));

    await lose(operator.queue.deliver, scene.functionNamed(/^DeliverFunction/));
    await vi.waitFor(() => receiver.acceptConnections(), patience);
    await sweep(jobIds);
    await expectEachEndedOnce(scene, jobIds);
    expect(rescued('lost_delivery')).toEqual(new Set(jobIds));
  });

  it('its messages are doubled, late, and repeated after the end', async (context) => {
    const held = heldModel();
    const schedule = `0${',1'.repeat(19)}`;
    const scene = await blackBox(context, { models: { held: held.model }, schedule });
    const { queue } = scene.operator;
    scene.receiver.status = 500;
    const startedAt = Date.now();
    const copiers = [copy(queue.poll), copy(queue.deliver)] as const;
    context.onTestFinished(async () => {
      await Promise.all(copiers.map((copier) => copier.stop()));
    });
    const [polls, deliveries] = copiers;
    const jobIds = await submitJobs(scene, 6, 'held');
    await vi.waitFor(() => expect(polls.copied.size).toBeGreaterThan(5), patience);
    held.isReleased = true;
    await vi.waitFor(() => expect(deliveries.copied.size).toBeGreaterThan(5), patience);
    scene.receiver.status = 204;
    await expectEachEndedOnce(scene, jobIds);
    const seconds = (Date.now() - startedAt) / 1000;
    await Promise.all(copiers.map((copier) => copier.stop()));

    for (const body of polls.copied) await queue.poll.send(body);
    for (const body of deliveries.copied) await queue.deliver.send(body);
    for (const each of Object.values(queue)) {
      await vi.waitFor(async () => expect(await each.count()).toBe(0), patience);
    }
    await expectEachEndedOnce(scene, jobIds);
    for (const jobId of jobIds) {
      const posts = scene.receiver.deliveries.filter((delivery) => delivery.jobId === jobId);
      expect((await jobOf(scene, jobId)).webhook.attempts).toBe(posts.length);
    }
    // A chain has a link a second at most, and each link is asked after by four messages at most: no chain became two.
    const asked = scene.sandbox.requests.filter(({ method }) => method === 'GET');
    for (const requests of Object.values(Object.groupBy(asked, ({ path }) => path))) {
      expect(requests?.length).toBeLessThan(4 * seconds);
    }
  });

  it('ModelStudio is down for a while', async (context) => {
    const held = heldModel();
    const scene = await blackBox(context, { models: { held: held.model } });
    const { sandbox, system } = scene;
    const jobIds = await submitJobs(scene, 6, 'held');

    await sandbox.refuseConnections();
    const now = { ...submission('held', 'now?'), queue_for: 0 };
    const refused = await call(system, 'POST', '/v1/jobs', now);
    expect([refused.status, refused.json.code]).toEqual([503, 'modelstudio_unavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const waiting = await submitJob(scene, 'held');
    expect((await jobOf(scene, waiting)).status).toBe('queued');
    for (const _each of [1, 2]) await askedAgain(scene, jobIds);
    held.isReleased = true;
    await vi.waitFor(() => sandbox.acceptConnections(), patience);

    await expectEachEndedOnce(scene, [...jobIds, waiting]);
  });

  it('the receiver is down for a while', async (context) => {
    const scene = await blackBox(context, { schedule: '0,1,1,2,2,2' });
    await scene.receiver.refuseConnections();
    const jobIds = await submitJobs(scene, 6, 'sandbox-instant');
    await attempted(scene, jobIds, 2);
    await vi.waitFor(() => scene.receiver.acceptConnections(), patience);

    await expectEachEndedOnce(scene, jobIds);
    for (const jobId of jobIds)
      expect((await jobOf(scene, jobId)).webhook.attempts).toBeGreaterThanOrEqual(3);
  });

  it("the ModelStudio key, the root of the webhook secrets and a client's secret are rotated under load", async (context) => {
    const held = heldModel();
    const scene = await openBox(context, { models: { held: held.model } });
    const { sandbox, operator, receiver } = scene;
    const { ModelStudioSecretArn = '', WebhookSecretArn = '' } = scene.box.stack.outputs;
    const before = await submitJobs(scene, 5, 'held');
    const answers = (status: number) =>
      sandbox.requests.filter((request) => request.status === status).length;
    // The workers have taken the old key to heart.
    await vi.waitFor(() => expect(answers(200)).toBeGreaterThanOrEqual(2 * before.length), patience);

    const during = Array.from({ length: 5 }, () => submitJob(scene, 'held'));
    const newRoot = `whsec_${randomBytes(32).toString('base64')}`;
    await operator.putSecret(WebhookSecretArn, newRoot);
    const target = await findTarget({ port: Number(new URL(scene.system.api_url).port) });
    await rotate(target, 'first-app');
    const newKey = `sandbox-key-${randomBytes(8).toString('hex')}`;
    await operator.putSecret(ModelStudioSecretArn, newKey);
    sandbox.apiKey = newKey;
    const jobIds = [...before, ...(await Promise.all(during))];
    await vi.waitFor(() => expect(answers(401)).toBeGreaterThan(0), patience);
    held.isReleased = true;

    await expectEachEndedOnce(scene, jobIds);
    for (const { headers, body } of receiver.deliveries) {
      expect(String(headers['webhook-signature']).split(' ').length).toBe(4);
      const { secret } = await webhookSecretOf(target, 'first-app');
      for (const known of [scene.system.webhook_secret, secret]) verify(known, body, headers);
    }
  });
});

/** A wake-up of either queue, which is done with as soon as a worker looks for its job. */
const FOR_NO_JOB = JSON.stringify({
  jobId: 'job_of_nobody',
  wakeUp: { seq: 0, token: '', dueAt: 0 },
  attempts: 0,
  upstreamJobId: '',
  polledAt: 0,
  recordedToken: '',
  pollsSinceRecord: 0,
});

/**
 * Loses every message of a queue, those that a worker is about to send included. One that is purged on its way to a
 * worker is counted nowhere until it is there. So another one is sent after it: once that is done with, all those
 * before it have reached the worker.
 */
async function lose(queue: Queue, worker: { busyCount: number }): Promise<void> {
  const once = { ...patience, interval: 1 };
  await vi.waitFor(async () => {
    await queue.purge();
    await queue.send(FOR_NO_JOB);
    await vi.waitFor(async () => expect(await queue.countDue()).toBe(0), once);
    // In this order, so that what a worker has sent meanwhile is counted.
    expect([worker.busyCount, await queue.count()]).toEqual([0, 0]);
  }, once);
}

/** Takes a queue's messages out and puts each of them in again three times: twice at once, and once late. */
function copy(queue: Queue) {
  const copied = new Set<string>();
  let isStopped = false;
  const putBack = async (body: string) => {
    const delays = copied.has(body) ? [0] : [0, 0, 1];
    copied.add(body);
    await Promise.all(delays.map((delay) => queue.send(body, delay)));
  };
  const taker = async () => {
    while (!isStopped) await Promise.all((await queue.take()).map(putBack));
  };
  // More of them than the function has, which gets the rest.
  const takers = Promise.all([taker(), taker(), taker()]);
  const stop = () => {
    isStopped = true;
    return takers;
  };
  return { copied, stop };
}

/** Waits until ModelStudio has been asked after each job once more, or would have been, were it alive. */
async function askedAgain(scene: Scene, jobIds: readonly string[]): Promise<void> {
  const since = new Date().toISOString();
  for (const jobId of jobIds) {
    await vi.waitFor(async () => expect((await jobOf(scene, jobId)).updated_at > since).toBe(true), patience);
  }
}

/** Waits until that many attempts have been made at each job's webhook. */
async function attempted(scene: Scene, jobIds: readonly string[], times: number): Promise<void> {
  for (const jobId of jobIds) {
    await vi.waitFor(
      async () => expect((await jobOf(scene, jobId)).webhook.attempts).toBeGreaterThanOrEqual(times),
      patience,
    );
  }
}
