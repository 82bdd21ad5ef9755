import { ListQueuesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Job, ModelStudioJobsClient, verifyWebhook } from '../../../clients/typescript/index.ts';
import type { Sandbox, SeenRequest } from '../../../tools/local/sandbox/server.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { publicLine, type System, startSystem } from '../../../tools/local/system.ts';
import { type Operator, operatorOf } from '../blackbox/operator.ts';
import { raise } from './storm.ts';

/** `npm run test:more` waits for it, for up to 20 minutes: a job whose creator was killed waits for a sweep as long. */
const isAsked = process.env['CLIENT_STORM'] === 'yes';
const JOBS = 1000;
const KILLS = 200;
/** Each waits for its job before it submits the next one, as long as an outage lasts. */
const CALLERS = 200;
const PATIENCE_MS = 30 * 60_000;
/** Says what happens when, but for the timing of the machine. */
const SEED = Number(process.env['CLIENT_STORM_SEED'] ?? Date.now() % 1e9);

let box: System;
let operator: Operator;
beforeAll(async () => {
  if (!isAsked) return;
  vi.stubEnv('WEBHOOK_RETRY_SCHEDULE_SECONDS', `0${',2'.repeat(45)}`);
  box = await startSystem(
    { json: true, once: false, help: false, port: 0, strictWebhooks: false },
    () => undefined,
  );
  vi.unstubAllEnvs();
  operator = await operatorOf(publicLine(box));
  // Any shorter, and a message could be killed 14 times within the storm, after which it would be set aside.
  await hideForSeconds(30);
});
afterAll(async () => {
  operator?.close();
  await box?.close();
});

/** In place of minutes, for which the message of a killed worker stays hidden. */
async function hideForSeconds(seconds: number): Promise<void> {
  const sqs = new SQSClient(clientSettings(box.stack.endpoints.sqs));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const Attributes = { VisibilityTimeout: String(seconds) };
  for (const QueueUrl of QueueUrls) await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  sqs.destroy();
}

/** How often ModelStudio created a job of each prompt. It keeps only its latest requests. */
function countCreates({ requests }: Sandbox) {
  const seen = new Set<SeenRequest>();
  const counts = new Map<string, number>();
  const look = () => {
    for (const request of requests) {
      if (seen.has(request)) continue;
      seen.add(request);
      if (request.method !== 'POST' || (request.status !== null && request.status >= 300)) continue;
      const [, text = ''] = /"content":"(\w+)"/.exec(request.body ?? '') ?? [];
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  };
  const timer = setInterval(look, 100);
  return {
    counts,
    stop() {
      clearInterval(timer);
      look();
    },
  };
}

it.runIf(isAsked)(
  `${JOBS} jobs posted are ${JOBS} jobs, each created once and told of, under all faults and ${KILLS} kills`,
  { timeout: PATIENCE_MS },
  async () => {
    const { api_url: url, client_keys, webhook_secret, webhook_inbox_url } = publicLine(box);
    const client = new ModelStudioJobsClient({ url, key: client_keys[0], deadlineMs: 10 * 60_000 });
    const sandbox = box.upstream as Sandbox;
    const creates = countCreates(sandbox);
    const told = new Map<string, Set<string>>();
    box.inbox.listeners.add(({ headers, body }) => {
      void verifyWebhook(body, headers as Record<string, string>, webhook_secret).then(({ data }) => {
        told.set(data.job_id, (told.get(data.job_id) ?? new Set()).add(String(headers['webhook-id'])));
      });
    });
    const storm = raise(box, SEED, KILLS);
    const prompts = Array.from({ length: JOBS }, (_, i) => `job${i}`);
    const jobs = new Map<string, Job>();
    const left = [...prompts];
    const call = async () => {
      for (let prompt = left.shift(); prompt !== undefined; prompt = left.shift()) {
        const messages = [[{ role: 'user' as const, content: prompt }]];
        const request = { model_id: 'sandbox-instant', messages, webhook_url: webhook_inbox_url };
        jobs.set(prompt, await client.wait(await client.submit(request)));
        storm.note(`${prompt} ${jobs.get(prompt)?.status}`);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    await storm.ended;
    await vi.waitFor(() => expect(told.size).toBe(JOBS), { timeout: PATIENCE_MS, interval: 500 });
    creates.stop();

    const ids = [...jobs.values()].map(({ job_id }) => job_id);
    const listed: string[] = [];
    for await (const { job_id } of client.list()) listed.push(job_id);
    expect([ids.length, new Set(ids).size]).toEqual([JOBS, JOBS]);
    expect(listed.toSorted(), 'no other job was made').toEqual(ids.toSorted());
    const of = (status: string) =>
      [...jobs].filter(([, job]) => job.status === status).map(([prompt]) => prompt);
    const [completed, failed] = [of('completed'), of('failed')];
    expect(completed.length + failed.length).toBe(JOBS);
    // Of a submitter that is killed in the middle of its call nobody knows whether it was created, so it is not repeated.
    const codes = new Set(failed.map((prompt) => jobs.get(prompt)?.error?.code));
    expect([[], ['submission_unknown']]).toContainEqual([...codes]);
    const created = prompts.map((prompt) => creates.counts.get(prompt) ?? 0);
    expect(Math.max(...created), 'none was created twice').toBe(1);
    expect(completed.filter((prompt) => creates.counts.get(prompt) !== 1)).toEqual([]);
    expect(sandbox.creates).toBe(created.reduce((sum, count) => sum + count, 0));
    expect([...told.values()].filter((webhooks) => webhooks.size !== 1)).toEqual([]);
    expect(await operator.deadLetters()).toBe(0);
    process.stdout.write(
      `${JOBS} jobs, ${storm.kills} kills: ${completed.length} completed, ${failed.length} unknown; ` +
        `${sandbox.creates} creates; ${told.size} told of. Log: ${storm.log}\n`,
    );
  },
);
