import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listeningAddresses } from '../blackbox/ports.ts';
import { call, type LocalSystem, startLocally, submission } from '../blackbox/system.ts';
import { follow, type Told } from './events.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const END_MILLIS = 15_000;
const PATIENCE = 20_000;

let system: LocalSystem;
beforeAll(async () => {
  system = await startLocally({ WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,1,1,1,1' });
});
afterAll(() => system?.stop());

/** With any header, Host too; a path is the console's. */
async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const asked = request(new URL(path, system.console_url), { method, headers, agent: false });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(asked, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

const post = (path: string, body: unknown, headers = {}) =>
  ask('POST', path, { ...JSON_TYPE, ...headers }, body);

const setSwitch = (name: string, on: boolean) => post('/switches', { name, on });

function followed(): Told[] {
  const told: Told[] = [];
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  void (async () => {
    for await (const each of follow(system.console_url, leaving.signal)) told.push(each);
  })().catch(() => undefined);
  return told;
}

describe("a file of the console's page", () => {
  it.each([
    ['/', 'text/html; charset=utf-8', '<title>modelstudio-jobs'],
    ['/main.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/style.css', 'text/css; charset=utf-8', ':root'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
    ['/docs', 'text/html; charset=utf-8', 'POST /v1/jobs'],
  ])('%s is served as %s, and may load nothing from elsewhere', async (path, type, part) => {
    const { status, headers, body } = await ask('GET', path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(body).toContain(part);
  });

  it.each(['/nothing', '/index.html', '/../console.ts', '/%2e%2e/console.ts'])(
    '%s is not served',
    async (path) => {
      expect(await ask('GET', path)).toMatchObject({ status: 404 });
    },
  );
});

describe('a file that the page sends', () => {
  const send = (query: string, lines: string) =>
    fetch(new URL(`/upload?${query}`, system.console_url), { method: 'PUT', body: lines });

  it('is uploaded as the client, and is nobody else’s', async () => {
    const lines = '[{"role":"user","content":"Hello"}]\n';
    const sent = await send('client=second-app&format=jsonl', lines);
    const { upload_id } = (await sent.json()) as { upload_id: string };
    expect({ status: sent.status, upload_id }).toEqual({
      status: 201,
      upload_id: expect.stringMatching(/^upload_/),
    });
    const path = (client: string) => `/api/${client}/v1/uploads/${upload_id}`;
    expect(await ask('DELETE', path('first-app'), JSON_TYPE)).toMatchObject({ status: 404 });
    expect(await ask('DELETE', path('second-app'), JSON_TYPE)).toMatchObject({ status: 204 });
  });

  it.each([
    ['client=nobody&format=jsonl', 401],
    ['client=first-app&format=csv', 400],
  ])('is refused as the API says: %s', async (query, status) => {
    const answer = await send(query, '[]');
    expect(answer.status).toBe(status);
  });
});

describe('a request from another site', () => {
  const mine = () => new URL(system.console_url).host;
  const path = '/switches';
  const body = { name: 'receiver_down', on: false };
  const refused: [string, () => ReturnType<typeof ask>][] = [
    ['under a name of its own', () => ask('GET', '/setup', { host: 'rebound.example' })],
    [
      'to put something into the inbox, under a name of its own',
      () => ask('POST', '/inbox', { host: 'rebound.example' }, body),
    ],
    ['under the address at another port', () => ask('GET', '/setup', { host: '127.0.0.1:1' })],
    ['for the story, under a name of its own', () => ask('GET', '/events', { host: 'rebound.example' })],
    ['for the inbox, under a name of its own', () => ask('GET', '/inbox', { host: 'rebound.example' })],
    [
      'for the API, under a name of its own',
      () => ask('GET', '/api/first-app/v1/jobs', { host: 'rebound.example' }),
    ],
    ['from a foreign Origin', () => post(path, body, { origin: 'https://elsewhere.example' })],
    ['from another port of this machine', () => post(path, body, { origin: 'http://127.0.0.1:1' })],
    ['from a page without an origin', () => post(path, body, { origin: 'null' })],
    ['across sites', () => ask('GET', '/setup', { 'sec-fetch-site': 'cross-site' })],
    ['across ports', () => ask('GET', '/setup', { 'sec-fetch-site': 'same-site' })],
    [
      'to put something into the inbox',
      () => ask('POST', '/inbox', { 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' }, body),
    ],
    ['by a form', () => ask('POST', path, { 'content-type': 'text/plain' }, body)],
    ['by POST without a type', () => ask('POST', path, {}, body)],
  ];
  it.each(refused)('is refused: %s', async (_name, answer) => {
    expect(await answer()).toMatchObject({ status: 403, body: '' });
  });

  const taken: [string, () => ReturnType<typeof ask>][] = [
    ['its own page', () => post(path, body, { origin: `http://${mine()}`, 'sec-fetch-site': 'same-origin' })],
    [
      'its own page as localhost',
      () => ask('GET', '/setup', { host: mine().replace('127.0.0.1', 'localhost') }),
    ],
    [
      'whoever follows a link to it',
      () =>
        ask('GET', '/', {
          'sec-fetch-site': 'cross-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
        }),
    ],
    ['whoever types its address', () => ask('GET', '/', { 'sec-fetch-site': 'none' })],
  ];
  it.each(taken)('is not: %s', async (_name, answer) => {
    expect(await answer()).toMatchObject({ status: 200 });
  });
});

describe.skipIf(process.platform !== 'linux')('of all open ports,', () => {
  const ports = () => listeningAddresses(system.process.pid ?? 0).map((address) => `http://${address}`);
  const page = 'https://elsewhere.example';

  it('each is on this machine alone, and is named in the line of JSON', () => {
    const { api_url, console_url, modelstudio, aws } = system;
    const named = [api_url, console_url, modelstudio.base_url, ...Object.values(aws)];
    expect(ports().sort()).toEqual([...new Set(named.map((url) => new URL(url).origin))].sort());
  });

  const strangers: [string, string, Record<string, string>][] = [
    ['a request with another Host', 'GET', { host: 'rebound.example' }],
    ['a request with the Host of another port', 'GET', { host: '127.0.0.1:1' }],
    ['a POST with another Host', 'POST', { host: 'rebound.example', ...JSON_TYPE }],
    ['a page of another origin', 'POST', { origin: page, 'content-type': 'text/plain' }],
    ['a page of another origin that reads', 'GET', { origin: page }],
    ['a page without an origin', 'POST', { origin: 'null', 'content-type': 'text/plain' }],
    ['a page of another port', 'POST', { origin: 'http://127.0.0.1:1', ...JSON_TYPE }],
    ['a picture in another page', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a page of another port that reads', 'GET', { 'sec-fetch-site': 'same-site' }],
    ['a page that asks first', 'OPTIONS', { origin: page, 'access-control-request-method': 'POST' }],
  ];
  it.each(strangers)('none answers a request with %s', async (_name, method, headers) => {
    for (const path of ['/', '/inbox', '/v1/health', '/_fauxqs/queues']) {
      for (const port of ports()) {
        const answer = await ask(method, port + path, headers);
        expect(answer, port + path).toMatchObject({ status: 403, body: '' });
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    }
  });

  it('none allows a page of another origin to read its answers', async () => {
    for (const port of ports()) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { headers } = await ask(method, port, { origin: port, ...JSON_TYPE });
        expect(
          Object.keys(headers).filter((name) => name.startsWith('access-control-')),
          port,
        ).toEqual([]);
      }
    }
  });
});

describe('the console answers a request', () => {
  const asked: [string, () => ReturnType<typeof ask>, number][] = [
    ['an unknown switch', () => setSwitch('gravity', true), 404],
    ['a switch called as what all objects have', () => setSwitch('constructor', true), 404],
    ['a body that is not JSON', () => ask('POST', '/switches', JSON_TYPE), 400],
    ['an unknown client', () => ask('GET', '/api/nobody/v1/jobs'), 404],
    ['a client called as what all objects have', () => ask('GET', '/api/constructor/v1/jobs'), 404],
    ['a path that is not the API’s', () => ask('GET', '/api/first-app/v2/jobs'), 404],
    ['an unknown language', () => post('/snippet', { language: 'cobol', kind: 'submit', request: {} }), 404],
    [
      'a language that cannot do it',
      () => post('/snippet', { language: 'curl', kind: 'receive', request: {} }),
      404,
    ],
    ['a snippet', () => post('/snippet', { language: 'python', kind: 'submit', request: {} }), 200],
    ['a refusal of the API', () => post('/api/first-app/v1/jobs', {}), 400],
    ['a body of more than 16 MiB', () => post('/api/first-app/v1/jobs', { pad: 'x'.repeat(17 << 20) }), 413],
    ['another method of the inbox', () => ask('PUT', '/inbox'), 405],
  ];
  it.each(asked)('with its status: %s', async (_name, answer, status) => {
    expect(await answer()).toMatchObject({ status });
  });
});

it('the event stream gives the story so far, then each event, with what was submitted through the console, and never a key', async () => {
  const told = followed();
  await vi.waitFor(() => expect(told).toHaveLength(1), PATIENCE);
  expect(told[0]).toMatchObject({ name: 'snapshot', data: expect.any(Array) });

  const body = { ...submission('sandbox-instant', 'hello'), webhook_url: system.webhook_inbox_url };
  const created = await post('/api/second-app/v1/jobs', body, { 'idempotency-key': 'once' });
  expect(created).toMatchObject({ status: 202 });
  const { job_id } = JSON.parse(created.body);
  const repeated = await post('/api/second-app/v1/jobs', body, { 'idempotency-key': 'once' });
  expect(JSON.parse(repeated.body)).toMatchObject({ job_id });
  const direct = await call(system, 'POST', '/v1/jobs', submission('sandbox-instant', 'hello'));

  const stagesOf = (jobId: string, events: object[]) =>
    (events as { job_id?: string; type: string; stage?: string }[])
      .filter((event) => event.job_id === jobId)
      .map(({ stage, type }) => stage ?? type)
      .filter((stage) => stage !== 'poll');
  const events = () => told.slice(1).map(({ data }) => data);
  const stages = ['deliver', 'finish', 'submit', 'webhook'];
  await vi.waitFor(() => expect(stagesOf(job_id, events()).sort()).toEqual(stages), PATIENCE);

  const again = followed();
  await vi.waitFor(() => expect(again).toHaveLength(1), PATIENCE);
  expect(stagesOf(job_id, again[0]?.data as object[])).toEqual(stagesOf(job_id, events()));

  expect(JSON.parse((await ask('GET', `/request?job_id=${job_id}`)).body)).toEqual(body);
  expect(JSON.parse((await ask('GET', `/request?job_id=${direct.json.job_id}`)).body)).toBeNull();

  const said = await Promise.all([
    ...['/', '/setup', '/docs', '/inbox', `/request?job_id=${job_id}`].map((path) => ask('GET', path)),
    ...['/jobs', `/jobs/${job_id}`, `/jobs/${job_id}/deliveries`].map((path) =>
      ask('GET', `/api/second-app/v1${path}`),
    ),
    post('/snippet', { language: 'curl', kind: 'submit', request: body }),
  ]);
  for (const { status } of said) expect(status).toBe(200);
  const all = JSON.stringify([said, told, again]);
  for (const secret of [
    ...system.client_keys,
    system.read_only_key,
    ...system.webhook_secrets,
    system.modelstudio.api_key,
  ])
    expect(all).not.toContain(secret);
});

it('the inbox accepts webhooks by POST, shows them by GET, and refuses them while the receiver is down', async () => {
  const received = async () => JSON.parse((await ask('GET', '/inbox')).body).received;
  const before = (await received()).length;
  expect(await post('/inbox', { of: 'nobody' })).toMatchObject({ status: 204 });
  const [last] = (await received()).slice(before);
  expect(Object.keys(last)).toEqual(['at', 'headers', 'body', 'verified']);
  expect(last).toMatchObject({ headers: JSON_TYPE, body: '{"of":"nobody"}', verified: false });

  const told = followed();
  expect(JSON.parse((await setSwitch('receiver_down', true)).body)).toMatchObject({ receiver_down: true });
  expect(await post('/inbox', {})).toMatchObject({ status: 503 });
  await setSwitch('receiver_down', false);
  expect(await post('/inbox', {})).toMatchObject({ status: 204 });
  expect(await received()).toHaveLength(before + 2);
  const switched = { name: 'event', data: { type: 'switches', switches: { receiver_down: false } } };
  await vi.waitFor(() => expect(told.at(-2)).toMatchObject(switched), PATIENCE);
});

it('the system ends within two seconds of Ctrl-C, although somebody follows the events', async () => {
  const told = followed();
  await vi.waitFor(() => expect(told).toHaveLength(1), PATIENCE);
  const ended = once(system.process, 'exit');
  system.process.kill('SIGINT');
  const late = sleep(END_MILLIS, ['late'], { ref: false });
  expect(await Promise.race([ended, late])).toEqual([0, null]);
});
