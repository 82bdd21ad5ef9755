import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { describeWith } from '../../needs.ts';
import { call, type LocalSystem, startLocally, submission } from '../blackbox/system.ts';
import { runtimeOf } from '../snippets/runtimes.ts';
import { itReceives } from './deliveries.ts';
import { type Receiving, startReceiving } from './receiving.ts';

const path = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));

let system: LocalSystem;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  system = await startLocally();
});
afterAll(async () => {
  await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
  await system?.stop();
});

type Start = (secret: string) => Promise<Receiving>;

/** Kept until all tests have ended. */
async function kept(starting: Promise<Receiving>): Promise<Receiving> {
  const receiver = await starting;
  cleanUps.push(receiver.stop);
  return receiver;
}

const inNode =
  (file: string): Start =>
  (secret) =>
    kept(startReceiving(process.execPath, [path(file)], { WEBHOOK_SECRET: secret }));

async function onLambda(secret: string): Promise<Receiving> {
  const client = new DynamoDBClient(clientSettings(system.aws.dynamodb));
  cleanUps.push(() => client.destroy());
  const TableName = `inbox-${Math.random().toString(36).slice(2)}`;
  await client.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'webhook_id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'webhook_id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const { region, credentials } = clientSettings(system.aws.dynamodb);
  const env = {
    WEBHOOK_SECRET: secret,
    INBOX_TABLE: TableName,
    AWS_ENDPOINT_URL_DYNAMODB: system.aws.dynamodb,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const receiver = await kept(
    startReceiving(process.execPath, [path('test/tools/examples/serve-lambda.ts')], env),
  );
  return {
    ...receiver,
    async processed() {
      const jobIds: string[] = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true })) {
        jobIds.push(...Items.map(({ body }) => JSON.parse(body?.S ?? '').data.job_id));
      }
      return jobIds;
    },
  };
}

async function inPython(secret: string): Promise<Receiving> {
  const folder = await mkdtemp(join(tmpdir(), 'receiver-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const env = { WEBHOOK_SECRET: secret, INBOX: join(folder, 'inbox.sqlite3') };
  return kept(startReceiving('python3', [path('examples/python/receive.py')], env));
}

function suite(start: Start) {
  itReceives(start);

  it('accepts what the system sends for its client, and nothing that it sends for another one', async () => {
    const receiver = await start(system.webhook_secret);
    const body = { ...submission('sandbox-instant', 'Hello 😀'), webhook_url: receiver.url };
    const another = { authorization: `Bearer ${system.client_keys[1]}` };
    const forged = await call(system, 'POST', '/v1/jobs', body, another);
    const { json } = await call(system, 'POST', '/v1/jobs', body);
    const patience = { timeout: 20_000, interval: 20 };
    await vi.waitFor(async () => expect(await receiver.processed()).toEqual([json.job_id]), patience);
    await vi.waitFor(async () => {
      const { json: job } = await call(system, 'GET', `/v1/jobs/${json.job_id}`);
      expect(job.webhook).toMatchObject({ status: 'delivered', attempts: 1 });
    }, patience);
    await vi.waitFor(async () => {
      const { json: job } = await call(system, 'GET', `/v1/jobs/${forged.json.job_id}`, undefined, another);
      expect(job.webhook.status).toBe('pending');
      expect([400, 401]).toContain(job.webhook.last_status);
    }, patience);
    expect(await receiver.processed()).toEqual([json.job_id]);
  });
}

describe.each<[string, Start]>([
  ['express', inNode('examples/frameworks/express.ts')],
  ['hono', inNode('examples/frameworks/hono.ts')],
  ['nextjs', inNode('test/tools/examples/serve-route.ts')],
  ['lambda-function-url', onLambda],
])('%s', (_, start) => suite(start));

await describeWith(...runtimeOf('python').needs, 'python', () => suite(inPython));
