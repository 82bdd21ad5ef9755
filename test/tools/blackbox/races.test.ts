import { expect, it, type TestContext } from 'vitest';
import { cancel, outcomeOf, quiet, redeliver, webhookIs } from './operations.ts';
import { blackBox, heldModel, jobOf, type Scene, submitJob } from './scene.ts';
import { type Called, call } from './system.ts';

const TEST = { timeout: 240_000 };

/** Each is a process, and a machine that starts too many of them at once is too slow for its own AWS. */
const WORKERS = 10;
const SUBMITTERS = 5;
const CANCELLED = 50;
const ASKED = 20;

/** The simulation has such races in virtual time, on each seed; these take a minute: MANY_RACES=yes npx vitest run FILE */
const isAsked = process.env['MANY_RACES'] === 'yes';

it.runIf(isAsked).concurrent(
  `${CANCELLED} jobs are cancelled as they finish, and each ends once, as its webhook says`,
  TEST,
  async (context) => {
    const ends = new Set<string>();
    // On a machine on which one of the two always wins, they are given more time.
    for (let stepMillis = 2000 / CANCELLED; ends.size < 2; stepMillis *= 2) {
      const { scene, jobIds, answers } = await whileFinishing(context, CANCELLED, cancel, stepMillis);
      for (const [i, jobId] of jobIds.entries()) {
        const { status } = await jobOf(scene, jobId);
        const isCancelled = status === 'cancelled';
        const answer = answers[i] as Called;
        expect(outcomeOf(answer)).toEqual(isCancelled ? [200, 'cancelled'] : [409, 'not_cancellable']);
        const events = scene.receiver.deliveries.filter((delivery) => delivery.jobId === jobId);
        expect(events.map(({ body }) => JSON.parse(body).type)).toEqual([`job.${status}`]);
        ends.add(status);
      }
    }
    expect(ends).toEqual(new Set(['completed', 'cancelled']));
  },
);

it.runIf(isAsked).concurrent(
  `${ASKED} jobs are cancelled and redelivered as they finish, and each has one webhook`,
  TEST,
  async (context) => {
    const allAtOnce = (scene: Scene, jobId: string) =>
      Promise.all([redeliver, cancel, redeliver].map((ask) => ask(scene, jobId)));
    const { scene, jobIds, answers } = await whileFinishing(context, ASKED, allAtOnce, 400 / ASKED);
    for (const { status } of answers.flat()) expect([200, 202, 409, 429]).toContain(status);
    for (const jobId of jobIds) {
      const { status, webhook } = await jobOf(scene, jobId);
      const posts = scene.receiver.deliveries.filter((delivery) => delivery.jobId === jobId);
      expect(posts.length).toBe(webhook.attempts);
      expect(new Set(posts.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([webhook.id]));
      expect(new Set(posts.map(({ body }) => body)).size).toBe(1);
      expect(JSON.parse(posts[0]?.body ?? '').type).toBe(`job.${status}`);
    }
  },
);

/**
 * Does something to each of many jobs in the moment in which ModelStudio says that it is done: after that with the
 * first ones, ahead of it with the last ones, so that the poller comes first at some jobs and last at others.
 */
async function whileFinishing<Answer>(
  context: TestContext,
  count: number,
  act: (scene: Scene, jobId: string) => Promise<Answer>,
  stepMillis: number,
) {
  const acts = Array.from({ length: count }, () => Promise.withResolvers<Answer>());
  const helds = acts.map(({ resolve }, i) =>
    heldModel(() => {
      if (!helds[i]?.isReleased) return;
      const lead = stepMillis * (i - count / 2);
      scene.sandbox.faults.delayMilliseconds = Math.max(0, lead);
      setTimeout(() => resolve(act(scene, jobIds[i] ?? '')), Math.max(0, -lead));
    }),
  );
  const models = Object.fromEntries(helds.map(({ model }, i) => [`held-${i}`, model]));
  const scene = await blackBox(context, { models });
  // So that no request has to wait for a worker to start.
  await Promise.all(Array.from({ length: WORKERS }, () => call(scene.system, 'GET', '/v1/jobs')));
  const jobIds: string[] = [];
  const waiting = Object.keys(models).entries();
  const submitter = async () => {
    for (const [i, model] of waiting) jobIds[i] = await submitJob(scene, model);
  };
  // Several at once, as those that are submitted are asked after again and again until all are.
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
  for (const held of helds) held.isReleased = true;
  const answers = await Promise.all(acts.map(({ promise }) => promise));
  for (const jobId of jobIds) await webhookIs(scene, jobId, 'delivered');
  await quiet(scene);
  expect(await scene.operator.deadLetters()).toBe(0);
  return { scene, jobIds, answers };
}
