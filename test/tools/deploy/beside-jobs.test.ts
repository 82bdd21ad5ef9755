import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, expect, it } from 'vitest';
import { ModelStudioJobsClient, verifyWebhook } from '../../../clients/typescript/index.ts';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import { clientSecret } from '../../../functions/core/webhook/signature.ts';
import { ModelStudioJobs } from '../../../lib/index.ts';
import { closeServer, listenLocally } from '../../../tools/local/http/server.ts';
import { startSandbox } from '../../../tools/local/sandbox/server.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { startLocalStack } from '../../../tools/local/stack/stack.ts';
import type { Template } from '../../../tools/local/stack/template.ts';

/** They are bundled and run: BESIDE=yes npx vitest run FILE */
const isAsked = process.env['BESIDE'] === 'yes';
const CLIENT = 'app';
const PROPS = { organizationId: 'org_sandbox', alarmEmail: 'ops@example.com', concurrency: 22 };

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

function synthesizeShop(): string {
  const outdir = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-test-'));
  closing.push(() => rmSync(outdir, { recursive: true }));
  const app = new App({ outdir });
  const shop = new Stack(app, 'Shop');
  for (const id of ['Orders', 'Mails']) new ModelStudioJobs(shop, id, PROPS);
  return app.synth().directory;
}

/** The laptop's stack has one API: what is the other deployment's is taken out of the template of both. */
function templateOf(id: string, directory: string): string {
  const fileOf = (stack: string, kind: string) => join(directory, `${stack}.${kind}.json`);
  const both: Template = JSON.parse(readFileSync(fileOf('Shop', 'template'), 'utf8'));
  const own = <T>(all: Record<string, T> = {}) =>
    Object.fromEntries(Object.entries(all).filter(([logicalId]) => logicalId.startsWith(id)));
  const template = { Resources: own(both.Resources), Outputs: own(both.Outputs) };
  writeFileSync(fileOf(`Shop${id}`, 'template'), JSON.stringify(template));
  for (const kind of ['assets', 'metadata']) copyFileSync(fileOf('Shop', kind), fileOf(`Shop${id}`, kind));
  return fileOf(`Shop${id}`, 'template');
}

type Upstream = Awaited<ReturnType<typeof startSandbox>>;

async function run(id: string, directory: string, upstream: Upstream) {
  const root = `whsec_${randomBytes(32).toString('base64')}`;
  const { outputs, endpoints, apiUrl, close } = await startLocalStack({
    templateFile: templateOf(id, directory),
    environment: {
      MODELSTUDIO_BASE_URL: upstream.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: upstream.organizationId,
    },
    extraEnvironment: { WEBHOOK_ALLOW_LOOPBACK: 'true' },
    secrets: { [`${id}/State/ModelStudioApiKey`]: upstream.apiKey, [`${id}/State/WebhookSecret`]: root },
  });
  closing.push(close);
  const { key, record } = newClientKey(CLIENT, ['jobs:read', 'jobs:write'], randomBytes(48), Date.now());
  const [, TableName] = Object.entries(outputs).find(([name]) => name.includes('ClientKeysTable')) ?? [];
  const dynamodb = new DynamoDBClient(clientSettings(endpoints.dynamodb));
  await dynamodb.send(new PutItemCommand({ TableName, Item: marshall({ ...record, revokedAt: null }) }));
  return { client: new ModelStudioJobsClient({ url: apiUrl, key }), secret: clientSecret(root, CLIENT, 1) };
}

it.skipIf(!isAsked)(
  'two deployments of one stack run jobs, each with keys and secrets of its own',
  async () => {
    const upstream = await startSandbox();
    closing.push(() => upstream.close());
    const received = new Map<string, { body: string; headers: IncomingHttpHeaders }>();
    const receiver = createServer(async (request, response) => {
      received.set(String(request.url), { body: await text(request), headers: request.headers });
      response.writeHead(204).end();
    });
    const url = await listenLocally(receiver);
    closing.push(() => closeServer(receiver));
    const directory = synthesizeShop();
    const [orders, mails] = await Promise.all(['Orders', 'Mails'].map((id) => run(id, directory, upstream)));
    for (const [path, own, other] of [
      ['/orders', orders, mails],
      ['/mails', mails, orders],
    ] as const) {
      if (!own || !other) throw new Error('A deployment is missing');
      const messages: [{ role: 'user'; content: string }][] = [[{ role: 'user', content: path }]];
      const job = await own.client.run({ model_id: 'sandbox-instant', messages, webhook_url: url + path });
      expect(job.results[0]?.result).toContain(path);
      await expect(other.client.get(job)).rejects.toMatchObject({ status: 404 });
      await expect.poll(() => received.get(path)).toBeDefined();
      const { body = '', headers = {} } = received.get(path) ?? {};
      const event = await verifyWebhook(body, headers, own.secret);
      expect(event).toMatchObject({ type: 'job.completed', data: { job_id: job.job_id } });
      await expect(verifyWebhook(body, headers, other.secret)).rejects.toThrow('another secret');
    }
  },
);
