import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, type TestContext, vi } from 'vitest';
import type { Model } from '../../../tools/local/sandbox/models.ts';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { publicLine, startSystem } from '../../../tools/local/system.ts';
import { type MoodyReceiver, startMoodyReceiver } from './moody-receiver.ts';
import { type Operator, operatorOf } from './operator.ts';
import { call, type Line, startLocally, submission, upstreamEnv } from './system.ts';

/** All that a test has in its hands: the system, what it calls, what calls it, and somebody to tamper with it. */
export interface Scene {
  system: Line;
  sandbox: Sandbox;
  receiver: MoodyReceiver;
  operator: Operator;
}

export const patience = { timeout: 120_000, interval: 200 };

interface SceneSettings {
  models?: Record<string, Model>;
  /** `WEBHOOK_RETRY_SCHEDULE_SECONDS` */
  schedule?: string;
  /** Other variables of the system. */
  env?: Record<string, string>;
}

/** The system as a process of its own, seen from outside alone. */
export async function blackBox(context: TestContext, settings: SceneSettings = {}): Promise<Scene> {
  const props = await propsOf(context, settings);
  const system = await startLocally(props.env);
  context.onTestFinished(() => system.stop());
  // A 500 says nothing to its caller.
  context.onTestFailed(() => void process.stderr.write(`${system.errors.join('\n')}\n`));
  return { ...props, system, operator: await operatorFor(context, system) };
}

interface LogLine {
  message: string;
  outcome?: string;
  job_id?: string;
}

/** The same system in this process, for tests that lay hands on its workers. */
export async function openBox(context: TestContext, settings: SceneSettings = {}) {
  const props = await propsOf(context, settings);
  const log: LogLine[] = [];
  for (const [name, value] of Object.entries(props.env)) vi.stubEnv(name, value);
  // It has read the environment before it waits for anything.
  const starting = startSystem(
    { json: true, once: false, help: false, port: 0, strictWebhooks: false },
    (line) => line.startsWith('{') && log.push(JSON.parse(line)),
  );
  vi.unstubAllEnvs();
  const box = await starting;
  context.onTestFinished(() => box.close());
  const system = publicLine(box);
  const functionNamed = (name: RegExp) => {
    const [, found] = Object.entries(box.stack.functions).find(([id]) => name.test(id)) ?? [];
    if (!found) throw new Error(`No function is called ${name}`);
    return found;
  };
  return { ...props, system, operator: await operatorFor(context, system), box, log, functionNamed };
}

async function propsOf(context: TestContext, given: SceneSettings) {
  const { models = {}, schedule = '0,1,1' } = given;
  const [sandbox, receiver] = await Promise.all([startSandbox({ models }), startMoodyReceiver()]);
  context.onTestFinished(async () => {
    await Promise.all([sandbox.close(), receiver.refuseConnections()]);
  });
  const env = { ...given.env, ...upstreamEnv(sandbox), WEBHOOK_RETRY_SCHEDULE_SECONDS: schedule };
  return { sandbox, receiver, env };
}

async function operatorFor(context: TestContext, system: Line): Promise<Operator> {
  const operator = await operatorOf(system);
  context.onTestFinished(() => operator.close());
  return operator;
}

/** A model whose jobs are done when the test says so. */
export function heldModel(onReport: () => void = () => undefined): { isReleased: boolean; model: Model } {
  const held = {
    isReleased: false,
    model: {
      note: 'done when the test says so',
      taskEndsAt: () => (held.isReleased ? 0 : Number.POSITIVE_INFINITY),
      jobStatusAt() {
        onReport();
        return null;
      },
    },
  };
  return held;
}

/** Submits as a client should: with a key, and again for as long as it is told that nothing was kept. */
export async function submitJob({ system, receiver }: Scene, model: string): Promise<string> {
  const body = { ...submission(model, 'hello'), webhook_url: receiver.url };
  const headers = { 'idempotency-key': randomUUID() };
  const { status, json } = await vi.waitFor(async () => {
    const answer = await call(system, 'POST', '/v1/jobs', body, headers);
    expect([502, 503]).not.toContain(answer.status);
    return answer;
  }, patience);
  expect(status, JSON.stringify(json)).toBe(202);
  return json.job_id;
}

export async function submitJobs(scene: Scene, count: number, model: string): Promise<string[]> {
  const jobIds: string[] = [];
  while (jobIds.length < count) jobIds.push(await submitJob(scene, model));
  return jobIds;
}

export async function jobOf({ system }: Scene, jobId: string) {
  const { status, json } = await call(system, 'GET', `/v1/jobs/${jobId}`);
  expect(status, JSON.stringify(json)).toBe(200);
  return json;
}

/** Waits until every job has ended and its webhook has arrived, then sees that neither happened twice. */
export async function expectEachEndedOnce(scene: Scene, jobIds: readonly string[]): Promise<void> {
  for (const jobId of jobIds) {
    const job = await vi.waitFor(async () => {
      const now = await jobOf(scene, jobId);
      expect(now.webhook.status).not.toBe('pending');
      return now;
    }, patience);
    const { webhook, updated_at, ...data } = job;
    expect(job).toMatchObject({ status: 'completed', completed_tasks: 1, webhook: { status: 'delivered' } });

    const deliveries = scene.receiver.deliveries.filter((delivery) => delivery.jobId === jobId);
    expect(deliveries.filter(({ status }) => status === 204).length, `webhooks of ${jobId}`).toBe(1);
    expect(new Set(deliveries.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([webhook.id]));
    const bodies = [...new Set(deliveries.map(({ body }) => body))];
    expect(bodies.length).toBe(1);
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ type: 'job.completed', data });
    for (const { body, headers } of deliveries) verify(scene.system.webhook_secret, body, headers);
  }
  // ModelStudio was asked for each of them once, and bills each of them once.
  expect(scene.sandbox.creates).toBe(new Set(jobIds).size);
  expect(await scene.operator.deadLetters()).toBe(0);
}

/** @throws when a receiver that knows this secret would refuse it */
export function verify(secret: string, body: string, headers: object): void {
  new Webhook(secret).verify(body, headers as Record<string, string>);
}
