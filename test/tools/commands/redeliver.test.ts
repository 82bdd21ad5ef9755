import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startSandbox } from '../../../tools/local/sandbox/server.ts';
import { PATIENCE_MILLIS } from '../../needs.ts';
import { call, type LocalSystem, startLocally, submission, upstreamEnv } from '../blackbox/system.ts';
import { command } from './operated.ts';

const WEBHOOKS = 24;

/** A receiver that answers 500 until it is told to be well. */
async function startReceiver() {
  const receiver = { isWell: false, received: [] as { id: string; at: number }[], url: '' };
  const server = createServer((request, response) => {
    request.resume();
    const id = String(request.headers['webhook-id']);
    if (receiver.isWell) receiver.received.push({ id, at: performance.now() });
    response.writeHead(receiver.isWell ? 204 : 500).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/h`;
  return receiver;
}

const statusesOf = async (system: LocalSystem, status: string) =>
  (await call(system, 'GET', `/v1/jobs?limit=100&webhook_status=${status}`)).json.jobs.length;

describe('npm run redeliver', () => {
  it('ends the outage of a receiver: each webhook comes once, and not all of them at once', {
    timeout: PATIENCE_MILLIS,
  }, async () => {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    const system = await startLocally({ ...upstreamEnv(sandbox), WEBHOOK_RETRY_SCHEDULE_SECONDS: '0' });
    onTestFinished(() => system.stop());
    const receiver = await startReceiver();
    const body = { ...submission('sandbox-instant', 'hi'), webhook_url: receiver.url };
    await Promise.all(Array.from({ length: WEBHOOKS }, () => call(system, 'POST', '/v1/jobs', body)));
    await vi.waitFor(async () => expect(await statusesOf(system, 'exhausted')).toBe(WEBHOOKS), {
      timeout: 60_000,
      interval: 200,
    });

    receiver.isWell = true;
    const { port } = new URL(system.api_url);
    const redeliver = () =>
      command('redeliver', ['--local', '--port', port, '--status', 'exhausted', '--since', '2h']);
    const [first, second] = await Promise.all([redeliver(), redeliver()]);
    expect([first?.code, second?.code]).toEqual([0, 0]);
    expect(Number(first?.stdout) + Number(second?.stdout)).toBe(WEBHOOKS);
    await vi.waitFor(async () => expect(await statusesOf(system, 'delivered')).toBe(WEBHOOKS), {
      timeout: 60_000,
      interval: 200,
    });
    const { received } = receiver;
    expect([received.length, new Set(received.map(({ id }) => id)).size]).toEqual([WEBHOOKS, WEBHOOKS]);
    const [from = 0, to = 0] = [received[0]?.at, received.at(-1)?.at];
    // Ten a second would take two seconds; a busy machine takes longer.
    expect(to - from).toBeGreaterThan(2000);
    expect(await redeliver()).toMatchObject({ code: 0, stdout: '0\n', stderr: '0 begun\n' });
  });

  it.each([
    [['--url', 'http://127.0.0.1:9', '--key', 'msj_a_b'], '--status is missing'],
    [['--status', 'delivered'], '--status must be one of exhausted, gone, blocked'],
    [['--status', 'gone', '--since', '2 hours'], '--since must be a time such as 30m, 2h or 3d'],
    [['--status', 'gone', '--key', 'msj_a_b'], '--url is missing'],
    [['--status', 'gone', '--url', 'http://127.0.0.1:9'], '--key is missing'],
  ])('refuses %j', async (args, words) => {
    expect(await command('redeliver', args)).toMatchObject({ code: 2, stderr: `${words}. Try --help.\n` });
  });

  it('says that nothing is asked at a port of another protocol', async () => {
    const args = ['--url', 'http://127.0.0.1:1', '--key', 'msj_a_b', '--status', 'gone'];
    expect(await command('redeliver', args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The port of the URL is one that another protocol has/m),
    });
  });

  it('says why it is refused', async () => {
    const server = createServer((_request, response) =>
      response.writeHead(403).end(JSON.stringify({ code: 'insufficient_scope', detail: 'Not yours.' })),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ran = await command('redeliver', ['--url', url, '--key', 'msj_a_b', '--status', 'gone']);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^The API answered 403 insufficient_scope: Not yours\.$/m);
  });
});
