import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
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
    for (const jobId of jobIds) {
      await vi.waitFor(
        async () => {
          const { json } = await call(system, 'GET', `/v1/jobs/${jobId}`);
          expect(['submitting', 'running']).not.toContain(json.status);
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
    const rows = (await itemsOf(system)).map((row) => row.replaceAll(`?token=${CANARY}`, ''));
    expect(rows.length).toBeGreaterThan(4);
    expect(holding(rows)).toEqual([]);
  } finally {
    await box.close();
  }
}, 120_000);
