import { expect, it } from 'vitest';
import { ROW_FORMAT } from '../../functions/core/format.ts';
import type { CreateMessage, PollMessage } from '../../functions/core/messages.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import { drain } from '../../functions/create/drain.ts';
import { cancel } from '../../functions/jobs/cancel.ts';
import { poll } from '../../functions/poll/poll.ts';
import { fakeWorld } from '../cloud/world.ts';
import { postJob } from './post.ts';

const MINUTE = 60_000;
const created = (id: string): CreateResult => ({ kind: 'created', upstreamJobId: id });
const manyCreated = Array.from({ length: 20 }, (_, i) => created(`up-${i}`));
const RUNNING: Report = { kind: 'running', completedTasks: 0, unknownState: null };
const DONE: Report = {
  kind: 'completed',
  results: { json: '[]', failedTasks: 0, missing: 0, surplus: 0 },
};

function scene(jobsAtOnce: number, creations: CreateResult[] = manyCreated, reports: Report[] = [DONE]) {
  const world = fakeWorld({ jobsAtOnce, creations, reports });
  Object.assign(world.settings, { queueForSeconds: 86_400 });
  return world;
}
type Scene = ReturnType<typeof scene>;

async function post(world: Scene, fields: object = {}, headers: object = {}) {
  const { status, job } = await postJob(world, fields, 'acme', headers);
  return { status, ...job };
}

const cancelling = (world: Scene, jobId: string) =>
  cancel({ body: Buffer.from(''), headers: {} } as never, { client: 'acme', jobId } as never, world);

/** Takes the queue's next wake-up, if there is one. */
async function pass(world: Scene): Promise<void> {
  const next = world.wakeUps.sent.findIndex(({ queue }) => queue === 'create');
  if (next === -1) return;
  const [sent] = world.wakeUps.sent.splice(next, 1);
  world.clock.time = Math.max(world.clock.time, (sent?.message.wakeUp.dueAt ?? 0) as number);
  await drain(sent?.message as CreateMessage, world);
}

async function pollOf(world: Scene, jobId: string): Promise<void> {
  const sent = world.wakeUps.sent.findLast(({ queue, message }) => {
    return queue === 'poll' && 'jobId' in message && message.jobId === jobId;
  });
  await poll(sent?.message as PollMessage, false, world);
}

const statusOf = async (world: Scene, jobId: string) => (await world.jobs.find(jobId))?.status;

it('as many jobs run as there are places, and others wait', async () => {
  const world = scene(3);
  const states = [];
  for (let i = 0; i < 5; i++) states.push((await post(world)).status);
  expect(states).toEqual(['running', 'running', 'running', 'queued', 'queued']);
  await pass(world);
  expect(world.created.length).toBe(3);
});

it('without a bound, there are no places', async () => {
  const world = scene(0);
  world.places = null;
  const { job_id } = await post(world);
  await pollOf(world, job_id);
  expect(world.cloud.tables.jobs.keys).toEqual([job_id]);
  expect(await world.jobs.find(job_id)).not.toHaveProperty('place');
});

it('a place is free once ModelStudio says that its job has ended, and the next job has it', async () => {
  const world = scene(1);
  const first = await post(world);
  const second = await post(world);
  await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('queued');
  await pollOf(world, first.job_id);
  expect(await statusOf(world, first.job_id)).toBe('completed');
  await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('running');
  expect((await post(world)).status).toBe('queued');
});

it('a job that may not wait is refused while all places are taken', async () => {
  const world = scene(1);
  await post(world);
  expect(await post(world, { queue_for: 0 })).toMatchObject({ status: 503, code: 'modelstudio_unavailable' });
  expect(world.created.length).toBe(1);
});

it('a job that may not wait takes no place for which others wait', async () => {
  const world = scene(1);
  const first = await post(world);
  await post(world);
  await pollOf(world, first.job_id);
  expect(await post(world, { queue_for: 0 })).toMatchObject({ status: 503, code: 'modelstudio_unavailable' });
  await pass(world);
  expect(world.created.length).toBe(2);
});

it('a cancelled job keeps its place until ModelStudio has ended it', async () => {
  const reports = [RUNNING, RUNNING, DONE];
  const world = scene(1, manyCreated, reports);
  const first = await post(world);
  await cancelling(world, first.job_id);
  const second = await post(world);
  await pass(world);
  await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('queued');
  await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('running');
  expect(await statusOf(world, first.job_id)).toBe('cancelled');
});

const OFF = { queueForSeconds: 0 };

it.each<[who: string, settings: object, fields: object]>([
  ['no job may wait', OFF, {}],
  ['no app lets one wait', {}, { queue_for: 0 }],
])('the places of cancelled jobs are free again although %s', async (_who, settings, fields) => {
  const reports = [RUNNING, RUNNING, RUNNING, DONE];
  const world = scene(3, manyCreated, reports);
  Object.assign(world.settings, settings);
  for (let i = 0; i < 3; i++) await cancelling(world, (await post(world, fields)).job_id);
  const codes = [];
  for (let i = 0; i < 3; i++) {
    codes.push((await post(world, fields)).code);
    await pass(world);
  }
  expect(codes).toEqual(['modelstudio_unavailable', 'modelstudio_unavailable', undefined]);
});

it('the place of a job that may exist is free again although no job may wait', async () => {
  const world = scene(1, [{ kind: 'unknown', cause: 'status_500' }, created('up-1')]);
  Object.assign(world.settings, OFF);
  expect((await post(world)).status).toBe(504);
  expect((await post(world)).status).toBe(503);
  const until = world.clock.time + 11 * MINUTE;
  while (world.wakeUps.sent.some(({ queue }) => queue === 'create')) await pass(world);
  expect(await world.queue.gate()).toMatchObject({ phase: 'idle' });
  world.clock.time = until;
  expect((await post(world)).status).toBe(503);
  await pass(world);
  expect((await post(world)).status).toBe('running');
});

it('of many jobs that are refused for want of a place, one wakes the queue, and none makes others wait', async () => {
  const world = scene(1);
  await post(world);
  for (let i = 0; i < 3; i++) await post(world, { queue_for: 0 });
  expect(world.wakeUps.sent.filter(({ queue }) => queue === 'create').length).toBe(1);
  await pass(world);
  for (let i = 0; i < 3; i++) await post(world, { queue_for: 0 });
  expect(world.wakeUps.sent.filter(({ queue }) => queue === 'create').length).toBe(1);
  expect(await world.queue.gate()).toMatchObject({ phase: 'lingering', isFull: false });
});

it.each<[what: string, jobsAtOnce: number, creations: CreateResult[]]>([
  ['finds a place', 1, manyCreated],
  ['has a place and is refused by ModelStudio', 1, [{ kind: 'unavailable', retryAfterSeconds: null }]],
  ['needs no place', 0, [{ kind: 'unavailable', retryAfterSeconds: null }]],
])('a job that %s reads no gate for the sake of places', async (_what, jobsAtOnce, creations) => {
  const world = scene(jobsAtOnce, creations);
  if (jobsAtOnce === 0) world.places = null;
  let reads = 0;
  world.queue.gate = () => Promise.reject(new Error(`It is read ${++reads} times`));
  await post(world, { queue_for: 0 });
  expect([reads, world.created.length]).toEqual([0, 1]);
});

it('while an operator has paused the queue, a refused job does not wake it', async () => {
  const world = scene(1);
  await post(world);
  const row = { jobId: { S: 'queue' }, isPaused: { BOOL: true } };
  world.cloud.tables.jobs.put(row);
  await post(world, { queue_for: 0 });
  expect(world.wakeUps.sent.map(({ queue }) => queue)).toEqual(['poll']);
});

it('a job is refused as before if the queue cannot be woken', async () => {
  const world = scene(1);
  await post(world);
  world.wakeUps.create = () => Promise.reject(new Error('SQS is away'));
  expect(await post(world, { queue_for: 0 })).toMatchObject({ status: 503, code: 'modelstudio_unavailable' });
});

/** The only place, which somebody else waits for. */
async function expectKeptForTenMinutes(world: ReturnType<typeof scene>): Promise<void> {
  const until = world.clock.time + 10 * MINUTE;
  const second = await post(world);
  while (world.clock.time < until - 20_000) await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('queued');
  while (world.clock.time < until + 20_000) await pass(world);
  expect(await statusOf(world, second.job_id)).toBe('running');
}

it.each<[what: string, report: Report]>([
  ['it is not known for a moment', { kind: 'missing', isGone: false }],
  ['its results are large already', { kind: 'too_large' }],
])('a cancelled job keeps its place while it may still run, if %s', async (_what, report) => {
  const world = scene(1, manyCreated, [report]);
  const first = await post(world);
  await cancelling(world, first.job_id);
  await expectKeptForTenMinutes(world);
});

it.each<[what: string, result: CreateResult]>([
  ['refused', { kind: 'invalid', sentence: null }],
  ['not taken', { kind: 'unavailable', retryAfterSeconds: null }],
])('a job that is %s leaves its place', async (_what, result) => {
  const world = scene(1, [result, created('up-1')]);
  await post(world, { queue_for: 0 });
  expect((await post(world)).status).toBe('running');
});

it('a repeated request leaves the place that it has taken for nothing', async () => {
  const world = scene(2);
  const key = { 'idempotency-key': 'k' };
  const first = await post(world, {}, key);
  expect((await post(world, {}, key)).job_id).toBe(first.job_id);
  expect((await post(world)).status).toBe('running');
  expect((await post(world)).status).toBe('queued');
});

it('a job that may exist keeps its place for ten minutes', async () => {
  const world = scene(1, [{ kind: 'unknown', cause: 'timeout' }, created('up-1')]);
  await post(world);
  await expectKeptForTenMinutes(world);
});

it('a job that ModelStudio does not take waits without a place, and has one when it is tried again', async () => {
  const world = scene(1, [{ kind: 'unavailable', retryAfterSeconds: null }, created('up-1')]);
  const { job_id } = await post(world);
  expect(await world.places?.free()).toEqual([1]);
  expect(await world.jobs.find(job_id)).not.toHaveProperty('place');
  await pass(world);
  expect(await world.jobs.find(job_id)).toMatchObject({
    status: 'running',
    place: { number: 1, upstreamJobId: 'up-1' },
  });
});

it('a job of a later release keeps its place for as long as one that may exist', async () => {
  const world = scene(1);
  const { jobs } = world.cloud.tables;
  const { job_id } = await post(world);
  jobs.put({ ...jobs.peek(job_id), format: { N: String(ROW_FORMAT + 1) } });
  const waiting = await post(world);
  const startedAt = world.clock.time;
  while ((await statusOf(world, waiting.job_id)) === 'queued') await pass(world);
  const minutes = (world.clock.time - startedAt) / MINUTE;
  expect([minutes >= 10, minutes < 11]).toEqual([true, true]);
});
