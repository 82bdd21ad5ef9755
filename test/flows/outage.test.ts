import { expect, it } from 'vitest';
import type { FinishedJob } from '../../functions/core/job.ts';
import { createJobs } from '../../functions/edge/jobs-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import { answer } from '../../functions/jobs/jobs.ts';
import { atOnce, clientsOf } from '../cloud/clients.ts';
import { Cloud } from '../cloud/cloud.ts';
import { failedIn, type Handlers, handlersOf, sqsEvent } from '../cloud/handlers.ts';
import { finishedJob, NOW, settledWebhook } from '../cloud/jobs.ts';
import { portsOver, RETENTION_DAYS } from '../cloud/ports.ts';
import { VirtualTime } from '../cloud/time.ts';
import { fakeWorld } from '../cloud/world.ts';

const MANY = process.env['MANY_WEBHOOKS'] === 'yes';
const WEBHOOKS = MANY ? 5000 : 300;
const ANSWER_MILLIS = 350;

/** After the outage of a receiver that has answered nothing for a day, on a clock of its own. */
async function afterOutage() {
  const time = new VirtualTime(NOW);
  const clock = { now: () => time.now };
  let handlers: Handlers | null = null;
  const cloud = new Cloud({
    time,
    handle: async (queue, batch) =>
      failedIn(batch, await (handlers as Handlers)[queue](sqsEvent(queue, batch))),
  });
  const clients = clientsOf(cloud, atOnce);
  const posts: { id: string; at: number }[] = [];
  const world = {
    ...fakeWorld(),
    ...portsOver(cloud, clients, { clock }),
    ...{ clock, openApi: async () => ({ default: {} }) },
    webhooks: {
      async send({ id }: { id: string }) {
        posts.push({ id, at: time.now });
        return { kind: 'answered' as const, status: 204, retryAfterSeconds: null };
      },
    },
  };
  handlers = handlersOf(world, async () => undefined);
  const jobs = createJobs(createRows(clients.dynamodb, 'jobs'), RETENTION_DAYS, clock);
  for (let i = 0; i < WEBHOOKS; i++) {
    const event = await world.documents.save(`events/job_${i}/a.json`, '{}');
    const webhook = settledWebhook('exhausted', { id: `msg_${i}`, attempts: 8, lastSeq: 8 });
    await jobs.insert(finishedJob({ jobId: `job_${i}`, createdAt: NOW - i, event, webhook }));
  }
  const statuses = async () => {
    const found = await Promise.all(Array.from({ length: WEBHOOKS }, (_, i) => jobs.find(`job_${i}`)));
    return new Set(found.map((job) => (job as FinishedJob).webhook?.status));
  };
  const ask = async (body: object) => {
    const request = {
      ...{ method: 'POST', path: '/v1/redeliveries', query: '', requestId: 'r1' },
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    };
    const authorized = { operation: 'redeliveries', jobId: '', client: 'acme' } as const;
    const answered = await answer(request, authorized, world);
    await new Promise<void>((resolve) => time.after(ANSWER_MILLIS, resolve));
    return JSON.parse(answered.body) as { count: number; next_cursor: string | null };
  };
  return { time, posts, ask, statuses };
}

it.each([1, 2])(
  'each webhook is delivered once, and at most ten a second: commands at once: %i',
  async (commands) => {
    const { time, posts, ask, statuses } = await afterOutage();
    await time.govern(async () => {
      const command = async () => {
        let begun = 0;
        let cursor: string | null = null;
        do {
          const { count, next_cursor } = await ask({ webhook_status: 'exhausted', cursor });
          begun += count;
          cursor = next_cursor;
        } while (cursor !== null);
        return begun;
      };
      const running = Promise.all(Array.from({ length: commands }, command));
      let begun: number[] | null = null;
      void running.then((counts) => {
        begun = counts;
      });
      // Some code is loaded only when it is needed, which takes a turn of the event loop.
      while (begun === null) if (!(await time.step())) await new Promise((done) => setImmediate(done));
      expect((await running).reduce((sum, count) => sum + count)).toBe(WEBHOOKS);
      await time.run(time.now + commands * WEBHOOKS * 250);
    });
    expect(await statuses()).toEqual(new Set(['delivered']));
    expect([posts.length, new Set(posts.map(({ id }) => id)).size]).toEqual([WEBHOOKS, WEBHOOKS]);
    const moments = posts.map(({ at }) => at).toSorted((a, b) => a - b);
    const inASecond = moments.map(
      (from, i) => moments.slice(i, i + 50).filter((at) => at < from + 1000).length,
    );
    expect(Math.max(...inASecond)).toBeLessThanOrEqual(10);
    // Of two, each takes moments that the other then does not need.
    expect((Math.max(...moments) - NOW) / WEBHOOKS).toBeLessThan(250 * commands);
  },
);
