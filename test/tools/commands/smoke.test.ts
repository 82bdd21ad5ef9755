import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../../tools/local/sandbox/server.ts';
import { command, type Operated, startOperated } from './operated.ts';

let operated: Operated;
let closedUrl: string;
beforeAll(async () => {
  operated = await startOperated();
  const gone = await startSandbox();
  await gone.close();
  closedUrl = gone.baseUrl;
});
afterAll(() => operated?.stop());

const smoke = (url: string, key: string, model: string) =>
  command('smoke', ['--url', url, '--key', key, '--model', model]);

describe('a model', () => {
  it.concurrent.each([
    ['sandbox-instant', 0, 'completed', /the model says "Sandbox reply/],
    ['sandbox-task-errors', 1, 'completed', /^The job completed, but its task failed: "The model failed/m],
    ['sandbox-fails', 1, 'failed', /^The job ended failed: .+\.$/m],
  ])('%s: exit code %d, %s', async (model, code, status, words) => {
    const ran = await smoke(operated.system.api_url, operated.system.client_keys[0], model);
    expect(ran).toMatchObject({ code, stderr: expect.stringMatching(words) });
    const line = JSON.parse(ran.stdout);
    expect(line).toMatchObject({ job_id: expect.stringMatching(/^job_/), status });
    expect(line.accepted_after_ms).toBeGreaterThan(0);
    expect(line.finished_after_ms).toBeGreaterThan(0);
    expect(line.seen_after_ms).toBeGreaterThan(line.accepted_after_ms);
  });
});

describe('the smoke test says what is wrong:', () => {
  const cases: [string, (operated: Operated) => [url: string, key: string, model: string], RegExp][] = [
    [
      'an unknown key',
      ({ system }) => [system.api_url, 'msj_wrong_key', 'sandbox-instant'],
      /^The API answered 401 unauthenticated: /,
    ],
    [
      'a key that may not write',
      ({ system }) => [system.api_url, system.read_only_key, 'sandbox-instant'],
      /^The API answered 403 insufficient_scope: /,
    ],
    [
      'an unknown model',
      ({ system }) => [system.api_url, system.client_keys[0], 'nobody'],
      /^The API answered 404 model_not_found: /,
    ],
    [
      'another API',
      ({ sandbox }) => [sandbox.baseUrl, 'msj_any_key', 'sandbox-instant'],
      /^The URL answered 404, and not as this API does\.$/m,
    ],
    ['no API', () => [closedUrl, 'msj_any_key', 'm'], /^There is no connection: .*ECONNREFUSED/],
  ];
  it.concurrent.each(cases)('%s', async (_, args, words) => {
    const ran = await smoke(...args(operated));
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(words) });
  });
});

it('the smoke test with --local knows the URL and the key', async () => {
  expect((await operated.on('local', 'smoke', '--model', 'sandbox-instant')).code).toBe(0);
  // Its upstream is not its own sandbox, whose models it would know.
  expect(await operated.on('local', 'smoke')).toMatchObject({
    code: 2,
    stderr: '--model is missing. Try --help.\n',
  });
});

it('the first look says what is as expected, what is not, and what cannot be seen from here', async () => {
  const { webhook_inbox_url } = operated.system;
  const args = ['--model', 'sandbox-instant', '--first', '--webhook', webhook_inbox_url];
  const { code, stdout, stderr } = await operated.on('local', 'smoke', ...args);
  const [, ...looks] = stdout.trimEnd().split('\n');
  const states = looks.map((line) => `${line.slice(0, 15).trim()} | ${line.slice(16, 37).trim()}`);
  expect({ code, states }, `${stdout}${stderr}`).toEqual({
    code: 0,
    states: [
      ...['WWW-Authenticate', 'HEAD', 'a larger body', 'an upload', 'a job out of it', 'a webhook'],
      ...['a large result', 'its link', 'its link with the key'],
    ]
      .map((what) => `ok | ${what}`)
      .concat(
        ['the throttle', 'alarms', 'logs', 'the link a day later'].map((what) => `cannot look | ${what}`),
      ),
  });
});

it('the smoke test waits as long as Retry-After asks, and retries with the same Idempotency-Key', async () => {
  const job = { job_id: 'job_1', total_tasks: 1, completed_tasks: 0, failed_tasks: 0 };
  const at = '2026-01-01T00:00:00.000Z';
  const answers = [
    { status: 503, body: { code: 'modelstudio_unavailable', detail: 'Later.' } },
    { status: 202, body: { ...job, status: 'queued' } },
    { status: 200, body: { ...job, status: 'running' } },
    { status: 429, body: { message: 'Too Many Requests' } },
    {
      status: 200,
      body: { ...job, status: 'completed', completed_tasks: 1, created_at: at, finished_at: at },
    },
  ];
  const seen: { method: string | undefined; key: unknown; at: number }[] = [];
  const server = createServer((request, response) => {
    const { status, body } = answers[seen.length] ?? { status: 500, body: {} };
    seen.push({ method: request.method, key: request.headers['idempotency-key'], at: performance.now() });
    response.writeHead(status, { 'retry-after': '1' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());

  const { port } = server.address() as AddressInfo;
  expect(await smoke(`http://127.0.0.1:${port}/`, 'msj_any_key', 'm')).toMatchObject({ code: 0 });
  expect(seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET', 'GET', 'GET']);
  expect(seen[0]?.key).toMatch(/^[\w-]{36}$/);
  expect(seen[1]?.key).toBe(seen[0]?.key);
  const waits = seen.slice(1).map((request, i) => request.at - (seen[i]?.at ?? 0));
  expect(Math.min(...waits)).toBeGreaterThan(990);
});
