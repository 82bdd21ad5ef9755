import { describe, expect, it } from 'vitest';
import { type Traced, traceparentOf } from '../../functions/core/trace.ts';
import { drain } from '../../functions/create/drain.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { redeliver } from '../../functions/jobs/redeliver.ts';
import { poll } from '../../functions/poll/poll.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { TRACEPARENT } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';
import { postJob } from './post.ts';

const [, TRACE_ID = '', PARENT_ID = ''] = TRACEPARENT.split('-');
const OTHER = TRACEPARENT.replace(TRACE_ID, 'f'.repeat(32));
const JOB = { webhook_url: 'https://hooks.example.com/h' };
const HOUR = 3_600_000;

/** With the headers of all calls for jobs. */
function scene(settings: object = {}) {
  const world = fakeWorld({
    creations: [
      { kind: 'unavailable', retryAfterSeconds: null },
      { kind: 'created', upstreamJobId: 'up-1' },
    ],
    reports: [
      { kind: 'running', completedTasks: 0, unknownState: null },
      { kind: 'completed', results: { json: '[]', failedTasks: 0, missing: 0, surplus: 0 } },
    ],
    exchanges: [
      { kind: 'answered', status: 500, retryAfterSeconds: null },
      { kind: 'answered', status: 204, retryAfterSeconds: null },
    ],
  });
  Object.assign(world.settings, { queueForSeconds: 3600, ...settings });
  const calls: [to: string, traceparent: string][] = [];
  const { modelStudio, webhooks } = world;
  world.modelStudio = {
    create: (generation: Parameters<typeof modelStudio.create>[0], job: Traced) => {
      calls.push(['create', traceparentOf(job, world.clock.time)]);
      return modelStudio.create(generation);
    },
    report: (job: Traced) => {
      calls.push(['report', traceparentOf(job, world.clock.time)]);
      return modelStudio.report();
    },
  } as typeof modelStudio;
  world.webhooks = {
    send: (delivery, body) => {
      calls.push(['webhook', delivery.traceparent]);
      return webhooks.send(delivery, body);
    },
  };
  return { ...world, calls };
}
type Scene = ReturnType<typeof scene>;

/** Hands out each message when it is due, until none is left. */
async function run(world: Scene) {
  for (let sent = world.wakeUps.sent.shift(); sent; sent = world.wakeUps.sent.shift()) {
    world.clock.time += 1000 * sent.delaySeconds;
    if (sent.queue === 'create') await drain(sent.message, world);
    else if (sent.queue === 'deliver') await deliver(sent.message, world);
    else await poll(sent.message, false, world);
  }
}

async function redeliverOnce(world: Scene, jobId: string) {
  const request = { method: 'POST', path: '', query: '', body: Buffer.alloc(0), requestId: 'r' };
  const headers = { traceparent: OTHER };
  const call = { operation: 'redeliver', jobId, client: 'acme' } as const;
  expect((await redeliver({ ...request, headers }, call, world)).status).toBe(202);
}

/** A queued job to its end, with a message that is lost, and a redelivery. */
async function live(world: Scene, headers: object) {
  const { job } = await postJob(world, JOB, 'acme', headers);
  const drained = world.wakeUps.sent.shift();
  world.clock.time += 1000 * (drained?.delaySeconds ?? 0);
  await drain(drained?.message as never, world);
  world.wakeUps.sent.length = 0;
  world.clock.time += HOUR;
  await sweep(world);
  await run(world);
  await redeliverOnce(world, job.job_id);
  await run(world);
  return job;
}

describe('the trace of a submission', () => {
  it('is in each line about its job, and in each call for it with a parent id of its own', async () => {
    const world = scene();
    await live(world, { traceparent: TRACEPARENT });
    const about = world.told.filter(({ job_id }) => job_id !== undefined);
    const stages = ['create', 'deliver', 'finish', 'poll', 'redeliver', 'submit', 'sweep'];
    expect([...new Set(about.map(({ stage }) => stage))].sort()).toEqual(stages);
    expect(new Set(about.map(({ trace_id }) => trace_id))).toEqual(new Set([TRACE_ID]));

    const made = world.calls.map(([to]) => to);
    expect(made).toEqual(['create', 'create', 'report', 'report', 'webhook', 'webhook', 'webhook']);
    const [traceIds, parentIds] = [1, 2].map((at) => world.calls.map(([, header]) => header.split('-')[at]));
    expect(new Set(traceIds)).toEqual(new Set([TRACE_ID]));
    expect(new Set([PARENT_ID, ...(parentIds ?? [])]).size).toBe(1 + world.calls.length);
  });

  it('is replaced by one of our own if it is malformed', async () => {
    const world = scene();
    const { job_id } = await live(world, { traceparent: `${TRACEPARENT}.`, tracestate: 'a=1' });
    const own = new Set(world.told.flatMap(({ trace_id }) => trace_id ?? []));
    expect([...own]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(new Set(world.calls.map(([, header]) => header.split('-')[1]))).toEqual(own);
    const row = await world.jobs.find(job_id);
    expect(row).not.toHaveProperty('trace');
    expect(row).not.toHaveProperty('tracestate');
  });

  it('is that of the first one if it is repeated', async () => {
    const world = scene();
    const key = { 'idempotency-key': 'k' };
    const { job } = await postJob(world, JOB, 'acme', { ...key, traceparent: TRACEPARENT });
    const again = await postJob(world, JOB, 'acme', { ...key, traceparent: OTHER });
    expect(again).toMatchObject({ status: 202, headers: { 'idempotency-replayed': 'true' } });
    expect(await world.jobs.find(job.job_id)).toMatchObject({ trace: `${TRACE_ID}-01` });
  });
});

it.each<[setting: boolean, sent: string | undefined]>([
  [true, 'a=1,b=2'],
  [false, undefined],
])('a tracestate goes to the receiver with the setting forwardTracestate %s: %s', async (setting, sent) => {
  const world = scene({ forwardTracestate: setting });
  await live(world, { traceparent: TRACEPARENT, tracestate: 'a=1, b=2' });
  expect(world.posted.length).toBe(3);
  for (const { tracestate } of world.posted as { tracestate?: string }[]) expect(tracestate).toBe(sent);
});
