import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientSettings } from '../../local/stack/clients.ts';
import { call, type LocalSystem, startLocally, submission } from '../blackbox/system.ts';
import { describeWith } from '../deploy/needs.ts';
import { runtimeOf } from '../snippets/runtimes.ts';
import { itReceives } from './deliveries.ts';
import { type Receiving, startReceiving } from './receiving.ts';

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

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
  const receiver = await kept(startReceiving(process.execPath, [path('test/examples/serve-lambda.ts')], env));
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
  return kept(startReceiving('python3', [path('examples/python/receiver.py')], env));
}

function suite(start: Start) {
  itReceives(start);

  it('takes what the system sends', async () => {
    const receiver = await start(system.webhook_secret);
    const body = { ...submission('sandbox-instant', 'Hello 😀'), webhook_url: receiver.url };
    const { json } = await call(system, 'POST', '/v1/jobs', body);
    const patience = { timeout: 20_000, interval: 20 };
    await vi.waitFor(async () => expect(await receiver.processed()).toEqual([json.job_id]), patience);
    await vi.waitFor(async () => {
      const { json: job } = await call(system, 'GET', `/v1/jobs/${json.job_id}`);
      expect(job.webhook).toMatchObject({ status: 'delivered', attempts: 1 });
    }, patience);
  });
}

describe.each<[string, Start]>([
  ['express', inNode('examples/express/server.ts')],
  ['hono', inNode('examples/hono/server.ts')],
  ['nextjs', inNode('test/examples/serve-route.ts')],
  ['lambda-function-url', onLambda],
])('%s', (_, start) => suite(start));

await describeWith(...runtimeOf('python').needs, 'python', () => suite(inPython));
