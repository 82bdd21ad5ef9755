import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readJson } from '../../../functions/core/http/body.ts';
import { PROBLEMS } from '../../../functions/core/http/problem.ts';
import { parseSubmission } from '../../../functions/core/http/submission.ts';
import { afterAttempt } from '../../../functions/core/webhook/attempt.ts';
import { signedHeaders } from '../../../functions/core/webhook/signature.ts';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import { withSettingsTable } from '../../../tools/commands/settings.ts';
import { MODELS } from '../../../tools/local/sandbox/models.ts';
import { EXAMPLES } from '../../../tools/openapi/examples.ts';
import { newSecret } from '../examples/deliveries.ts';
import { type Receiving, startReceiving } from '../examples/receiving.ts';
import { pageAt, root } from './pages.ts';

const readme = pageAt('README.md');
const fence = (language: string, part: string) =>
  readme.fences.find((block) => block.language === language && block.text.includes(part))?.text ?? '';

describe("the README's receiver", () => {
  const secret = newSecret();
  let folder: string;
  let receiver: Receiving;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readme-'));
    const file = join(folder, 'receiver.mjs');
    const listens = /\.listen\(process\.env\.PORT \?\? \d+\);/;
    const code = fence('js', 'standardwebhooks');
    expect(code).toMatch(listens);
    const onAnyPort =
      ".listen(0, '127.0.0.1', function () { console.log('Listening on port ' + this.address().port); });";
    await writeFile(file, code.replace(listens, onAnyPort));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    receiver = await startReceiving(process.execPath, [file], { WEBHOOK_SECRET: secret });
  });
  afterAll(async () => {
    await receiver?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const body = JSON.stringify(EXAMPLES['Event']);
  const sent = (headers: Record<string, string>, text = body) =>
    fetch(receiver.url, { method: 'POST', headers, body: text }).then(({ status }) => status);

  it('accepts a valid webhook', async () => {
    expect(await sent(signedHeaders('msg_good', Date.now(), body, [secret]))).toBe(204);
    await vi.waitFor(async () => expect(await receiver.processed()).toHaveLength(1), { timeout: 20_000 });
  });

  const minutes = 60_000;
  const bad: [what: string, headers: () => Record<string, string>, text?: string][] = [
    ['was signed with another secret', () => signedHeaders('msg_bad', Date.now(), body, [newSecret()])],
    ['was changed', () => signedHeaders('msg_bad', Date.now(), body, [secret]), `${body} `],
    ['is old', () => signedHeaders('msg_bad', Date.now() - 6 * minutes, body, [secret])],
    ['is not signed', () => ({})],
  ];
  it.each(bad)('refuses one that %s', async (_, headers, text) => {
    expect(await sent(headers(), text)).toBe(400);
  });
});

it("the README's request is valid", () => {
  const [, body = ''] = /-d '([^']*)'/.exec(fence('sh', 'curl')) ?? [];
  const rules = { ports: [], ownHost: null, loopback: true };
  const parse = (value: unknown) => parseSubmission(value, rules);
  const read = readJson(
    { headers: { 'content-type': 'application/json' }, body: Buffer.from(body), requestId: '' },
    parse,
  );
  expect(read).not.toHaveProperty('status');
});

it('the table of settings matches the settings; if not, run `npm run settings`', () => {
  expect(readme.text).toBe(withSettingsTable(readme.text));
});

it('every code that a page lists exists', () => {
  const pages = ['README.md', 'docs/webhooks.md'].map(pageAt);
  const rows = pages.flatMap(({ prose }) => prose.match(/^\| \d{3}.*$/gm) ?? []);
  const codes = rows.flatMap((row) => row.match(/(?<=`)[a-z]+_[a-z_]+(?=`)/g) ?? []);
  expect(codes.filter((code) => !(code in PROBLEMS))).toEqual([]);
});

it('the sandbox has the models that docs/laptop.md names, and no others', () => {
  const named = new Set(pageAt('docs/laptop.md').text.match(/\bsandbox-[a-z0-9-]+/g));
  expect([...named].sort()).toEqual(Object.keys(MODELS).sort());
});

describe("the schedule in docs/webhooks.md is the default setting's", () => {
  const { prose } = pageAt('docs/webhooks.md');
  const [, table = ''] = /<!-- schedule -->\n([\s\S]*?)<!-- \/schedule -->/.exec(prose) ?? [];
  const rows = table.trim().split('\n').slice(2);
  const waits = readSettings({}).webhookRetryScheduleSeconds;

  it.each(waits.map((seconds, i) => ({ attempt: i + 1, seconds })))(
    'row $attempt has the wait of the schedule',
    ({ attempt, seconds }) => {
      const since = waits.slice(1, attempt).reduce((sum, wait) => sum + wait, 0);
      expect(rows[attempt - 1]).toBe(`| ${attempt} | ${spoken(seconds)} | ${spoken(coarse(since))} |`);
    },
  );

  it('has as many rows as there are attempts', () => {
    expect(rows).toHaveLength(waits.length);
    const failed = { kind: 'failed', error: 'timeout' } as const;
    expect(afterAttempt(failed, waits.length, waits, 0, 0)).toEqual({ step: 'settle', status: 'exhausted' });
  });

  /** Next to minutes, seconds do not count. */
  function coarse(seconds: number): number {
    return seconds < 60 ? seconds : seconds - (seconds % 60);
  }

  function spoken(seconds: number): string {
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
    const parts = [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : ''].filter(Boolean);
    return parts.length > 0 ? parts.join(' ') : `${seconds} s`;
  }
});
