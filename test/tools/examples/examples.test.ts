import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { describeWith } from '../../needs.ts';
import { run } from '../../run.ts';
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

describe('dataset', () => {
  const LINES = [
    '{"messages": [{"role": "user", "content": "Hello, \\"world\\""}], "id": 7}',
    '',
    '[{"role": "user", "content": "Hello 😀"}]',
  ];

  async function runs(model: string, lines = LINES) {
    const folder = await mkdtemp(join(tmpdir(), 'dataset-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const [input, output] = [join(folder, 'prompts.jsonl'), join(folder, 'results.csv')];
    await writeFile(input, lines.join('\r\n'));
    const args = [
      path('examples/dataset/dataset.mjs'),
      '--url',
      system.api_url,
      '--model',
      model,
      input,
      output,
    ];
    const again = () => run(process.execPath, args, { CLIENT_KEY: system.client_keys[0] });
    return { ...(await again()), output, again };
  }

  it('writes a row for each line, and a second run gets the same jobs', async () => {
    const { code, stderr, output, again } = await runs('sandbox-instant');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [head, first, second, end] = (await readFile(output, 'utf8')).split('\r\n');
    expect(head).toBe('line,status,result,error');
    expect(first).toMatch(/^1,completed,"Sandbox reply to ""Hello, .*",$/);
    expect(second).toMatch(/^3,completed,"Sandbox reply to ""Hello 😀"".*",$/);
    expect(end).toBe('');
    expect((await again()).stderr).toBe(stderr);
  });

  it('writes a row for each line of a job that fails, and fails itself', async () => {
    const { code, output } = await runs('sandbox-fails');
    expect(code).toBe(1);
    expect((await readFile(output, 'utf8')).match(/^\d,failed,,.+$/gm)).toHaveLength(2);
  });

  it('fetches results that are too large for the job', async () => {
    const { code, output } = await runs('sandbox-instant', [
      '[{"role": "user", "content": "repeat:300000"}]',
    ]);
    expect(code).toBe(0);
    expect((await readFile(output, 'utf8')).length).toBeGreaterThan(300_000);
  });

  it('says which line is not JSON', async () => {
    const { code, stderr } = await runs('sandbox-instant', ['[]', '{']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Line 2 of ') });
  });
});

describe('photos', () => {
  async function asks(model: string, name = (i: number) => `photo-${i}.jpg`) {
    const folder = await mkdtemp(join(tmpdir(), 'photos-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const photos = Array.from({ length: 10 }, (_, i) => join(folder, name(i)));
    for (const [i, photo] of photos.entries()) await writeFile(photo, Buffer.alloc(500_000 + i, 'jpeg'));
    const flags = ['--url', system.api_url, '--model', model, '--ask', 'What is this?'];
    return run(process.execPath, [path('examples/photos/photos.mjs'), ...flags, ...photos], {
      CLIENT_KEY: system.client_keys[0],
    });
  }

  it('asks about ten photos, which are too large for a request, in one job', async () => {
    const { code, stdout, stderr } = await asks('sandbox-vision');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual(
      Array.from({ length: 10 }, (_, i) => ({
        photo: `photo-${i}.jpg`,
        status: 'completed',
        result: expect.stringContaining(`image/jpeg of ${500_000 + i} bytes`),
        error: null,
      })),
    );
  });

  it('says what is no photo', async () => {
    const { code, stderr } = await asks('sandbox-vision', (i) => `photo-${i}.txt`);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('photo-0.txt is none of ') });
  });
});

describe('redeliver', () => {
  it('redelivers what the receiver missed, and nothing else', async () => {
    let status = 410;
    const received: unknown[] = [];
    const receiver = createServer((request, response) => {
      received.push(request.headers['webhook-id']);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    cleanUps.push(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const body = { ...submission('sandbox-instant', 'Hello'), webhook_url: `http://127.0.0.1:${port}/` };
    const key = system.client_keys[1];
    const authorization = `Bearer ${key}`;
    const { json } = await call(system, 'POST', '/v1/jobs', body, { authorization });
    const statusOf = async () =>
      (await call(system, 'GET', `/v1/jobs/${json.job_id}`, undefined, { authorization })).json.webhook
        .status;
    await vi.waitFor(async () => expect(await statusOf()).toBe('gone'), { timeout: 20_000, interval: 20 });

    const since = new Date(Date.now() - 3_600_000).toISOString();
    const args = [path('examples/redeliver/redeliver.mjs'), '--url', system.api_url, '--since', since];
    const runs = (...more: string[]) => run(process.execPath, [...args, ...more], { CLIENT_KEY: key });
    expect(await runs()).toMatchObject({ code: 0, stdout: '' });
    const listed = expect.stringContaining(`${json.job_id}\tgone\t`);
    expect(await runs('--status', 'gone', '--dry-run')).toMatchObject({ code: 0, stdout: listed });
    expect(received).toHaveLength(1);

    status = 204;
    expect(await runs('--status', 'exhausted,gone')).toMatchObject({ code: 0, stdout: listed });
    await vi.waitFor(async () => expect(await statusOf()).toBe('delivered'), {
      timeout: 20_000,
      interval: 20,
    });
    expect(new Set(received).size).toBe(1);
  });
});
