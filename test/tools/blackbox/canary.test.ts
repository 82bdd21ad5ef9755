import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { expect, it, vi } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { publicLine, startSystem } from '../../../tools/local/system.ts';
import { call, type Line, submission } from './system.ts';

const CANARY = 'canary7f3a9c';
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

async function itemsOf({ aws }: Line): Promise<string[]> {
  const client = new DynamoDBClient(clientSettings(aws.dynamodb));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const items: string[] = [];
  for (const TableName of TableNames.filter((name) => !MAY_QUOTE.test(name))) {
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
async function requestsIn({ aws }: Line): Promise<string[]> {
  const client = new S3Client({ ...clientSettings(aws.s3), forcePathStyle: true });
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const list = new ListObjectsV2Command({ Bucket: Buckets[0]?.Name, Prefix: 'requests/' });
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
    await vi.waitFor(
      () => expect(lines.filter((line) => /"message":"deliver"/.test(line)).length).toBeGreaterThan(2),
      { timeout: 60_000 },
    );
    const secrets = [...system.client_keys, system.webhook_secret, system.modelstudio.api_key];
    // Their last letters tell each of them, too, however they were cut.
    const canaries = [CANARY, ...secrets.map((secret) => secret.slice(-20))];
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
  } finally {
    await box.close();
  }
}, 120_000);
