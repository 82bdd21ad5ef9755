import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDurationStats } from '../../functions/edge/duration-stats.ts';
import { NOW } from '../cloud/jobs.ts';

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

function durationStats() {
  const clock = { now: () => now };
  const onError = (error: unknown) => void errors.push(error);
  return createDurationStats({ client, tableName: 'DurationStats', clock, lagPerPollSeconds: 2, onError });
}

const holds = (bucket: string, item: Record<string, unknown>) =>
  dynamodb
    .on(GetItemCommand, { TableName: 'DurationStats', Key: marshall({ bucket }) })
    .resolves({ Item: marshall({ bucket, ...item }) });

function readsOf(bucket: string): number {
  const keys = dynamodb.commandCalls(GetItemCommand).map((call) => call.args[0].input.Key?.['bucket']?.S);
  return keys.filter((key) => key === bucket).length;
}

describe('durations', () => {
  it('are read as they were written, without the rest of the item', async () => {
    holds('0/m', { n: 7, s0: 30, s1: 31.5 });
    expect((await durationStats().forecast('0/m')).durations.toSorted()).toEqual([30, 31.5]);
  });

  it('are none for a new bucket', async () => {
    expect(await durationStats().forecast('0/m')).toMatchObject({ durations: [], lagPerPollSeconds: 2 });
  });

  it('replace the oldest ones in turn, with three digits each', async () => {
    holds('0/m', { n: 63, s0: 1 });
    const known = durationStats();
    await known.record('0/m', 12.3456);
    now += 1000;
    await known.record('0/m', 5);
    const updates = dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);
    expect(updates).toMatchObject([
      {
        UpdateExpression: 'SET s63 = :seconds ADD n :one',
        ExpressionAttributeValues: { ':seconds': { N: '12.3' } },
      },
      { UpdateExpression: 'SET s0 = :seconds ADD n :one' },
    ]);
  });

  it('are counted on when the table is out of reach', async () => {
    holds('0/m', { n: 5, s0: 30 });
    const known = durationStats();
    await known.forecast('0/m');
    dynamodb.on(GetItemCommand, { Key: marshall({ bucket: '0/m' }) }).rejects(new Error('throttled'));
    now += 60_000;
    await known.record('0/m', 5);
    const [update] = dynamodb.commandCalls(UpdateItemCommand);
    expect(update?.args[0].input.UpdateExpression).toBe('SET s5 = :seconds ADD n :one');
  });

  it('are recorded no more often because they were read anew', async () => {
    const known = durationStats();
    await known.forecast('0/m');
    for (const millis of [59_500, 60_100]) {
      now = NOW + millis;
      await known.record('0/m', 5);
    }
    expect(dynamodb.commandCalls(UpdateItemCommand).length).toBe(1);
  });

  it('are remembered of at most 500 buckets', async () => {
    const known = durationStats();
    const reads = () => readsOf('0/m');
    await known.forecast('0/m');
    for (let i = 1; i < 500; i++) await known.forecast(`${i}`);
    await known.forecast('0/m');
    expect(reads()).toBe(1);
    await known.forecast('500');
    await known.forecast('0/m');
    expect(reads()).toBe(2);
  });
});

type Known = ReturnType<typeof durationStats>;

it.each<[what: string, call: (known: Known) => Promise<unknown>, count: () => number, millis: number]>([
  ['durations are read', (known) => known.forecast('0/m'), () => readsOf('0/m'), 60_000],
  ['the backpressure is read', (known) => known.forecast('0/m'), () => readsOf('backpressure'), 15_000],
  [
    'a duration is recorded',
    (known) => known.record('0/m', 5),
    () => dynamodb.commandCalls(UpdateItemCommand).length,
    1000,
  ],
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
    expect((await known.forecast('0/m')).lagPerPollSeconds).toBeCloseTo(2 * 1.5 ** 2);
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item);
    expect(put).toEqual(marshall({ bucket: 'backpressure', slowdown: 1.5, at: NOW }));
  });

  it('is read from what other environments have written', async () => {
    holds('backpressure', { slowdown: 4, at: NOW });
    expect((await durationStats().forecast('0/m')).lagPerPollSeconds).toBeCloseTo(2 * 4 ** 2);
  });

  it('is raised from what others have written since it was read', async () => {
    const known = durationStats();
    await known.forecast('0/m');
    holds('backpressure', { slowdown: 4, at: NOW });
    await known.throttled();
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item);
    expect(put).toEqual(marshall({ bucket: 'backpressure', slowdown: 6, at: NOW }));
  });

  it('is not lowered by what others know less of', async () => {
    const known = durationStats();
    await known.throttled();
    now += 15_000;
    expect((await known.forecast('0/m')).lagPerPollSeconds).toBeGreaterThan(2);
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
  expect(await known.forecast('0/m')).toMatchObject({ durations: [], lagPerPollSeconds: 2 });
  await known.record('0/m', 5);
  await known.throttled();
  expect(errors.length).toBeGreaterThanOrEqual(3);
});

it('duration stats keep their last values when the table is out of reach later', async () => {
  holds('0/m', { n: 1, s0: 30 });
  const known = durationStats();
  await known.forecast('0/m');
  dynamodb.reset();
  dynamodb.on(GetItemCommand).rejects(new Error('throttled'));
  now += 61_000;
  expect((await known.forecast('0/m')).durations).toEqual([30]);
});
