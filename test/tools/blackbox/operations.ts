import { expect, type TestContext, vi } from 'vitest';
import { blackBox, heldModel, jobOf, patience, type Scene, submitJob } from './scene.ts';
import { type Called, call } from './system.ts';

const WORKERS = 20;
const SUBMITTERS = 5;

export const cancel = ({ system }: Scene, jobId: string) => call(system, 'POST', `/v1/jobs/${jobId}/cancel`);
export const redeliver = ({ system }: Scene, jobId: string, body?: object) =>
  call(system, 'POST', `/v1/jobs/${jobId}/redeliver`, body);
export const deliveriesOf = async ({ system }: Scene, jobId: string) =>
  (await call(system, 'GET', `/v1/jobs/${jobId}/deliveries`)).json.deliveries;
/** The status of an answer, and its code or the status of the job in it. */
export const outcomeOf = ({ status, json }: Called) => [status, json.code ?? json.status];

export async function webhookIs(scene: Scene, jobId: string, status: string) {
  return vi.waitFor(async () => {
    const job = await jobOf(scene, jobId);
    expect(job.webhook.status).toBe(status);
    return job;
  }, patience);
}

/** Waits until no message is left, so that nothing more will happen. */
export async function quiet({ operator }: Scene): Promise<void> {
  await vi.waitFor(async () => {
    const counts = await Promise.all([operator.queue.poll.count(), operator.queue.deliver.count()]);
    expect(counts).toEqual([0, 0]);
  }, patience);
}

/**
 * Does something to each of many jobs in the moment in which ModelStudio says that it is done: after that with the
 * first ones, ahead of it with the last ones, so that the poller comes first at some jobs and last at others.
 */
export async function whileFinishing<Answer>(
  context: TestContext,
  count: number,
  act: (scene: Scene, jobId: string) => Promise<Answer>,
  stepMillis = 20,
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
