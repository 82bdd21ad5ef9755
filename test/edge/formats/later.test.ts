import { deflateRawSync } from 'node:zlib';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LaterFormat } from '../../../functions/core/format.ts';
import { jobIdOfKey } from '../../../functions/core/ids.ts';
import { RECEIVES_MAX } from '../../../functions/core/limits.ts';
import { shardOf } from '../../../functions/core/polling/overdue.ts';
import { lambdaHttp } from '../../../functions/edge/lambda-http.ts';
import { logger } from '../../../functions/edge/log.ts';
import { answer } from '../../../functions/jobs/jobs.ts';
import { submit } from '../../../functions/submit/submit.ts';
import { sweep } from '../../../functions/sweep/sweep.ts';
import { QUEUES, type QueueName } from '../../cloud/cloud.ts';
import type { Item } from '../../cloud/expressions.ts';
import { golden } from './golden.ts';
import { nothingStored, type Stored, storedWorld } from './stored-world.ts';

const jobId = jobIdOfKey('acme', 'k');
const ofToday = golden('1')['it is running'] as Stored;
const [today = {}] = Object.values(ofToday.rows);
const ttl = { N: '1770681600' };
const overdue = { sweepShard: { N: String(shardOf(jobId)) }, sweepAt: { N: '1767225600001' } };
const listKey = { S: `1767225600000_${jobId}` };

/** Rows of a stand-in for a later release. */
const ROWS: [what: string, row: Item][] = [
  ['a later format', { ...today, ...overdue, format: { N: '9' }, parts: { L: [{ S: 'a' }] } }],
  ['a state that is not known', { ...today, ...overdue, status: { S: 'archived' } }],
  [
    'hardly anything that is known',
    { ...overdue, format: { N: '7' }, client: { S: 'acme' }, state: { B: Buffer.of(1, 2) } },
  ],
];

/** Its messages, which may have nothing in common with today's. */
const MESSAGES: [what: string, message: object][] = [
  ['more', { ...JSON.parse(ofToday.messages.poll?.[0] ?? ''), format: 2, part: 3 }],
  ['something else', { format: 2, jobIds: [jobId], kind: 'queue' }],
  ['next to nothing', { format: '3' }],
];

let errors: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  vi.spyOn(logger, 'write').mockImplementation(() => undefined);
  errors = vi.spyOn(logger, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function storedWith(row: Item): Stored {
  return { ...nothingStored(), rows: { [jobId]: { ...row, jobId: { S: jobId }, listKey, ttl } } };
}

/** Receives the first message of a queue for as long as SQS hands it out: in how many seconds it comes again each time. */
async function receiveToTheEnd(world: ReturnType<typeof storedWorld>, queue: QueueName) {
  const agains: (number | null)[] = [];
  for (let receives = 1; receives <= RECEIVES_MAX; receives++) {
    const { isDone, again } = await world.receive(queue, receives);
    expect(isDone).toBe(false);
    agains.push(again);
  }
  return agains;
}

/** The messages of the others are about a job. */
const OF_ONE_JOB = QUEUES.filter((queue) => queue !== 'create');

const OUTLASTS_A_WEEKEND = [5, 10, 20, 40, 80, 160, ...Array<number>(8).fill(39_600)];

describe.each(MESSAGES)('a message of a later release that says %s', (_what, message) => {
  it.each(QUEUES)('comes back for more than three days before it is set aside: %s', async (queue) => {
    const { rows } = structuredClone(ofToday);
    const before = { ...nothingStored(), rows };
    before.messages[queue] = [JSON.stringify(message)];
    const world = storedWorld(before);
    expect(await receiveToTheEnd(world, queue)).toEqual(OUTLASTS_A_WEEKEND);
    expect(world.stored()).toEqual(before);
    const error = expect.objectContaining({ name: 'LaterFormat' });
    expect(errors).toHaveBeenLastCalledWith('message failed', expect.objectContaining({ error }));
  });
});

describe.each(ROWS)('a row of a later release, with %s', (_what, row) => {
  const wakeUp = { seq: 9, token: 't', dueAt: 0 };
  const chain = { polledAt: 0, recordedToken: 't', pollsSinceRecord: 0 };

  it.each(OF_ONE_JOB)('is left alone by a message, which comes back: %s', async (queue) => {
    const before = storedWith(row);
    const message = { jobId, upstreamJobId: 'up-1', wakeUp, ...chain, attempts: 0 };
    before.messages[queue] = [JSON.stringify(message)];
    const world = storedWorld(before);
    expect(await receiveToTheEnd(world, queue)).toEqual(OUTLASTS_A_WEEKEND);
    expect(world.stored()).toEqual(before);
  });

  it('is left alone by the sweeper, which counts it and looks after the others', async () => {
    const before = storedWith(row);
    Object.assign(before.rows, ofToday.rows);
    const world = storedWorld(before);
    world.clock.time += 20 * 60_000;
    await sweep(world);
    expect(world.stored().rows[jobId]).toEqual(before.rows[jobId]);
    expect(world.wakeUps.sent.length).toBe(1);
    expect(world.told.at(-1)).toEqual({ stage: 'sweep', outcome: 'swept', left_for_later: 1 });
    expect(world.metrics).toMatchObject({ Sweeps: 1, JobsRecovered: 1 });
  });

  it.each([
    ['read', 'GET', 'job'],
    ['asked for its results', 'GET', 'results'],
    ['asked for its deliveries', 'GET', 'deliveries'],
    ['cancelled', 'POST', 'cancel'],
    ['redelivered', 'POST', 'redeliver'],
  ] as const)('is unavailable, not missing, when it is %s', async (_how, method, operation) => {
    const before = storedWith(row);
    const world = { ...storedWorld(before), openApi: async () => ({ default: {} }) };
    const ask = (client: string) =>
      lambdaHttp((request) => answer(request, { operation, jobId, client }, world))(eventOf(method));
    const refusal = await ask('acme');
    expect(refusal).toMatchObject({ statusCode: 503, headers: { 'retry-after': '60' } });
    expect(JSON.parse(refusal.body ?? '')).toMatchObject({ code: 'job_unavailable' });
    expect(await ask('another')).toMatchObject({ statusCode: 404 });
    expect(world.stored()).toEqual(before);
  });

  it('is left out of the list, which has the others', async () => {
    const before = storedWith(row);
    Object.assign(before.rows, ofToday.rows);
    const world = { ...storedWorld(before), openApi: async () => ({ default: {} }) };
    const { statusCode, body = '' } = await lambdaHttp((request) =>
      answer(request, { operation: 'list', jobId: '', client: 'acme' }, world),
    )(eventOf('GET'));
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ jobs: [{ status: 'running' }], next_cursor: null });
  });

  it('holds its idempotency key: nothing is created a second time', async () => {
    const before = storedWith(row);
    const world = storedWorld(before);
    const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;
    const event = eventOf('POST', '{"model_id":"m","messages":[[{"role":"user","content":"hi"}]]}');
    event.headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
    const refusal = await lambdaHttp((request) => submit(request, authorized, world))(event);
    expect(refusal).toMatchObject({ statusCode: 503, headers: { 'retry-after': '60' } });
    expect(world.created).toEqual([]);
    expect(world.stored()).toEqual(before);
  });
});

it('a row that a later release takes over during a poll stays as that release left it', async () => {
  const world = storedWorld(ofToday);
  const theirs: Item = { ...today, version: { N: '3' }, format: { N: '9' }, parts: { L: [] } };
  world.modelStudio.report = async () => {
    world.cloud.tables.jobs.put(theirs);
    return { kind: 'completed', results: { json: '["x"]', failedTasks: 0, missing: 0, surplus: 0 } };
  };
  expect(await world.receive('poll')).toEqual({ isDone: false, again: 5 });
  expect(Object.values(world.stored().rows)).toEqual([theirs]);
});

it('a submission whose row a later release has taken over is answered with its job', async () => {
  const world = storedWorld(nothingStored());
  world.modelStudio.create = async () => {
    for (const row of Object.values(world.stored().rows))
      world.cloud.tables.jobs.put({ ...row, version: { N: '9' }, format: { N: '9' } });
    return { kind: 'created', upstreamJobId: 'up-1' };
  };
  const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;
  const event = eventOf('POST', '{"model_id":"m","messages":[[{"role":"user","content":"hi"}]]}');
  event.headers = { 'content-type': 'application/json' };
  const accepted = await lambdaHttp((request) => submit(request, authorized, world))(event);
  expect(accepted).toMatchObject({ statusCode: 202 });
});

describe('a document of a later release', () => {
  const chapters = golden('1');
  const inTable = structuredClone(chapters['it has finished'] as Stored);
  const inBucket = structuredClone(chapters['another has finished'] as Stored);
  const sealed = deflateRawSync('no JSON');
  for (const item of Object.values(inTable.documents)) {
    item['format'] = { N: '2' };
    item['sealed'] = { B: sealed };
    delete item['deflated'];
  }
  for (const object of Object.values(inBucket.objects)) Object.assign(object, { metadata: { format: '2' } });

  it.each([
    ['in the table', inTable, 'table', Object.keys(inTable.documents)],
    ['in the bucket', inBucket, 'bucket', Object.keys(inBucket.objects)],
  ] as const)('is neither taken for gone nor misread: %s', async (_where, stored, store, [key = '']) => {
    const { documents } = storedWorld(stored);
    await expect(documents.load({ store, key })).rejects.toThrow(LaterFormat);
  });

  it('is not sent, but its delivery comes back and finds the webhook free', async () => {
    const world = storedWorld(inTable);
    world.clock.time += 3_600_000;
    expect(await receiveToTheEnd(world, 'deliver')).toEqual(OUTLASTS_A_WEEKEND);
    expect(world.posted).toEqual([]);
    const [row] = Object.values(world.stored().rows);
    expect(row?.['webhook']?.M).toMatchObject({ status: { S: 'pending' }, leaseUntil: { NULL: true } });
    expect(world.stored().documents).toEqual(inTable.documents);
  });

  it('makes its job unavailable to whoever reads it', async () => {
    const [id = ''] = Object.keys(inTable.rows);
    const world = { ...storedWorld(inTable), openApi: async () => ({ default: {} }) };
    const refusal = await lambdaHttp((request) =>
      answer(request, { operation: 'job', jobId: id, client: 'acme' }, world),
    )(eventOf('GET'));
    expect(refusal).toMatchObject({ statusCode: 503, headers: { 'retry-after': '60' } });
  });
});

function eventOf(method: string, body?: string) {
  const requestContext = { requestId: 'r1', http: { method } };
  return { rawPath: '/v1/jobs', headers: {}, requestContext, body } as unknown as APIGatewayProxyEventV2;
}
