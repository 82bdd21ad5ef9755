import { expect, it } from 'vitest';
import { ROW_FORMAT } from '../../functions/core/format.ts';
import type { Generation } from '../../functions/core/http/generation-request.ts';
import type { SubmittingJob } from '../../functions/core/job.ts';
import type { CreateMessage } from '../../functions/core/messages.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import { drain } from '../../functions/create/drain.ts';
import { cancel } from '../../functions/jobs/cancel.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { fakeWorld } from '../cloud/world.ts';
import { postJob } from './post.ts';

const CANARY = 'canary-prompt';
const REFUSED: CreateResult = { kind: 'unavailable', retryAfterSeconds: null };
const created = (id: string): CreateResult => ({ kind: 'created', upstreamJobId: id });

function scene(creations: CreateResult[], settings: object = {}) {
  const world = fakeWorld({ creations });
  Object.assign(world.settings, { queueForSeconds: 3600, ...settings });
  return world;
}
type Scene = ReturnType<typeof scene>;

function post(world: Scene, fields: object = {}, client = 'acme', headers: object = {}) {
  const messages = [[{ role: 'user', content: CANARY }]];
  return postJob(world, { messages, webhook_url: 'https://hooks.example.com/h', ...fields }, client, headers);
}

/** Hands the queue's wake-ups out when they are due, until none is left or so much time has passed. */
async function run(world: Scene, millis = 3_600_000) {
  const until = world.clock.time + millis;
  for (;;) {
    const next = world.wakeUps.sent.findIndex(({ queue }) => queue === 'create');
    if (next === -1) return;
    const [sent] = world.wakeUps.sent.splice(next, 1);
    world.clock.time += (sent?.delaySeconds ?? 0) * 1000;
    if (world.clock.time > until) return;
    await drain(sent?.message as CreateMessage, world);
  }
}

const statusOf = async (world: Scene, jobId: string) => (await world.jobs.find(jobId))?.status;

it('a job that ModelStudio does not take waits, and is created as soon as it does', async () => {
  const world = scene([REFUSED, REFUSED, created('up-1')]);
  const { status, job, headers } = await post(world);
  expect({ status, state: job.status, headers }).toMatchObject({
    status: 202,
    state: 'queued',
    headers: { location: `/v1/jobs/${job.job_id}`, 'retry-after': '5' },
  });
  expect(Date.parse(job.queued_until)).toBe(Date.parse(job.created_at) + 3_600_000);
  expect([...world.cloud.objects.keys()]).toEqual([expect.stringMatching(/^requests\//)]);
  await run(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ status: 'running', upstreamJobId: 'up-1' });
  expect(world.created.length).toBe(3);
  // Polls are slowed down by the submission alone.
  expect(world.durationStats.refusals).toBe(1);
  expect([...world.cloud.objects.keys()]).toEqual([]);
  expect(world.wakeUps.sent.map(({ queue }) => queue)).toEqual(['poll']);
});

it('a job that comes when the queue was just empty waits no longer than the first one', async () => {
  const world = scene([REFUSED, created('up-1'), REFUSED, created('up-2')]);
  await post(world);
  // It is drained, and found empty; then it is looked at every 15 s.
  for (let i = 0; i < 2; i++) await run(world, 1500);
  expect(await world.queue.gate()).toMatchObject({ phase: 'lingering' });
  const { job } = await post(world);
  expect(job.status).toBe('queued');
  const sent = world.wakeUps.sent.filter(({ queue }) => queue === 'create');
  expect(Math.min(...sent.map(({ delaySeconds }) => delaySeconds ?? 0))).toBe(1);
  await run(world);
  expect(await statusOf(world, job.job_id)).toBe('running');
});

it('jobs of several clients take turns, each in the order of their arrival', async () => {
  const world = scene([REFUSED, ...Array.from({ length: 12 }, (_, i) => created(`up-${i}`))]);
  for (let i = 0; i < 8; i++) await post(world, { metadata: { i: `a${i}` } }, 'a');
  for (let i = 0; i < 4; i++) await post(world, { metadata: { i: `b${i}` } }, 'b');
  expect(world.created.length).toBe(1);
  await run(world);
  const rows = [...world.jobs.rows.values()];
  const order = rows
    .filter((job) => job.status === 'running')
    .sort((x, y) => Number(x.upstreamJobId.slice(3)) - Number(y.upstreamJobId.slice(3)));
  expect(order.map(({ metadata }) => metadata['i'])).toEqual(
    ['a0', 'a1', 'b0', 'a2', 'b1', 'a3', 'b2', 'a4', 'b3', 'a5', 'a6', 'a7'].map(() => expect.anything()),
  );
  expect(
    order
      .map(({ client }) => client)
      .slice(0, 8)
      .filter((c) => c === 'b').length,
  ).toBe(4);
});

it('few parts of the largest are created at once, as there must be memory for all of them', async () => {
  const world = scene([REFUSED, ...Array.from({ length: 60 }, (_, i) => created(`up-${i}`))]);
  for (let i = 0; i < 60; i++) await post(world, { metadata: { i: `${i}` } });
  for (const job of [...world.jobs.rows.values()].slice(0, 40))
    if (job.status === 'queued')
      world.jobs.rows.set(job.jobId, { ...job, queueing: { ...job.queueing, isOversized: true } });
  let [loaded, most] = [0, 0];
  const { load } = world.requests;
  const { create } = world.modelStudio;
  const isOversized = (jobId: string) => world.jobs.rows.get(jobId)?.queueing?.isOversized ?? false;
  world.requests.load = (job) => {
    if (isOversized(job.jobId)) most = Math.max(most, ++loaded);
    return load(job);
  };
  const slowly = async (generation: Generation, { jobId }: SubmittingJob) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (isOversized(jobId)) loaded -= 1;
    return create(generation);
  };
  world.modelStudio.create = slowly as typeof create;
  await run(world);
  expect([...world.jobs.rows.values()].filter(({ status }) => status === 'running').length).toBe(60);
  expect(most).toBe(3);
});

it('a job that has waited too long ends without having been created', async () => {
  const world = scene([REFUSED]);
  const { job } = await post(world, { queue_for: 2 });
  world.clock.time += 3000;
  await sweep(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({
    status: 'failed',
    error: { code: 'never_submitted' },
  });
  expect([...world.cloud.objects.keys()]).toEqual([]);
  expect((await world.jobs.find(job.job_id))?.queueing).toBeUndefined();
});

it('a job that may not wait is refused as before, and nothing is stored', async () => {
  const world = scene([REFUSED]);
  const { status, job } = await post(world, { queue_for: 0 });
  expect([status, job.code]).toEqual([503, 'modelstudio_unavailable']);
  expect(world.cloud.objects.size).toBe(0);
  expect(world.jobs.rows.size).toBe(0);
});

it('the queue rests once nobody has come for a while, and wakes again', async () => {
  const world = scene([REFUSED, created('up-1'), REFUSED, created('up-2')]);
  await post(world);
  await run(world);
  expect((await world.queue.gate()).phase).toBe('idle');
  const { job } = await post(world);
  expect(job.status).toBe('queued');
  await run(world);
  expect(await statusOf(world, job.job_id)).toBe('running');
});

it('a job may be created again if its owner allows that, three times at most', async () => {
  const unknown: CreateResult = { kind: 'unknown', cause: 'status_500' };
  const world = scene([unknown, unknown, created('up-3')], { allowResubmit: true });
  const { status, job } = await post(world, { on_unknown: 'resubmit' });
  expect([status, job.status, job.submissions]).toEqual([202, 'queued', 1]);
  await run(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ status: 'running', submissions: 3 });
});

it.each<[what: string, creation: CreateResult, code: string]>([
  ['the request', { kind: 'invalid', sentence: 'Too hot.' }, 'modelstudio_invalid_request'],
  ['the model', { kind: 'model_not_found' }, 'model_not_found'],
])('a queued job ends when ModelStudio finds fault with %s', async (_what, creation, code) => {
  const world = scene([REFUSED, creation]);
  const { job } = await post(world);
  await run(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ status: 'failed', error: { code } });
  expect(world.cloud.objects.size).toBe(0);
  expect(world.wakeUps.sent.map(({ queue }) => queue)).toEqual(['deliver']);
});

it.each<[what: string, creation: CreateResult]>([
  ['the key', { kind: 'credentials_refused', sentence: null }],
  ['to be paid', { kind: 'refused', cause: 'status_402', sentence: null }],
])('queued jobs wait while ModelStudio refuses %s, and new ones are refused', async (_what, creation) => {
  const world = scene([REFUSED, ...Array(5).fill(creation), created('up-1'), created('up-2')]);
  const jobs = [await post(world), await post(world)];
  await run(world);
  for (const { job } of jobs) expect(await statusOf(world, job.job_id)).toBe('running');
});

it('a job whose creation is unknown is not created again unless its owner allows that', async () => {
  const world = scene([REFUSED, { kind: 'unknown', cause: 'timeout' }, created('up-2')]);
  const { job } = await post(world);
  await run(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ error: { code: 'submission_unknown' } });
  expect(world.created.length).toBe(2);
  expect(world.cloud.objects.size).toBe(0);
});

it('a worker that dies while it asks leaves the outcome unknown, which the sweeper says', async () => {
  const world = scene([REFUSED, REFUSED]);
  const { job } = await post(world);
  world.modelStudio.create = () => new Promise(() => undefined);
  const wakeUp = world.wakeUps.sent.shift();
  world.clock.time += 2000;
  void drain(wakeUp?.message as CreateMessage, world);
  await new Promise(setImmediate);
  expect(await statusOf(world, job.job_id)).toBe('submitting');
  world.clock.time += 15 * 60_000;
  await sweep(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ error: { code: 'submission_unknown' } });
  expect(world.cloud.objects.size).toBe(0);
});

it('a lost chain is sent again by the sweeper', async () => {
  const world = scene([REFUSED, created('up-1')]);
  const { job } = await post(world);
  world.wakeUps.sent.length = 0;
  world.clock.time += 30_000;
  await sweep(world);
  expect(world.wakeUps.sent).toEqual([]);
  world.clock.time += 60_000;
  await sweep(world);
  await run(world);
  expect(await statusOf(world, job.job_id)).toBe('running');
});

it('a message that came twice lets nothing through twice', async () => {
  const world = scene([REFUSED, created('up-1')]);
  await post(world);
  const [wakeUp] = world.wakeUps.sent;
  await run(world);
  const before = world.cloud.tables.jobs.peek('queue');
  expect(await drain(wakeUp?.message as CreateMessage, world)).toBeNull();
  expect(world.cloud.tables.jobs.peek('queue')).toEqual(before);
});

it('a second worker waits until the first one has given the queue back', async () => {
  const world = scene([REFUSED, created('up-1')]);
  await post(world);
  const message = world.wakeUps.sent[0]?.message as CreateMessage;
  const gate = await world.queue.gate();
  const leaseUntil = world.clock.time + 60_000;
  await world.queue.replaceGate({ ...gate, version: gate.version + 1, leaseUntil });
  expect(await drain(message, world)).toBe(leaseUntil);
});

it('a queued job can be cancelled, and is never created', async () => {
  const world = scene([REFUSED, created('up-1')]);
  const { job } = await post(world);
  const request = { headers: {}, body: Buffer.alloc(0), requestId: 'r' } as never;
  const answer = await cancel(request, { jobId: job.job_id, client: 'acme' } as never, world);
  expect(JSON.parse(answer.body).status).toBe('cancelled');
  await run(world);
  expect(world.created.length).toBe(1);
  expect(world.cloud.objects.size).toBe(0);
});

it('the same key finds the queued job, also while it is being created', async () => {
  const world = scene([REFUSED, REFUSED]);
  const key = { 'idempotency-key': 'k' };
  const first = await post(world, {}, 'acme', key);
  const again = await post(world, {}, 'acme', key);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.job).toEqual(first.job);
  expect((await post(world, { max_tokens: 1 }, 'acme', key)).status).toBe(422);
});

it('a job that the store does not take is refused as before', async () => {
  const world = scene([REFUSED]);
  world.requests.save = async () => Promise.reject(new Error('503 Slow Down'));
  const { status, job } = await post(world);
  expect([status, job.code]).toEqual([503, 'modelstudio_unavailable']);
  expect(world.jobs.rows.size).toBe(0);
});

it.each<[setting: object, fields: object, pointer: string | null]>([
  [{ queueForSeconds: 0 }, { queue_for: 1 }, '/queue_for'],
  [{ queueForSeconds: 0 }, { queue_for: 0 }, null],
  [{}, { on_unknown: 'resubmit' }, '/on_unknown'],
  [{ allowResubmit: true }, { on_unknown: 'resubmit', queue_for: 0 }, '/on_unknown'],
  [{ allowResubmit: true, queueForSeconds: 0 }, { on_unknown: 'resubmit' }, '/on_unknown'],
  [{ allowResubmit: true }, { on_unknown: 'resubmit' }, null],
  [{}, { queue_for: 604_801 }, '/queue_for'],
  [{}, { queue_for: null, on_unknown: null }, null],
])('with %j, a job with %j is valid or not', async (settings, fields, pointer) => {
  const { status, job } = await post(scene([created('up-1')], settings), fields);
  expect(job.errors?.map((each: { pointer: string }) => each.pointer)).toEqual(
    pointer ? [pointer] : undefined,
  );
  expect(status).toBe(pointer ? 400 : 202);
});

it('while an operator has paused the queue, nothing goes through', async () => {
  const world = scene([REFUSED, created('up-1')]);
  const { job } = await post(world);
  world.cloud.tables.jobs.update(
    { jobId: { S: 'queue' } },
    { UpdateExpression: 'SET isPaused = :yes', ExpressionAttributeValues: { ':yes': { BOOL: true } } },
  );
  await run(world, 60_000);
  expect(await statusOf(world, job.job_id)).toBe('queued');
});

it('a job that is taken at once costs no call to the queue or the bucket', async () => {
  const world = scene([created('up-1')]);
  await post(world);
  expect(world.cloud.objects.size).toBe(0);
  expect(world.cloud.tables.jobs.keys.filter((key) => !key.startsWith('job_'))).toEqual([]);
  const calls = Object.entries(world.cloud.meter.counts).filter(([name]) => name.includes('requests'));
  expect(Object.fromEntries(calls)).toEqual({ 'dynamodb.requests.jobs': 2 });
});

it('a job that may have been created does not end as if it had not', async () => {
  const world = scene([{ kind: 'unknown', cause: 'status_500' }, REFUSED], { allowResubmit: true });
  const jobs = [
    (await post(world, { on_unknown: 'resubmit', queue_for: 2 })).job,
    (await post(world, { on_unknown: 'resubmit', queue_for: 20 })).job,
  ];
  world.clock.time += 3000;
  await sweep(world);
  expect(await world.jobs.find(jobs[0].job_id)).toMatchObject({ error: { code: 'submission_unknown' } });
  await run(world);
  expect(await world.jobs.find(jobs[1].job_id)).toMatchObject({ error: { code: 'never_submitted' } });
});

it('a job that comes while a worker looks for one does not make that worker lose what it writes', async () => {
  const world = scene([REFUSED, created('up-1'), REFUSED, created('up-2')]);
  await post(world);
  const next = world.queue.next.bind(world.queue);
  let job = { job_id: '' };
  let looks = 0;
  world.queue.next = async (passedOver) => {
    const waiting = await next(passedOver);
    // At the third look in vain, the gate no longer says that jobs wait.
    if (waiting.length === 0 && ++looks === 3) ({ job } = await post(world));
    return waiting;
  };
  await run(world, 60_000);
  expect(await statusOf(world, job.job_id)).toBe('running');
});

it('a wake-up that overtakes what its sender is about to record comes back soon', async () => {
  const world = scene([REFUSED, created('up-1')]);
  await post(world);
  const gate = await world.queue.gate();
  await world.queue.replaceGate({
    ...gate,
    version: gate.version + 1,
    leaseUntil: world.clock.time + 60_000,
  });
  const ahead = { wakeUp: { seq: 2, token: 't', dueAt: world.clock.time } };
  expect(await drain(ahead, world)).toBe(world.clock.time + 5000);
});

it('a job that the queue has taken before its submission knows that it is queued is accepted', async () => {
  const world = scene([REFUSED, created('up-1')]);
  const replace = world.jobs.replace.bind(world.jobs);
  let isFirst = true;
  world.jobs.replace = async (job) => {
    const isWritten = await replace(job);
    if (job.status !== 'queued' || !isFirst) return isWritten;
    isFirst = false;
    // The answer is lost, and the SDK repeats the write when the job has moved on.
    await run(world, 10_000);
    return false;
  };
  const { status, job } = await post(world);
  expect([status, job.status]).toEqual([202, 'running']);
});

it('while the index is behind, the queue looks at it twice a second at most', async () => {
  const world = scene([REFUSED, created('up-1')]);
  await post(world);
  const waiting = await world.queue.next(0);
  const startedAt = world.clock.time;
  let looks = 0;
  world.queue.next = async () => {
    looks += 1;
    return world.clock.time < startedAt + 20_000 ? waiting : [];
  };
  await run(world, 20_000);
  expect(looks).toBeLessThan(2 * 40);
});

it('a queued job whose request was deleted when it was taken ends as one that may exist', async () => {
  const world = scene([{ kind: 'unknown', cause: 'timeout' }, created('up-2')], { allowResubmit: true });
  const { job } = await post(world, { on_unknown: 'resubmit' });
  world.cloud.objects.clear();
  await run(world);
  expect(await world.jobs.find(job.job_id)).toMatchObject({ error: { code: 'submission_unknown' } });
});

it("the very first wake-up continues the queue's chain even if it comes before it is recorded", async () => {
  const world = scene([REFUSED, created('up-1')]);
  const replaceGate = world.queue.replaceGate.bind(world.queue);
  world.queue.replaceGate = async (gate) => {
    const first = gate.version === 1 && gate.phase === 'draining' ? world.wakeUps.sent.shift() : null;
    if (first) await drain(first.message as CreateMessage, world);
    return replaceGate(gate);
  };
  const { job } = await post(world);
  await run(world);
  expect(await statusOf(world, job.job_id)).toBe('running');
});

it('a job that comes while an empty queue is looked at is seen at the next look, which is at once', async () => {
  const world = scene([REFUSED, created('up-1'), REFUSED, created('up-2')]);
  await post(world);
  const { next } = world.queue;
  let late = '';
  let looks = 0;
  world.queue.next = async (passedOver) => {
    const waiting = await next.call(world.queue, passedOver);
    // The first pass that finds nobody; the one before has just let the first job through.
    if (waiting.length === 0 && ++looks === 2) late = (await post(world)).job.job_id;
    return waiting;
  };
  await run(world, 8000);
  // Beside the one that would have looked later.
  await run(world, 1000);
  expect(await statusOf(world, late)).toBe('running');
});

/** As if a later release had written its row. */
function leave(world: Scene, jobId: string, format = ROW_FORMAT + 1) {
  const { jobs } = world.cloud.tables;
  jobs.put({ ...jobs.peek(jobId), format: { N: String(format) } });
}

it.each([1, 150])('%d jobs of a later release are left to it, and hold up no other', async (count) => {
  const world = scene([REFUSED, created('up-1')]);
  const left: string[] = [];
  for (let i = 0; i < count; i++)
    left.push((await post(world, {}, 'acme', { 'idempotency-key': `key-${i}` })).job.job_id);
  for (const jobId of left) leave(world, jobId);
  const before = left.map((jobId) => world.cloud.tables.jobs.peek(jobId));
  const { job } = await post(world);
  expect(job.status).toBe('queued');
  await run(world, 30_000);
  expect(await statusOf(world, job.job_id)).toBe('running');
  expect(left.map((jobId) => world.cloud.tables.jobs.peek(jobId))).toEqual(before);
  expect(world.cloud.objects.size).toBe(count);
  expect(world.told).toContainEqual(expect.objectContaining({ outcome: 'drained', left_for_later: count }));
});

it.each([0, 40])(
  'nobody waits behind a job of a later release, found after %d s, for which the queue goes on',
  async (seconds) => {
    const world = scene([REFUSED, created('up-1'), created('up-2')]);
    const { job } = await post(world);
    leave(world, job.job_id);
    const { next } = world.queue;
    const listedAt = world.clock.time + seconds * 1000;
    world.queue.next = async (passedOver) =>
      world.clock.time < listedAt ? [] : next.call(world.queue, passedOver);
    await run(world, 600_000);
    expect((await world.queue.gate()).phase).toBe('lingering');
    expect((await post(world)).job.status).toBe('running');
    leave(world, job.job_id, ROW_FORMAT);
    // The last message was taken out.
    world.clock.time += 120_000;
    await sweep(world);
    await run(world, 100_000);
    expect(await statusOf(world, job.job_id)).toBe('running');
  },
);

it.each([100, 250])('%d jobs whose requests cannot be read keep none from its turn', async (count) => {
  const world = scene([REFUSED, created('up-1'), created('up-2')]);
  for (let i = 0; i < count; i++) await post(world, {}, 'acme', { 'idempotency-key': `key-${i}` });
  world.cloud.objects.clear();
  const others = [await post(world, {}, 'bolt'), await post(world)];
  await run(world, 10_000);
  for (const { job } of others) expect(await statusOf(world, job.job_id)).toBe('running');
  expect(await world.queue.gate()).toMatchObject({ phase: 'draining' });
});

it('a job whose request a later release has written is left to it', async () => {
  const world = scene([REFUSED, created('up-1')]);
  const { job } = await post(world);
  for (const key of world.cloud.objects.keys()) world.cloud.metadata.set(key, { format: '2' });
  await run(world, 100_000);
  expect(await statusOf(world, job.job_id)).toBe('queued');
  expect(world.told).not.toContainEqual(expect.objectContaining({ outcome: 'failed' }));
});
