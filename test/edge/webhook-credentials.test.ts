import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { headersSecret, OVERLAP_MILLIS } from '../../functions/core/webhook/client-settings.ts';
import { clientSecret } from '../../functions/core/webhook/signature.ts';
import { logger } from '../../functions/edge/log.ts';
import { createCredentials } from '../../functions/edge/webhook-credentials.ts';
import { NOW } from './jobs.ts';

const ROOT = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const URL_THERE = new URL('https://hooks.example.com/x');
const CANARY = 'canary-3f9c';

const dynamodb = mockClient(DynamoDBClient);
const secretsManager = mockClient(SecretsManagerClient);
const rows = (count = dynamodb.commandCalls(GetItemCommand).length) => count;
const reads = () => secretsManager.commandCalls(GetSecretValueCommand).length;

let written: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  dynamodb.reset();
  secretsManager.reset();
  dynamodb.on(GetItemCommand).resolves({});
  written = [];
  vi.spyOn(logger, 'write').mockImplementation((line) => void written.push(line));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const credentials = (rootSecrets = async () => [ROOT]) =>
  createCredentials(
    rootSecrets,
    new SecretsManagerClient({ region: 'us-east-1' }),
    new DynamoDBClient({ region: 'us-east-1' }),
    { clientKeysTable: 'ClientKeys', stackName: 'prod' },
  );

function store(row: { generation?: number; rotatedAt?: number; hosts?: string[] }) {
  const { generation, rotatedAt, hosts } = row;
  dynamodb.on(GetItemCommand).resolves({
    Item: {
      sha256: { S: 'client/my-app' },
      client: { S: 'my-app' },
      ...(generation && { generation: { N: String(generation) } }),
      ...(rotatedAt && { rotatedAt: { N: String(rotatedAt) } }),
      ...(hosts && { headerHosts: { SS: hosts } }),
    },
  });
}

const storeHeaders = (headers: object) =>
  secretsManager.on(GetSecretValueCommand).resolves({ SecretString: JSON.stringify(headers) });

describe("a client's secrets", () => {
  it('are of the first generation without a row, which is read as cheaply as possible', async () => {
    expect(await credentials()('my-app', URL_THERE)).toEqual({
      secrets: [clientSecret(ROOT, 'my-app', 1)],
      headers: {},
    });
    expect(dynamodb.commandCalls(GetItemCommand)[0]?.args[0].input).toEqual({
      TableName: 'ClientKeys',
      Key: { sha256: { S: 'client/my-app' } },
    });
    expect(reads()).toBe(0);
  });

  it('cost a read a minute for each client, also if there is no row', async () => {
    const of = credentials();
    for (let i = 0; i < 1000; i++) await of('my-app', URL_THERE);
    expect(rows()).toBe(1);
    await of('Büro & Söhne', URL_THERE);
    expect(rows()).toBe(2);
    vi.setSystemTime(NOW + 59_999);
    await of('my-app', URL_THERE);
    expect(rows()).toBe(2);
    vi.setSystemTime(NOW + 60_000);
    await of('my-app', URL_THERE);
    expect(rows()).toBe(3);
  });

  it('are read once for all who ask at once', async () => {
    const of = credentials();
    await Promise.all(Array.from({ length: 10 }, () => of('my-app', URL_THERE)));
    expect(rows()).toBe(1);
  });

  it('are two a minute after a rotation, and one a week later, by the clock alone', async () => {
    const of = credentials();
    const [first, second] = [1, 2].map((generation) => clientSecret(ROOT, 'my-app', generation));
    expect((await of('my-app', URL_THERE)).secrets).toEqual([first]);
    store({ generation: 2, rotatedAt: NOW });
    vi.setSystemTime(NOW + 60_000);
    expect((await of('my-app', URL_THERE)).secrets).toEqual([second, first]);
    vi.setSystemTime(NOW + OVERLAP_MILLIS);
    expect((await of('my-app', URL_THERE)).secrets).toEqual([second]);
  });

  it('are those of the client that asks, whoever asked before', async () => {
    const of = credentials();
    for (const client of ['a', 'b', 'a'])
      expect((await of(client, URL_THERE)).secrets).toEqual([clientSecret(ROOT, client, 1)]);
  });

  it('are unknown when the row cannot be read: the message comes back, and the next one asks again', async () => {
    const of = credentials();
    dynamodb.on(GetItemCommand).rejectsOnce(new Error('throttled')).resolves({});
    await expect(of('my-app', URL_THERE)).rejects.toThrow('throttled');
    expect((await of('my-app', URL_THERE)).secrets).toHaveLength(1);
  });

  it('are unknown without a root, and the row is waited for all the same', async () => {
    const slow = Promise.withResolvers<object>();
    dynamodb.on(GetItemCommand).callsFake(() => slow.promise);
    const order: string[] = [];
    const of = credentials(() => Promise.reject(new Error('no root')));
    const asking = of('my-app', URL_THERE).catch(({ message }) => order.push(message));
    await new Promise(setImmediate);
    order.push('row');
    slow.resolve({});
    await asking;
    expect(order).toEqual(['row', 'no root']);
  });
});

describe('custom headers', () => {
  const HEADERS = { authorization: `Bearer ${CANARY}`, 'x-env': 'prod' };

  it('are there for exactly the host and port that the row names', async () => {
    store({ hosts: ['hooks.example.com:443'] });
    storeHeaders({ 'hooks.example.com:443': HEADERS, 'other.example.com:443': { 'x-other': '1' } });
    const of = credentials();
    expect((await of('my-app', URL_THERE)).headers).toEqual(HEADERS);
    for (const elsewhere of [
      'https://hooks.example.com:8443/x',
      'https://hooks.example.com./x',
      'https://a.hooks.example.com/x',
      'https://other.example.com/x',
      'http://hooks.example.com/x',
    ])
      expect((await of('my-app', new URL(elsewhere))).headers).toEqual({});
    expect(secretsManager.commandCalls(GetSecretValueCommand)[0]?.args[0].input).toEqual({
      SecretId: headersSecret('prod', 'my-app'),
      VersionStage: 'AWSCURRENT',
    });
    expect(reads()).toBe(1);
    expect(written).toEqual([]);
  });

  it('are read only if the row says so, once a minute, and when they are set anew', async () => {
    const of = credentials();
    await of('my-app', URL_THERE);
    expect(reads()).toBe(0);
    store({ hosts: ['hooks.example.com:443'] });
    storeHeaders({ 'hooks.example.com:443': { 'x-env': 'one' } });
    vi.setSystemTime(NOW + 60_000);
    for (let i = 0; i < 100; i++) await of('my-app', URL_THERE);
    expect(reads()).toBe(1);
    storeHeaders({ 'hooks.example.com:443': { 'x-env': 'two' } });
    vi.setSystemTime(NOW + 120_000);
    expect((await of('my-app', URL_THERE)).headers).toEqual({ 'x-env': 'two' });
  });

  it('that cannot be read hold the attempt back, as the gateway would refuse it, but no other host', async () => {
    store({ hosts: ['hooks.example.com:443'] });
    secretsManager.on(GetSecretValueCommand).rejects(new Error('throttled'));
    const of = credentials();
    await expect(of('my-app', URL_THERE)).rejects.toThrow('throttled');
    expect((await of('my-app', new URL('https://elsewhere.example.com'))).secrets).toHaveLength(1);
    storeHeaders({ 'hooks.example.com:443': HEADERS });
    expect((await of('my-app', URL_THERE)).headers).toEqual(HEADERS);
  });

  it.each([
    ['was deleted', new ResourceNotFoundException({ message: 'gone', $metadata: {} })],
    ['waits to be deleted', new InvalidRequestException({ message: 'marked', $metadata: {} })],
  ])('are none, and a line is logged, when their secret %s', async (_what, error) => {
    store({ hosts: ['hooks.example.com:443'] });
    secretsManager.on(GetSecretValueCommand).rejects(error);
    const found = await credentials()('my-app', URL_THERE);
    expect(found).toEqual({ secrets: [clientSecret(ROOT, 'my-app', 1)], headers: {} });
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'WARN',
        message: 'custom headers are missing',
        client: 'my-app',
        host: 'hooks.example.com:443',
      },
    ]);
  });

  it('that somebody has spoiled hold the attempt back, and are quoted nowhere', async () => {
    store({ hosts: ['hooks.example.com:443'] });
    secretsManager.on(GetSecretValueCommand).resolves({ SecretString: CANARY });
    const { redactedError } = await import('../../functions/edge/lambda-http.ts');
    const error = await credentials()('my-app', URL_THERE).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SyntaxError);
    expect(JSON.stringify(redactedError(error))).not.toContain(CANARY);
    expect(written.join()).not.toContain(CANARY);
  });
});
