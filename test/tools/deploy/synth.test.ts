import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';
import { isolatedIn } from './isolated.ts';

/** CDK looks for news of itself, and does without if there are none. */
const NOTICES = 'cli.cdk.dev-tools.aws.dev:443';

/** The whole of CDK's command for one property: OFFLINE=yes npx vitest run FILE */
const isAsked = process.env['OFFLINE'] === 'yes';

it.runIf(isAsked)('cdk synth needs no network and no AWS account', { timeout: PATIENCE_MILLIS }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-synth-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const nowhere = await startNowhere();
  const ways = ['AWS_ENDPOINT_URL', 'HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'];
  const env = { ...isolatedIn(folder), ...Object.fromEntries(ways.map((name) => [name, nowhere.url])) };
  const args = ['cdk', 'synth', '--quiet', '--output', join(folder, 'cdk.out')];
  const { code, stderr } = await run('npx', args, env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(nowhere.wanted.filter((place) => place !== NOTICES)).toEqual([]);
});

/** A way out of the machine that leads nowhere, and what was wanted there. */
async function startNowhere(): Promise<{ url: string; wanted: string[] }> {
  const wanted: string[] = [];
  const server = createServer(({ url = '', socket }) => {
    wanted.push(url);
    socket.destroy();
  });
  server.on('connect', ({ url = '' }, socket) => {
    wanted.push(url);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, wanted };
}
