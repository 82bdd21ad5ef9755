import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createExperience } from '../../functions/edge/duration-stats.ts';
import { NOW } from '../fakes/jobs.ts';

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

function experience() {
  const clock = { now: () => now };
  const onError = (error: unknown) => void errors.push(error);
  return createExperience({ client, tableName: 'Experience', clock, lagPerPoll: 2, onError });
}

const holds = (kind: string, item: Record<string, unknown>) =>
  dynamodb
    .on(GetItemCommand, { TableName: 'Experience', Key: marshall({ kind }) })
    .resolves({ Item: marshall({ kind, ...item }) });

describe('durations', () => {
  it('are those that were written, without the rest of the item', async () => {
    holds('0/m', { n: 7, s0: 30, s1: 31.5 });
    expect((await experience().outlook('0/m')).durations.toSorted()).toEqual([30, 31.5]);
  });

  it('of a kind that is new are none', async () => {
    expect(await experience().outlook('0/m')).toMatchObject({ durations: [], lagPerPoll: 2 });
  });

  it('are read once a minute', async () => {
    const known = experience();
    for (const seconds of [0, 1, 59, 61]) {
      now = NOW + seconds * 1000;
      await known.outlook('0/m');
    }
    const kinds = dynamodb.commandCalls(GetItemCommand).map((call) => call.args[0].input.Key?.['kind']?.S);
    expect(kinds.filter((kind) => kind === '0/m').length).toBe(2);
  });

  it('are written in turn over the oldest, three digits each', async () => {
    holds('0/m', { n: 63, s0: 1 });
    const known = experience();
    await known.learn('0/m', 12.3456);
    now += 1000;
    await known.learn('0/m', 5);
    const updates = dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);
    expect(updates).toMatchObject([
      {
        UpdateExpression: 'SET s63 = :seconds ADD n :one',
        ExpressionAttributeValues: { ':seconds': { N: '12.3' } },
      },
      { UpdateExpression: 'SET s0 = :seconds ADD n :one' },
    ]);
  });

  it('are learnt from a few jobs of each second', async () => {
    const known = experience();
    for (let i = 0; i < 50; i++) await known.learn('0/m', 5);
    expect(dynamodb.commandCalls(UpdateItemCommand).length).toBe(1);
  });
});

describe('pressure', () => {
  it('stretches the gaps between polls, and is told to the others', async () => {
    const known = experience();
    await known.refused();
    expect((await known.outlook('0/m')).lagPerPoll).toBeCloseTo(2 * 1.5 ** 2);
    const [put] = dynamodb.commandCalls(PutItemCommand).map((call) => call.args[0].input.Item);
    expect(put).toEqual(marshall({ kind: 'pressure', spacing: 1.5, at: NOW }));
  });

  it('is learnt from the others', async () => {
    holds('pressure', { spacing: 4, at: NOW });
    expect((await experience().outlook('0/m')).lagPerPoll).toBeCloseTo(2 * 4 ** 2);
  });

  it('is raised once by refusals that come together', async () => {
    const known = experience();
    await Promise.all([known.refused(), known.refused(), known.refused()]);
    expect(dynamodb.commandCalls(PutItemCommand).length).toBe(1);
  });
});

it('holds up no job when the table is out of reach', async () => {
  for (const command of [GetItemCommand, UpdateItemCommand, PutItemCommand] as never[]) {
    dynamodb.on(command).rejects(new Error('throttled'));
  }
  const known = experience();
  expect(await known.outlook('0/m')).toMatchObject({ durations: [], lagPerPoll: 2 });
  await known.learn('0/m', 5);
  await known.refused();
  expect(errors.length).toBeGreaterThanOrEqual(3);
});

it('goes on with what it knew when the table is out of reach later', async () => {
  holds('0/m', { n: 1, s0: 30 });
  const known = experience();
  await known.outlook('0/m');
  dynamodb.reset();
  dynamodb.on(GetItemCommand).rejects(new Error('throttled'));
  now += 61_000;
  expect((await known.outlook('0/m')).durations).toEqual([30]);
});
