import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { App } from 'aws-cdk-lib';
import { build } from 'esbuild';
import { Webhook } from 'standardwebhooks';
import { expect, it, type TestContext, vi } from 'vitest';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import { clientSecret } from '../../../functions/core/webhook/signature.ts';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import { bundling, functionNames, handlerOf } from '../../../lib/stages/bundle.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { startLocalStack } from '../../../tools/local/stack/stack.ts';
import { type Post, startReceiver } from '../blackbox/receiver.ts';
import { call, type Line } from '../blackbox/system.ts';
import { API_KEY, servePredictions } from './predictions/server.ts';
import { replacement, root, SEAM, swapSeam } from './seam.ts';

const ROOT_SECRET = `whsec_${randomBytes(32).toString('base64')}`;

/** What only ModelStudio's API has; the description of the API, in the bundle of `jobs`, is generated anew by whoever adapts it. */
const MODELSTUDIO_WORDS = /\/api\/v1|organizations|job_status|task_index|max_tokens|temperature|image_url/;

/** Every function's bundle, made as for a deployment but for the files of the seam. */
async function bundleAdapted(outdir: string): Promise<void> {
  const entryPoints = functionNames.map((name) => ({ in: handlerOf(name), out: join(name, 'index') }));
  const plugins = [swapSeam()];
  const { metafile } = await build({ ...bundling, entryPoints, outdir, plugins, metafile: true });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toEqual(expect.arrayContaining(SEAM.map((file) => relative(root, replacement(file)))));
  expect(inputs.filter((path) => SEAM.some((file) => path === `functions/${file}`))).toEqual([]);
  for (const name of functionNames.filter((name) => name !== 'jobs')) {
    const code = readFileSync(join(outdir, name, 'index.js'), 'utf8');
    expect(MODELSTUDIO_WORDS.exec(code)?.[0], name).toBeUndefined();
  }
}

/** The stack with these bundles, as `cdk synth` writes it. */
async function synthesizeAdapted(folder: string): Promise<string> {
  const bundles = join(folder, 'bundles');
  await bundleAdapted(bundles);
  const folderOf = (name: string) => join(bundles, name);
  vi.doMock('../../../lib/stages/bundle.ts', () => ({
    bundleFunctions: () => ({ folderOf, remove: () => undefined }),
  }));
  const { ModelStudioJobsStack } = await import('../../../lib/stack.ts');
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const outdir = join(folder, 'cdk.out');
  const app = new App({
    outdir,
    context: { ...context, organizationId: 'unused', alarmEmail: 'ops@example.com' },
  });
  new ModelStudioJobsStack(app, 'ModelStudioJobs', { settings: readSettings(app.node.getAllContext()) });
  app.synth();
  return join(outdir, 'ModelStudioJobs.template.json');
}

/** That stack on this machine, with a key for a client. */
async function startAdapted(context: TestContext, baseUrl: string) {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-adapt-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const stack = await startLocalStack({
    templateFile: await synthesizeAdapted(folder),
    environment: { MODELSTUDIO_BASE_URL: baseUrl, LAG_PER_POLL_SECONDS: '0.02' },
    extraEnvironment: { WEBHOOK_ALLOW_LOOPBACK: 'true' },
    secrets: { 'State/ModelStudioApiKey': API_KEY, 'State/WebhookSecret': ROOT_SECRET },
  });
  context.onTestFinished(() => stack.close());
  const { key, record } = newClientKey('app', ['jobs:read', 'jobs:write'], randomBytes(48), Date.now());
  const dynamodb = new DynamoDBClient(clientSettings(stack.endpoints.dynamodb));
  const TableName = stack.outputs['ClientKeysTable'];
  await dynamodb.send(new PutItemCommand({ TableName, Item: marshall(record) }));
  dynamodb.destroy();
  return { api_url: stack.apiUrl, client_keys: [key, key] } as Line;
}

/** All functions are bundled, synthesized and run: ADAPTED=yes npx vitest run FILE */
const isAsked = process.env['ADAPTED'] === 'yes';

it.runIf(isAsked)(
  'the system submits, polls and delivers a webhook that verifies with another provider',
  async (context) => {
    const provider = await servePredictions();
    const receiver = await startReceiver({});
    context.onTestFinished(() => receiver.close());
    const system = await startAdapted(context, provider.url.origin);

    const wrong = await call(system, 'POST', '/v1/jobs', { model_id: 'm', messages: [] });
    expect([wrong.status, wrong.json.code]).toEqual([400, 'invalid_request']);

    const body = { model: 'acme/haiku', input: { prompt: 'snow' }, webhook_url: receiver.url('/hook') };
    const submitted = await call(system, 'POST', '/v1/jobs', body, { 'idempotency-key': 'k' });
    expect(submitted).toMatchObject({ status: 202, json: { status: 'running', model_id: 'acme/haiku' } });
    const again = await call(system, 'POST', '/v1/jobs', body, { 'idempotency-key': 'k' });
    expect(again.json.job_id).toBe(submitted.json.job_id);

    const [post] = await receiver.received('/hook', 1);
    const { headers, body: event } = post as Post;
    new Webhook(clientSecret(ROOT_SECRET, 'app', 1)).verify(event, headers as Record<string, string>);
    const results = [{ output: ['Snow,', ' again'] }];
    expect(JSON.parse(event)).toMatchObject({
      type: 'job.completed',
      data: { job_id: submitted.json.job_id, total_tasks: 1, completed_tasks: 1, results },
    });
    const read = await call(system, 'GET', `/v1/jobs/${submitted.json.job_id}/results`);
    expect(read).toMatchObject({ status: 200, json: results });
    expect(provider.creates).toEqual([{ model: 'acme/haiku', input: { prompt: 'snow' } }]);
  },
);
