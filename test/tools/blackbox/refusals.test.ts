import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROUTES } from '../../../functions/core/http/routes.ts';
import openApi from '../../../functions/jobs/openapi.json' with { type: 'json' };
import { call, type LocalSystem, startLocally, submission } from './system.ts';

const UNKNOWN_JOB = 'job_00000000000000000000000000';
const ofOne = ROUTES.filter(({ path }) => path.includes('*')).map(({ method, path }) => ({
  method,
  path,
  code: path.includes('uploads') ? 'upload_not_found' : 'not_found',
}));

let system: LocalSystem;
/** One that has ended and one that never will, each with a webhook. */
let jobs: { ended: string; running: string };

beforeAll(async () => {
  system = await startLocally();
  const submit = async (model: string) => {
    const body = { ...submission(model, 'hi'), webhook_url: system.webhook_inbox_url };
    return (await call(system, 'POST', '/v1/jobs', body)).json.job_id;
  };
  jobs = { ended: await submit('sandbox-instant'), running: await submit('sandbox-never') };
  const patience = { timeout: 30_000, interval: 100 };
  await vi.waitFor(async () => expect((await jobNow('ended')).webhook.status).toBe('delivered'), patience);
});

afterAll(() => system?.stop());

async function jobNow(which: keyof typeof jobs) {
  return (await call(system, 'GET', `/v1/jobs/${jobs[which]}`)).json;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends the path as it is, which `fetch` would tidy up. */
function send(
  method: string,
  path: string,
  { key = system.client_keys[0], headers = {}, body = '' }: Partial<Sent> = {},
): Promise<Answer> {
  const { hostname, port } = new URL(system.api_url);
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${key}`, 'content-length': Buffer.byteLength(body), ...headers };
    const outgoing = httpRequest({ hostname, port, method, path, headers: all });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      const text = (await response.setEncoding('utf8').toArray()).join('');
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    outgoing.end(body);
  });
}

interface Sent {
  key: string;
  headers: Record<string, string>;
  body: string | Buffer;
}

/** All of an answer but what differs from one to the next. */
function lasting({ status, headers, text }: Answer) {
  const { date, ...kept } = headers;
  return { status, headers: kept, text: text.replace(/"request_id":"[^"]+"/, '') };
}

function expectProblem({ status, headers, text }: Answer, wanted: number, code: string): void {
  expect([status, headers['content-type']], text).toEqual([wanted, 'application/problem+json']);
  expect(JSON.parse(text)).toMatchObject({ status, code, request_id: expect.stringMatching(/^.{8,}$/) });
}

it('nothing but two paths is open without a key', async () => {
  for (const { method, path, scope } of ROUTES) {
    const address = path.replace('*', jobs.ended);
    for (const key of ['', 'nonsense', system.revoked_key]) {
      const answer = await send(method, address, { key });
      if (scope === null) expect([address, answer.status]).toEqual([address, 200]);
      else expectProblem(answer, 401, 'unauthenticated');
    }
  }
  const open = await Promise.all(
    ['/v1/health', '/v1/openapi.json'].map((path) => send('GET', path, { key: '' })),
  );
  expect(open.map(({ text }) => JSON.parse(text))).toEqual([{ status: 'ok' }, openApi]);
});

describe("another client's job", () => {
  it.each(ofOne)('looks to $method $path as if it never existed', async ({ method, path, code }) => {
    for (const job of Object.values(jobs)) {
      const [key = ''] = system.client_keys.slice(1);
      const foreign = await send(method, path.replace('*', job), { key });
      const unknown = await send(method, path.replace('*', UNKNOWN_JOB), { key });
      expectProblem(foreign, 404, code);
      expect(lasting(foreign)).toEqual(lasting(unknown));
    }
    expect((await jobNow('running')).status).toBe('running');
    expect((await jobNow('ended')).webhook.attempts).toBe(1);
  });
});

describe('a key with the scope jobs:read alone', () => {
  it.each(ofOne)('may $method $path only if that changes nothing', async ({ method, path }) => {
    for (const job of [...Object.values(jobs), UNKNOWN_JOB]) {
      const answer = await send(method, path.replace('*', job), { key: system.read_only_key });
      if (method !== 'GET') expectProblem(answer, 403, 'insufficient_scope');
      else expect(answer.status).not.toBe(403);
    }
    expect((await send('GET', '/v1/jobs', { key: system.read_only_key })).status).toBe(200);
    expect((await jobNow('running')).status).toBe('running');
  });
});

describe('an odd address', () => {
  it.each([
    '/',
    '*',
    '/v1',
    '/v2/jobs',
    '/V1/jobs',
    '/v1/Jobs',
    '/v1/jobs/',
    '//v1/jobs',
    '/v1//jobs',
    '/v1/./jobs',
    '/v1/jobs/../jobs',
    '/v1/jobs/%2e%2e',
    '/v1/jobs/..%2f..',
    '/v1/jobs;limit=1',
    '/v1/jobs%3Flimit=1',
    '/v1/jobs/*',
    '/v1/jobs/%',
    '/v1/jobs/%25',
    '/v1/jobs/%00',
    '/v1/jobs/%c3%28',
    `/v1/jobs/${'a'.repeat(129)}`,
    `/v1/jobs/${'a'.repeat(5000)}`,
    '/v1/jobs/JOB%00',
    '/v1/jobs/JOB%20',
    '/v1/jobs/JOB/',
    '/v1/jobs/JOB/nothing',
    '/v1/jobs/JOB/results/0',
    '/v1/jobs/JOB/Cancel',
    '/v1/health/',
    '/v1/openapi.yaml',
  ])('is not found: %s', async (path) => {
    const address = path.replace('JOB', jobs.ended);
    for (const method of ['GET', 'POST']) expectProblem(await send(method, address), 404, 'not_found');
    expectProblem(await send('GET', address, { key: 'nobody' }), 401, 'unauthenticated');
  });

  it.each([
    ['/v1/jobs', ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'], 'POST, GET, HEAD'],
    ['/v1/jobs/JOB', ['POST', 'PUT', 'PATCH', 'OPTIONS'], 'GET, HEAD, DELETE'],
    ['/v1/jobs/JOB/results', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/v1/jobs/JOB/deliveries', ['POST', 'DELETE'], 'GET, HEAD'],
    ['/v1/jobs/JOB/cancel', ['HEAD', 'GET', 'PUT', 'DELETE', 'OPTIONS'], 'POST'],
    ['/v1/jobs/JOB/redeliver', ['HEAD', 'GET', 'PUT', 'DELETE', 'OPTIONS'], 'POST'],
    ['/v1/health', ['POST', 'OPTIONS'], 'GET, HEAD'],
    ['/v1/openapi.json', ['POST', 'OPTIONS'], 'GET, HEAD'],
  ])('does not allow the method: %s %j', async (path, methods, allow) => {
    for (const method of methods) {
      const answer = await send(method, path.replace('JOB', jobs.running));
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, allow]);
      if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed');
      // It is no secret to those alone who may come in.
      expect((await send(method, path, { key: 'nobody' })).status).toBe(401);
    }
    expect((await jobNow('running')).status).toBe('running');
  });
});

it('HEAD is answered like GET, without the body', async () => {
  const keys = [system.client_keys[0], system.read_only_key, 'nobody'];
  for (const { path } of ROUTES.filter(({ method }) => method === 'GET')) {
    const address = path.replace('*', jobs.ended);
    for (const key of keys) {
      const [got, head] = [await send('GET', address, { key }), await send('HEAD', address, { key })];
      expect([address, head.status, head.text]).toEqual([address, got.status, '']);
      expect(head.headers['content-type']).toBe(got.headers['content-type']);
    }
  }
});

it('every answer forbids to guess its content type', async () => {
  for (const path of ['/v1/health', '/v1/jobs', '/v1/nowhere', `/v1/jobs/${jobs.ended}/results`]) {
    expect((await send('GET', path)).headers['x-content-type-options']).toBe('nosniff');
  }
});

it.each(['__proto__', 'constructor', '-', '0', 'a'.repeat(128), 'UPPER'])(
  'no job is called %s',
  async (name) => {
    const jobId = name === 'UPPER' ? jobs.ended.toUpperCase() : name;
    for (const { method, path, code } of ofOne) {
      expectProblem(await send(method, path.replace('*', jobId)), 404, code);
    }
  },
);

describe('an odd query', () => {
  it.each([
    ['names by the thousand', Array.from({ length: 2000 }, (_, i) => i.toString(36)).join('&')],
    ['one name a thousand times', 'limit=1&'.repeat(1000)],
    ['a long name', 'x'.repeat(8000)],
    ['a long value', `cursor=${'9'.repeat(8000)}`],
    ['broken percent-encoding', '%=%&%E0%A4%A=1'],
    ['half a character', 'status=%ED%A0%80'],
    ['control characters', '%00=%0d%0a'],
  ])('is refused in few words: %s', async (_what, query) => {
    const answer = await send('GET', `/v1/jobs?${query}`);
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.text.length).toBeLessThan(20_000);
  });

  it('is ignored where no query is expected', async () => {
    const path = `/v1/jobs/${jobs.ended}`;
    expect((await send('GET', `${path}?status=failed&status`)).text).toBe((await send('GET', path)).text);
    expectProblem(await send('POST', `${path}/cancel?force=true`), 409, 'not_cancellable');
  });

  it('is refused by the gateway if it is longer than that accepts', async () => {
    expect((await send('GET', `/v1/jobs?${'x'.repeat(20_000)}`)).status).toBe(431);
  });
});

it('a job without a webhook cannot be redelivered', async () => {
  const { json } = await call(system, 'POST', '/v1/jobs', submission('sandbox-never', 'no webhook'));
  const to = (verb: string) => send('POST', `/v1/jobs/${json.job_id}/${verb}`);
  expectProblem(await to('redeliver'), 409, 'not_finished');
  expect((await to('cancel')).status).toBe(200);
  expectProblem(await to('redeliver'), 409, 'not_redeliverable');
  const deliveries = await send('GET', `/v1/jobs/${json.job_id}/deliveries`);
  expect(JSON.parse(deliveries.text)).toEqual({ deliveries: [] });
});

describe('a body where none is needed', () => {
  const json = { 'content-type': 'application/json' };
  it.each<[what: string, headers: Record<string, string>, body: string | Buffer, status: number]>([
    ['with a member that means nothing', json, '{"force":true}', 400],
    ['that is cut off', json, '{"force":', 400],
    ['nested without end', json, '['.repeat(100_000), 400],
    ['of another type', { 'content-type': 'text/xml' }, '<force/>', 415],
    ['that is said to be packed', { ...json, 'content-encoding': 'gzip' }, 'not packed', 415],
    ['of bytes', { 'content-type': 'application/octet-stream' }, Buffer.from([0xff, 0xfe, 0x00]), 415],
    ['of 5 MB', json, 'x'.repeat(5_000_000), 413],
    ['to be read as another method', { ...json, 'x-http-method-override': 'GET' }, 'x', 400],
  ])('is refused, and changes nothing: %s', async (_what, headers, body, status) => {
    const code = { 400: 'invalid_request', 413: 'too_large', 415: 'unsupported_media_type' }[status] ?? '';
    const before = await jobNow('running');
    for (const verb of ['cancel', 'redeliver']) {
      for (const jobId of [jobs.running, jobs.ended]) {
        expectProblem(await send('POST', `/v1/jobs/${jobId}/${verb}`, { headers, body }), status, code);
      }
      const elsewhere = await send('POST', `/v1/jobs/job_none/${verb}`, { headers, body });
      expectProblem(elsewhere, 404, 'not_found');
    }
    expect((await jobNow('running')).status).toBe(before.status);
  });

  it.each<[headers: Record<string, string>, body: string]>([
    [json, '{}'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, '{}'],
    [{}, ' \n'],
  ])('may be empty, whatever its type: %j %j', async (headers, body) => {
    const to = (jobId: string, verb: string) => send('POST', `/v1/jobs/${jobId}/${verb}`, { headers, body });
    expectProblem(await to(jobs.ended, 'cancel'), 409, 'not_cancellable');
    expectProblem(await to(jobs.running, 'redeliver'), 409, 'not_finished');
  });

  it('is refused by the gateway if it is larger than that accepts', async () => {
    const body = 'x'.repeat(8_000_000);
    expect((await send('POST', `/v1/jobs/${jobs.running}/cancel`, { body })).status).toBe(413);
    expect((await jobNow('running')).status).toBe('running');
  });
});
