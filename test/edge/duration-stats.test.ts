import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Span } from '../../functions/core/polling/forecast.ts';
import { decoded, encoded } from '../../functions/core/polling/lessons.ts';
import { secondsToNextPoll } from '../../functions/core/polling/plan.ts';
import { createDurationStats, type DurationStatsStore } from '../../functions/edge/duration-stats.ts';
import { exactly } from '../cloud/contents.ts';
import { NOW } from '../cloud/jobs.ts';
import { serveConnections } from './servers.ts';

const client = new DynamoDBClient({ region: 'eu-central-1' });
const dynamodb = mockClient(client);

let now: number;
let errors: unknown[];

beforeEach(() => {
  now = NOW;
  errors = [];
  dynamodb.reset();
  dynamodb.on(GetItemCommand).resolves({});
  dynamodb.on(UpdateItemCommand).resolves({});
  dynamodb.on(PutItemCommand).resolves({});
});

function durationStats(changes: Partial<DurationStatsStore> = {}) {
  const clock = { now: () => now };
  const onError = (error: unknown) => void errors.push(error);
  const random = { fraction: () => 0.5 };
  return createDurationStats({
    client,
    tableName: 'DurationStats',
    clock,
    random,
    lagPerPollSeconds: 2,
    onError,
    ...changes,
  });
}

const holds = (bucket: string, item: Record<string, unknown>) =>
  dynamodb
    .on(GetItemCommand, { TableName: 'DurationStats', Key: marshall({ bucket }) })
    .resolves({ Item: marshall({ bucket, ...item }) });

function readsOf(bucket: string): number {
  const keys = dynamodb.commandCalls(GetItemCommand).map((call) => call.args[0].input.Key?.['bucket']?.S);
  return keys.filter((key) => key === bucket).length;
}

const SECOND = 1000;
const KIND = '0.4/m';

const lesson = (agoSeconds: number, took: Span | null, isUnderWay = false) =>
  encoded({ submittedAt: NOW - agoSeconds * SECOND, took, isUnderWay });

/** All slots, each taken so long ago. */
const slots = (agoSeconds: (slot: number) => number, seconds = 30) =>
  Object.fromEntries(
    Array.from({ length: 64 }, (_, slot) => [`s${slot}`, lesson(agoSeconds(slot), exactly(seconds))]),
  );

const updates = () => dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);

describe('durations', () => {
  it('are read as they were written, the latest submission first, without the rest of the item', async () => {
    holds(KIND, { s0: lesson(90, exactly(30)), s1: lesson(60, exactly(31.5)), other: 7 });
    const { durations } = await durationStats().forecast(KIND);
    expect(durations).toEqual([expect.closeTo(31.67, 1), expect.closeTo(29.85, 1)]);
  });

  it('are none for a new kind', async () => {
    expect(await durationStats().forecast(KIND)).toMatchObject({ durations: [], lagPerPollSeconds: 2 });
  });

  it('plan polls by jobs that still run, too', async () => {
    holds(
      KIND,
      slots(() => 1000),
    );
    const before = await durationStats().forecast(KIND);
    holds(KIND, { ...slots(() => 1000), ...runningSlots(40, 500) });
    const then = await durationStats().forecast(KIND);
    expect(then.durations.length).toBe(24);
    expect(secondsToNextPoll(then.survival, 30, 1)).toBeGreaterThan(
      2 * secondsToNextPoll(before.survival, 30, 1),
    );
  });

  it('are read once for all jobs of a kind that ask at the same time', async () => {
    holds(KIND, { s0: lesson(90, exactly(30)) });
    const known = durationStats();
    const forecasts = await Promise.all(Array.from({ length: 10 }, () => known.forecast(KIND)));
    expect(readsOf(KIND)).toBe(1);
    expect(forecasts.every(({ durations }) => durations.length === 1)).toBe(true);
  });

  it('are none of a table that is too slow to say', async () => {
    const ending = new AbortController();
    const { url } = await serveConnections((socket) => socket.once('data', () => ending.abort()));
    const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
    const hangs = new DynamoDBClient({ endpoint: url.origin, region: 'eu-central-1', credentials });
    const known = durationStats({ client: hangs, patience: () => ending.signal });
    expect(await known.forecast(KIND)).toMatchObject({ durations: [], lagPerPollSeconds: 2 });
    expect(errors).toEqual([expect.objectContaining({ name: 'AbortError' }), expect.anything()]);
  });

  it('are asked for no longer than a second, and again soon', async () => {
    const { url } = await serveConnections((socket) => socket.resume());
    const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
    const silent = new DynamoDBClient({ endpoint: url.origin, region: 'eu-central-1', credentials });
    const known = durationStats({ client: silent });
    const reads = vi.spyOn(silent, 'send');
    await known.forecast(KIND);
    now += 4 * SECOND;
    await known.forecast(KIND);
    expect(reads).toHaveBeenCalledTimes(2);
    now += SECOND;
    void known.forecast(KIND);
    expect(reads).toHaveBeenCalledTimes(3);
  });

  it('are remembered of at most 500 kinds', async () => {
    const known = durationStats();
    const reads = () => readsOf(KIND);
    await known.forecast(KIND);
    for (let i = 1; i < 500; i++) await known.forecast(`${i}`);
    await known.forecast(KIND);
    expect(reads()).toBe(1);
    await known.forecast('500');
    await known.forecast(KIND);
    expect(reads()).toBe(2);
  });
});

const runningSlots = (count: number, ageSeconds: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, slot) => [`s${slot}`, lesson(ageSeconds, exactly(30), true)]),
  );

describe('a job that is submitted', () => {
  it('teaches in a slot whose term is over, which costs nothing', async () => {
    holds(
      KIND,
      slots((slot) => (slot === 5 ? 1000 : 10 + slot), 1),
    );
    expect(await durationStats().enroll(KIND, NOW)).toBe(5);
    expect(updates()).toEqual([]);
  });

  it('does not teach where others suffice', async () => {
    holds(
      KIND,
      slots(() => 10),
    );
    expect(await durationStats().enroll(KIND, NOW)).toBeNull();
  });

  it('gets a slot that no other job of this environment has, whenever the lessons were read', async () => {
    const known = durationStats();
    const given = new Set<number | null>();
    for (let job = 0; job < 64; job++) {
      given.add(await known.enroll(KIND, now));
      if (job === 32) now += 61 * SECOND;
    }
    expect(given.size).toBe(64);
    expect(given.has(null)).toBe(false);
    expect(await known.enroll(KIND, now)).toBeNull();
  });

  it('keeps its slot for a term and at most half a minute more, whether it ends or not', async () => {
    const known = durationStats();
    for (let job = 0; job < 64; job++) await known.enroll(KIND, now);
    now += 119 * SECOND;
    expect(await known.enroll(KIND, now)).toBeNull();
    now += 31 * SECOND;
    expect(await known.enroll(KIND, now)).not.toBeNull();
  });

  describe('of a crowded kind', () => {
    /** Sixty-four within a few seconds, a while ago. */
    const crowd = slots((slot) => 1000 + slot / 10, 29);

    it('takes its slot for all to see, unless somebody has', async () => {
      holds(KIND, crowd);
      expect(await durationStats().enroll(KIND, NOW)).toBeTypeOf('number');
      const [update] = updates();
      const { ExpressionAttributeValues: values = {}, UpdateExpression, ConditionExpression } = update ?? {};
      expect(decoded(Number(values[':lesson']?.N))).toMatchObject({ submittedAt: NOW, isUnderWay: true });
      expect(decoded(Number(values[':lesson']?.N)).took?.to).toBeCloseTo(29, 0);
      expect(decoded(Number(values[':below']?.N)).submittedAt).toBe(NOW - 120 * SECOND);
      expect(UpdateExpression).toMatch(/^SET s\d+ = :lesson$/);
      expect(ConditionExpression).toMatch(/^attribute_not_exists\((s\d+)\) OR \1 < :below$/);
    });

    it('does not teach if somebody has, and looks again at what is taken', async () => {
      holds(KIND, crowd);
      dynamodb
        .on(UpdateItemCommand)
        .rejects(new ConditionalCheckFailedException({ $metadata: {}, message: '' }));
      const known = durationStats();
      expect(await known.enroll(KIND, NOW)).toBeNull();
      expect(errors).toEqual([]);
      await known.forecast(KIND);
      expect(readsOf(KIND)).toBe(2);
    });
  });

  it('teaches by what it took, unless a later one teaches there', async () => {
    await durationStats().record(KIND, 7, NOW, { from: 9, to: 12.3456 });
    const [update] = updates();
    expect(update).toMatchObject({
      UpdateExpression: 'SET s7 = :lesson',
      ConditionExpression: 'attribute_not_exists(s7) OR s7 < :below',
    });
    const { ':lesson': told, ':below': below } = update?.ExpressionAttributeValues ?? {};
    expect(decoded(Number(told?.N))).toEqual({
      submittedAt: NOW,
      took: { from: expect.closeTo(9, 0), to: expect.closeTo(12.35, 1) },
      isUnderWay: false,
    });
    expect(below).toEqual(told);
  });
});

type Known = ReturnType<typeof durationStats>;

it.each<[what: string, call: (known: Known) => Promise<unknown>, count: () => number, millis: number]>([
  ['durations are read', (known) => known.forecast(KIND), () => readsOf(KIND), 60_000],
  ['the backpressure is read', (known) => known.forecast(KIND), () => readsOf('backpressure'), 15_000],
  [
    'a 429 is written down',
    (known) => known.throttled(),
    () => dynamodb.commandCalls(PutItemCommand).length,
    2000,
  ],
])('%s no more often than it must be', async (_what, call, count, millis) => {
  const known = durationStats();
  for (const [at, times] of [
    [0, 1],
    [0, 1],
    [millis - 1, 1],
    [millis, 2],
  ] as const) {
    now = NOW + at;
    await call(known);
    expect(count()).toBe(times);
  }
});

describe('backpressure', () => {
  it('stretches the gaps between polls, and is written down for the other environments', async () => {
    const known = durationStats();
    await known.throttled();
    expect((await known.forecast(KIND)).lagPerPollSeconds).toBeCloseTo(2 * 1.5 ** 2);
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item);
    expect(put).toEqual(marshall({ bucket: 'backpressure', slowdown: 1.5, at: NOW }));
  });

  it('is read from what other environments have written', async () => {
    holds('backpressure', { slowdown: 4, at: NOW });
    expect((await durationStats().forecast(KIND)).lagPerPollSeconds).toBeCloseTo(2 * 4 ** 2);
  });

  it('is raised from what others have written since it was read', async () => {
    const known = durationStats();
    await known.forecast(KIND);
    holds('backpressure', { slowdown: 4, at: NOW });
    await known.throttled();
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item);
    expect(put).toEqual(marshall({ bucket: 'backpressure', slowdown: 6, at: NOW }));
  });

  it('is not lowered by what others know less of', async () => {
    const known = durationStats();
    await known.throttled();
    now += 15_000;
    expect((await known.forecast(KIND)).lagPerPollSeconds).toBeGreaterThan(2);
  });

  it('is raised once by several 429s at the same moment', async () => {
    const known = durationStats();
    await Promise.all([known.throttled(), known.throttled(), known.throttled()]);
    expect(dynamodb.commandCalls(PutItemCommand).length).toBe(1);
  });
});

it('duration stats hold up no job when the table is out of reach', async () => {
  for (const command of [GetItemCommand, UpdateItemCommand, PutItemCommand] as never[]) {
    dynamodb.on(command).rejects(new Error('throttled'));
  }
  const known = durationStats();
  expect(await known.forecast(KIND)).toMatchObject({ durations: [], lagPerPollSeconds: 2 });
  await known.record(KIND, 0, NOW, { from: 0, to: 5 });
  await known.throttled();
  expect(errors.length).toBeGreaterThanOrEqual(3);
});

it('duration stats keep their last values when the table is out of reach later', async () => {
  holds(KIND, { s0: lesson(60, exactly(30)) });
  const known = durationStats();
  await known.forecast(KIND);
  dynamodb.reset();
  dynamodb.on(GetItemCommand).rejects(new Error('throttled'));
  now += 61_000;
  expect((await known.forecast(KIND)).durations).toEqual([expect.closeTo(29.85, 1)]);
});
