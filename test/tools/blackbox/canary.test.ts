import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it, vi } from 'vitest';
import { headersSecret } from '../../../functions/core/webhook/client-settings.ts';
import { setHeaders } from '../../../tools/commands/custom-headers.ts';
import { findTarget } from '../../../tools/commands/find-target.ts';
import { rootSecretsOf } from '../../../tools/commands/webhook-secrets.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { publicLine, startSystem } from '../../../tools/local/system.ts';
import { call, type Line, submission } from './system.ts';

const CANARY = 'canary7f3a9c';
const HEADER = `Bearer canary-of-headers-51e0`;
/** Where prompts belong, as ModelStudio's results quote them. */
const MAY_QUOTE = /StateDocuments/;

const requests: [what: string, body: object][] = [
  ['a job that completes', submission('sandbox-instant', CANARY)],
  ['a job that fails', submission('sandbox-fails', CANARY)],
  ['tasks that fail', submission('sandbox-task-errors', CANARY, CANARY)],
  ['an upstream that falters', submission('sandbox-flaky', CANARY)],
  ['a model that is not there', submission('no-such-model', CANARY)],
  [
    'a body to be refused',
    { ...submission('sandbox-instant', CANARY), [CANARY]: CANARY, temperature: CANARY },
  ],
];

async function itemsOf({ aws }: Line, tables = (name: string) => !MAY_QUOTE.test(name)): Promise<string[]> {
  const client = new DynamoDBClient(clientSettings(aws.dynamodb));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const items: string[] = [];
  for (const TableName of TableNames.filter(tables)) {
    for await (const page of paginateScan({ client }, { TableName })) {
      items.push(...(page.Items ?? []).map((item) => JSON.stringify(item)));
    }
  }
  client.destroy();
  return items;
}

/** Makes ModelStudio refuse whatever is asked, or answer again. */
async function limit({ console_url }: Line, on: boolean): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'rate_limited', on });
  expect((await fetch(`${console_url}switches`, { method: 'POST', headers, body })).status).toBe(200);
}

/** The keys of the requests in the bucket. */
async function requestsIn({ aws }: Line, Prefix = 'requests/'): Promise<string[]> {
  const client = new S3Client({ ...clientSettings(aws.s3), forcePathStyle: true });
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const list = new ListObjectsV2Command({ Bucket: Buckets[0]?.Name, Prefix });
  const { Contents = [] } = await client.send(list);
  client.destroy();
  return Contents.map(({ Key = '' }) => Key);
}

it('no prompt and no secret appears in a log line or a row of the deployed bundles', async () => {
  const lines: string[] = [];
  const flags = { json: true, once: false, help: false, port: 0, strictWebhooks: false };
  const box = await startSystem(flags, (line) => lines.push(line));
  try {
    const system = publicLine(box);
    const target = await findTarget({ port: Number(new URL(system.api_url).port) });
    const [root = ''] = await rootSecretsOf(target);
    const { host } = new URL(system.webhook_inbox_url);
    for (const client of ['first-app', 'second-app'])
      await setHeaders(target, client, host, { authorization: HEADER });
    // Somebody has deleted what the client's row speaks of.
    const SecretId = headersSecret(target.deploymentName, 'second-app');
    const forcing = { SecretId, ForceDeleteWithoutRecovery: true };
    await target.clients.secrets.send(new DeleteSecretCommand(forcing));
    const jobIds: string[] = [];
    for (const [, body] of requests) {
      const webhook_url = `${system.webhook_inbox_url}?token=${CANARY}`;
      const { json } = await call(system, 'POST', '/v1/jobs', { ...body, webhook_url });
      if (json.job_id) jobIds.push(json.job_id);
    }
    await limit(system, true);
    const queued = await call(system, 'POST', '/v1/jobs', submission('sandbox-instant', CANARY));
    expect(queued.json.status).toBe('queued');
    expect(await requestsIn(system)).toContainEqual(expect.stringContaining(queued.json.job_id));
    const waiting = await itemsOf(system);
    await limit(system, false);
    jobIds.push(queued.json.job_id);
    for (const jobId of jobIds) {
      await vi.waitFor(
        async () => {
          const { json } = await call(system, 'GET', `/v1/jobs/${jobId}`);
          expect(json.finished_at).not.toBeNull();
        },
        { timeout: 60_000, interval: 100 },
      );
    }
    const answers = jobIds.map(async (jobId) => {
      const paths = [`/v1/jobs/${jobId}`, `/v1/jobs/${jobId}/deliveries`];
      return JSON.stringify(await Promise.all(paths.map((path) => call(system, 'GET', path))));
    });
    expect((await Promise.all(answers)).filter((text) => text.includes(HEADER))).toEqual([]);
    const webhook_url = system.webhook_inbox_url;
    const authorization = `Bearer ${system.client_keys[1]}`;
    await call(
      system,
      'POST',
      '/v1/jobs',
      { ...submission('sandbox-instant', 'x'), webhook_url },
      { authorization },
    );
    await vi.waitFor(
      () => expect(lines.join()).toMatch(/"custom headers are missing".+"client":"second-app"/),
      {
        timeout: 60_000,
      },
    );
    const { received } = (await (await fetch(webhook_url)).json()) as { received: { headers: object }[] };
    const sent = received.map(({ headers }) => (headers as Record<string, string>)['authorization']);
    expect(sent.filter(Boolean).length).toBeGreaterThan(2);
    expect([...new Set(sent)].filter(Boolean)).toEqual([HEADER]);
    await vi.waitFor(
      () => expect(lines.filter((line) => /"message":"deliver"/.test(line)).length).toBeGreaterThan(2),
      { timeout: 60_000 },
    );
    const secrets = [...system.client_keys, ...system.webhook_secrets, root, system.modelstudio.api_key];
    // Their last letters tell each of them, too, however they were cut.
    const canaries = [CANARY, HEADER.slice(-20), ...secrets.map((secret) => secret.slice(-20))];
    const holding = (texts: string[]) =>
      texts.filter((text) => canaries.some((canary) => text.includes(canary)));
    expect(lines.length).toBeGreaterThan(20);
    expect(holding(lines)).toEqual([]);
    // The row holds the webhook's URL, to be called; nothing else that the request says.
    const rows = [...waiting, ...(await itemsOf(system))].map((row) =>
      row.replaceAll(`?token=${CANARY}`, ''),
    );
    expect(rows.length).toBeGreaterThan(4);
    expect(holding(rows)).toEqual([]);
    expect(await requestsIn(system)).toEqual([]);
    for (const jobId of jobIds) {
      await vi.waitFor(
        async () => expect((await call(system, 'DELETE', `/v1/jobs/${jobId}`)).status).toBe(204),
        { timeout: 60_000, interval: 100 },
      );
      expect((await call(system, 'GET', `/v1/jobs/${jobId}`)).status).toBe(404);
    }
    // Of deleted jobs, not even the URL.
    expect(holding(await itemsOf(system))).toEqual([]);
    const left = [
      ...(await itemsOf(system, (name) => MAY_QUOTE.test(name))),
      ...(await requestsIn(system, '')),
    ];
    expect(left.filter((text) => jobIds.some((jobId) => text.includes(jobId)))).toEqual([]);
  } finally {
    await box.close();
  }
}, 120_000);
