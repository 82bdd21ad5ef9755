import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { createClientKeys } from '../../functions/edge/client-keys.ts';
import { NOW } from './jobs.ts';

const client = new DynamoDBClient({ region: 'eu-central-1' });
const dynamodb = mockClient(client);

const key: ClientKey = {
  sha256: 'a'.repeat(64),
  keyId: 'abc',
  client: 'acme',
  scopes: ['jobs:read', 'jobs:write'],
  createdAt: NOW,
  revokedAt: null,
};

/** A table with one key, and a clock that stands still. */
function setUp() {
  const clock = { time: NOW, now: () => clock.time };
  const stored: { key: ClientKey | null } = { key };
  dynamodb
    .on(GetItemCommand)
    .callsFake(({ Key }) => (stored.key?.sha256 === Key.sha256.S ? { Item: marshall(stored.key) } : {}));
  const reads = () => dynamodb.commandCalls(GetItemCommand).length;
  return { clock, stored, reads, clientKeys: createClientKeys(client, 'ClientKeys', clock) };
}

beforeEach(() => {
  dynamodb.reset();
});

describe('the lookup of a client key', () => {
  it('asks for one key by its hash', async () => {
    const { clientKeys } = setUp();
    expect(await clientKeys.find(key.sha256)).toEqual(key);
    expect(dynamodb.call(0).args[0].input).toEqual({
      TableName: 'ClientKeys',
      Key: { sha256: { S: key.sha256 } },
      ConsistentRead: false,
    });
  });

  it('remembers a key for 30 s, and no longer', async () => {
    const { clientKeys, clock, reads } = setUp();
    const readsAt = async (seconds: number) => {
      clock.time = NOW + seconds * 1000;
      await clientKeys.find(key.sha256);
      return reads();
    };
    expect([await readsAt(0), await readsAt(29.999), await readsAt(30), await readsAt(31)]).toEqual([
      1, 1, 2, 2,
    ]);
  });

  it('sees a revocation within 30 s', async () => {
    const { clientKeys, clock, stored } = setUp();
    await clientKeys.find(key.sha256);
    stored.key = { ...key, revokedAt: NOW };
    expect(await clientKeys.find(key.sha256)).toEqual(key);
    clock.time += 30_000;
    expect(await clientKeys.find(key.sha256)).toEqual(stored.key);
  });

  it('sees within 30 s that a key was deleted, and then asks no more for it than for any other', async () => {
    const { clientKeys, clock, stored, reads } = setUp();
    await clientKeys.find(key.sha256);
    stored.key = null;
    clock.time += 30_000;
    expect(await clientKeys.find(key.sha256)).toBeNull();
    expect(await clientKeys.find(key.sha256)).toBeNull();
    expect(reads()).toBe(2);
  });

  it('finds a new key at once, or within 10 s if it was asked for before it was there', async () => {
    const { clientKeys, clock, stored, reads } = setUp();
    stored.key = null;
    expect(await clientKeys.find(key.sha256)).toBeNull();
    stored.key = key;
    clock.time += 9999;
    expect(await clientKeys.find(key.sha256)).toBeNull();
    expect(reads()).toBe(1);
    clock.time += 1;
    expect(await clientKeys.find(key.sha256)).toEqual(key);
    stored.key = { ...key, sha256: 'new' };
    expect(await clientKeys.find('new')).toEqual(stored.key);
  });

  it('asks once for a key that does not exist, however often it is tried', async () => {
    const { clientKeys, reads } = setUp();
    for (let i = 0; i < 2000; i++) expect(await clientKeys.find('b'.repeat(64))).toBeNull();
    expect(reads()).toBe(1);
  });

  it('remembers a key among any number of others that do not exist, and at most 1000 of these', async () => {
    const { clientKeys, reads } = setUp();
    await clientKeys.find(key.sha256);
    for (let i = 0; i < 1001; i++) await clientKeys.find(`unknown ${i}`);
    expect(reads()).toBe(1002);
    expect(await clientKeys.find(key.sha256)).toEqual(key);
    expect(reads()).toBe(1002);
    await clientKeys.find('unknown 0');
    expect(reads()).toBe(1003);
  });

  it('does not grow without bounds', async () => {
    const { clientKeys, stored, reads } = setUp();
    for (let i = 0; i < 1001; i++) {
      stored.key = { ...key, sha256: `${i}` };
      await clientKeys.find(`${i}`);
    }
    stored.key = { ...key, sha256: '0' };
    await clientKeys.find('0');
    expect(reads()).toBe(1002);
  });

  it('throws when the table does not answer', async () => {
    const { clientKeys } = setUp();
    dynamodb.on(GetItemCommand).rejects(new Error('throttled'));
    await expect(clientKeys.find(key.sha256)).rejects.toThrow('throttled');
  });
});
