import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Submission } from '../../functions/core/http/submission.ts';
import { createModelStudio, type ModelStudioSettings } from '../../functions/edge/modelstudio.ts';
import { refusingPort, serveHttp, serveRaw, signal, type TestServer } from './servers.ts';

const NOW = Date.UTC(2026, 0, 1);
const UP1 = { jobId: 'job_1', upstreamJobId: 'up-1', totalTasks: 1 };
const LIMITS = { deadlineMillis: 60_000, maxBytes: 10_000 };

const submission: Submission = {
  model_id: 'm/1',
  messages: [[{ role: 'user', content: 'héllo' }]],
  temperature: 0.7,
  max_tokens: 512,
  webhook_url: 'https://hooks.example.com/h',
  metadata: { private: 'yes' },
  expires_in: 600,
  on_unknown: 'fail',
  task_retries: 0,
};

/** A key that is read anew is the next one. */
function keys(...values: string[]) {
  const reads: boolean[] = [];
  let current = 0;
  return {
    reads,
    async get(isStale: boolean) {
      reads.push(isStale);
      if (isStale) current++;
      return values[current] ?? 'none';
    },
  };
}

function studioAt(url: URL, changes: Partial<ModelStudioSettings> = {}) {
  return createModelStudio({
    baseUrl: url.origin,
    organizationId: 'org_1',
    apiKey: keys('key-1', 'key-2'),
    clock: { now: () => NOW },
    ...changes,
  });
}

interface Seen {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that gives its answers one by one, the last one again and again. */
async function answering(...answers: [status: number, body?: unknown, headers?: Record<string, string>][]) {
  const seen: Seen[] = [];
  const listener: RequestListener = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const { method, url: path, headers } = request;
    const [status, answer = {}, extra] = answers[Math.min(seen.length, answers.length - 1)] ?? [500];
    seen.push({ method, path, headers, body });
    response.writeHead(status, extra).end(JSON.stringify(answer));
  };
  return { seen, ...(await serveHttp(listener)) };
}

const created = [200, { job_id: 'up-1', status: 'CREATED', message: 'ok' }] as const;
const report = {
  job_id: 'up-1',
  job_status: 'completed',
  completed_tasks: 1,
  results: [{ task_index: 0, result: 'r' }],
};
const completed = { kind: 'completed' };
const refused = (cause: string, sentence: string | null) => ({ kind: 'refused', cause, sentence });

afterEach(() => {
  vi.useRealTimers();
});

describe('create', () => {
  it('sends what the submission says, and nothing else', async () => {
    const { url, seen } = await answering([...created]);
    expect(await studioAt(url).create(submission, UP1)).toEqual({ kind: 'created', upstreamJobId: 'up-1' });
    const [{ headers, body, ...head } = {} as Seen] = seen;
    expect(head).toEqual({ method: 'POST', path: '/api/v1/organizations/org_1/generate' });
    expect(headers).toMatchObject({ authorization: 'Bearer key-1', 'content-type': 'application/json' });
    const { model_id, messages, temperature, max_tokens } = submission;
    expect(JSON.parse(body)).toEqual({ model_id, messages, temperature, max_tokens });
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  });

  it.each([
    ['a slash at its end', '/', 'org_1', '/api/v1/organizations/org_1/generate'],
    ['a path', '/proxy/', 'org_1', '/proxy/api/v1/organizations/org_1/generate'],
    ['the path of its API', '/api/v1', 'org_1', '/api/v1/organizations/org_1/generate'],
    [
      'the path of its API behind another',
      '/proxy/api/v1/',
      'org_1',
      '/proxy/api/v1/organizations/org_1/generate',
    ],
    ['an organization of any characters', '', 'a/b?c', '/api/v1/organizations/a%2Fb%3Fc/generate'],
  ])('works with a base URL with %s', async (_what, suffix, organizationId, path) => {
    const { url, seen } = await answering([...created]);
    await studioAt(url, { baseUrl: url.origin + suffix, organizationId }).create(submission, UP1);
    expect(seen[0]?.path).toBe(path);
  });

  it.each<[what: string, status: number, body: unknown, headers: Record<string, string>, creation: object]>([
    ['403', 403, {}, {}, { kind: 'credentials_refused', sentence: null }],
    ['404', 404, { error: 'No model m/1.' }, {}, { kind: 'model_not_found' }],
    ['402', 402, { detail: 'No credit left.' }, {}, refused('status_402', 'No credit left.')],
    ['429', 429, {}, { 'retry-after': '7' }, { kind: 'unavailable', retryAfterSeconds: 7 }],
    ['503', 503, {}, {}, { kind: 'unavailable', retryAfterSeconds: null }],
    ['500', 500, {}, {}, { kind: 'unknown', cause: 'status_500' }],
    ['a redirect', 307, {}, { location: '/elsewhere' }, refused('redirect', null)],
    ['invalid_response', 200, 'created!', {}, { kind: 'unknown', cause: 'invalid_response' }],
    [
      'a flood',
      200,
      { job_id: 'up-1', pad: 'x'.repeat(2 ** 21) },
      {},
      { kind: 'unknown', cause: 'invalid_response' },
    ],
  ])('is called once, whatever the answer: %s', async (_what, status, body, headers, creation) => {
    const { url, seen } = await answering([status, body, headers]);
    expect(await studioAt(url).create(submission, UP1)).toEqual(creation);
    expect(seen.length).toBe(1);
  });

  it('counts as not made when no connection could be established', async () => {
    const url = new URL(`http://127.0.0.1:${await refusingPort()}`);
    expect(await studioAt(url).create(submission, UP1)).toEqual({
      kind: 'unavailable',
      retryAfterSeconds: null,
    });
  });

  it('counts as perhaps made when the connection is cut, and is not repeated', async () => {
    let requests = 0;
    const { url } = await serveRaw((socket) => {
      requests++;
      socket.destroy();
    });
    expect(await studioAt(url).create(submission, UP1)).toEqual({ kind: 'unknown', cause: 'cut' });
    expect(requests).toBe(1);
  });

  it('counts as perhaps made when no answer comes within 20 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const { url } = await serveRaw(() => there.resolve());
    const creation = studioAt(url).create(submission, UP1);
    await there.promise;
    vi.advanceTimersByTime(20_000);
    expect(await creation).toEqual({ kind: 'unknown', cause: 'timeout' });
  });

  it('has a new connection of its own, whichever are open', async () => {
    const { url, connections } = await answering([200, report], [...created], [200, report]);
    const studio = studioAt(url);
    await studio.report(UP1, LIMITS);
    await studio.create(submission, UP1);
    expect(connections()).toBe(2);
    await studio.report(UP1, LIMITS);
    expect(connections()).toBe(2);
  });
});

it('a create is read to its job id, however much is said besides', async () => {
  const { url } = await answering([200, { echo: 'e'.repeat(1_000_000), job_id: 'up-1' }]);
  expect(await studioAt(url).create(submission, UP1)).toEqual({ kind: 'created', upstreamJobId: 'up-1' });
});

describe('an API key that ModelStudio refuses', () => {
  const authorizations = ({ seen }: { seen: Seen[] }) => seen.map(({ headers }) => headers.authorization);

  it('is read again once, and the create is made again once', async () => {
    const apiKey = keys('old', 'new');
    const server = await answering([401], [...created]);
    expect(await studioAt(server.url, { apiKey }).create(submission, UP1)).toMatchObject({ kind: 'created' });
    expect(authorizations(server)).toEqual(['Bearer old', 'Bearer new']);
    expect(server.seen[1]?.body).toBe(server.seen[0]?.body);
    expect(apiKey.reads).toEqual([false, true]);
  });

  it('is read again once, and the poll is made again once', async () => {
    const apiKey = keys('old', 'new');
    const server = await answering([401], [200, report]);
    expect(await studioAt(server.url, { apiKey }).report(UP1, LIMITS)).toMatchObject(completed);
    expect(authorizations(server)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('is not read again when it is refused a second time', async () => {
    const apiKey = keys('old', 'new', 'newer');
    const server = await answering([401]);
    const studio = studioAt(server.url, { apiKey });
    expect(await studio.create(submission, UP1)).toEqual({ kind: 'credentials_refused', sentence: null });
    expect(authorizations(server)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('is reported as refused when a second poll is refused, too', async () => {
    const { url, seen } = await answering([401]);
    const trouble = { kind: 'transient_error', cause: 'unauthorized', retryAfterSeconds: 0 };
    expect(await studioAt(url).report(UP1, LIMITS)).toEqual(trouble);
    expect(seen.length).toBe(2);
  });

  it('leaves the second create only the time that is left of both', async () => {
    const clock = { time: NOW, now: () => clock.time };
    const deadlines: number[] = [];
    const exchange = async ({ deadlineMillis }: { deadlineMillis: number }) => {
      deadlines.push(deadlineMillis);
      clock.time += 5000;
      return {
        kind: 'answered',
        status: 401,
        headers: {},
        body: Buffer.alloc(0),
        isTruncated: false,
      } as const;
    };
    await studioAt(new URL('http://localhost'), { clock, exchange }).create(submission, UP1);
    expect(deadlines).toEqual([20_000, 15_000]);
  });

  it('is not used again when it was read too late to wait for an answer', async () => {
    const server = await answering([401], [...created]);
    const clock = { time: NOW, now: () => clock.time };
    const apiKey = {
      async get(isStale: boolean) {
        if (isStale) clock.time += 19_500;
        return 'key-1';
      },
    };
    const creation = await studioAt(server.url, { apiKey, clock }).create(submission, UP1);
    expect(creation).toEqual({ kind: 'credentials_refused', sentence: null });
    expect(server.seen.length).toBe(1);
  });

  it('is not read again when its refusal took all of the time', async () => {
    const server = await answering([401]);
    const clock = { time: NOW, now: () => clock.time };
    const apiKey = {
      async get() {
        clock.time += 4500;
        return 'key-1';
      },
    };
    const asked = studioAt(server.url, { apiKey, clock }).report(UP1, { ...LIMITS, deadlineMillis: 9000 });
    expect(await asked).toMatchObject({ kind: 'transient_error', cause: 'unauthorized' });
    expect(server.seen.length).toBe(1);
  });

  it('is a fault of ours when it is first read too late, and nothing is sent', async () => {
    const server = await answering([...created]);
    const clock = { time: NOW, now: () => clock.time };
    const apiKey = {
      async get() {
        clock.time += 19_500;
        return 'key-1';
      },
    };
    await expect(studioAt(server.url, { apiKey, clock }).create(submission, UP1)).rejects.toThrow('too late');
    expect(server.seen).toEqual([]);
  });

  it('is a fault of ours when it cannot be read', async () => {
    const { url, seen } = await answering([...created]);
    const apiKey = {
      get: async () => {
        throw new Error('no secret');
      },
    };
    await expect(studioAt(url, { apiKey }).create(submission, UP1)).rejects.toThrow('no secret');
    expect(seen).toEqual([]);
  });
});

describe('report', () => {
  it('asks for one job', async () => {
    const { url, seen } = await answering([200, report]);
    expect(await studioAt(url).report(UP1, LIMITS)).toMatchObject(completed);
    expect(seen).toMatchObject([
      { method: 'GET', path: '/api/v1/organizations/org_1/generate/up-1', body: '' },
    ]);
  });

  it('asks for a job whose id has any characters', async () => {
    const { url, seen } = await answering([404]);
    expect(await studioAt(url).report({ ...UP1, upstreamJobId: '../a?b#c' }, LIMITS)).toEqual({
      kind: 'missing',
      isGone: false,
    });
    expect(seen[0]?.path).toBe('/api/v1/organizations/org_1/generate/..%2Fa%3Fb%23c');
  });

  it('is too large when it is longer than the limit', async () => {
    const { url } = await answering([200, { ...report, pad: 'x'.repeat(10_000) }]);
    expect(await studioAt(url).report(UP1, LIMITS)).toEqual({ kind: 'too_large' });
  });

  const text = JSON.stringify(report);
  it.each<[what: string, encoding: string | null, body: Buffer]>([
    ['gzip', 'gzip', gzipSync(text)],
    ['gzip by another name', 'X-GZIP', gzipSync(text)],
    ['gzip that nobody speaks of', null, gzipSync(text)],
    ['deflate', 'deflate', deflateSync(text)],
    ['deflate without its header', 'deflate', deflateRawSync(text)],
    ['br', 'br', brotliCompressSync(text)],
    ['nothing, though gzip is said', 'gzip', Buffer.from(text)],
    ['identity', 'identity', Buffer.from(text)],
  ])('is read when it is compressed by %s', async (_what, encoding, body) => {
    const headers = encoding === null ? {} : { 'content-encoding': encoding };
    const { url } = await serveHttp((_request, response) => response.writeHead(200, headers).end(body));
    expect(await studioAt(url).report(UP1, LIMITS)).toMatchObject(completed);
  });

  it('has the same limit when it is compressed', async () => {
    const body = gzipSync(JSON.stringify({ ...report, pad: 'x'.repeat(10_000) }));
    const { url } = await serveHttp((_request, response) => response.writeHead(200).end(body));
    expect(await studioAt(url).report(UP1, LIMITS)).toEqual({ kind: 'too_large' });
  });

  it('keeps its connection open', async () => {
    const { url, connections } = await answering([200, report]);
    const studio = studioAt(url);
    for (let i = 0; i < 3; i++) await studio.report(UP1, LIMITS);
    expect(connections()).toBe(1);
  });

  /** Answers the first request on each connection and cuts it at the second, as a server does that was restarted. */
  async function cuttingKept(): Promise<TestServer & { requests(): number }> {
    let requests = 0;
    const answered = new WeakSet<object>();
    const server = await serveRaw((socket) => {
      requests++;
      if (answered.has(socket)) return void socket.resetAndDestroy();
      answered.add(socket);
      const body = JSON.stringify(report);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    return { ...server, requests: () => requests };
  }

  it('asks again, once, when a connection that was kept has died', async () => {
    const { url, requests } = await cuttingKept();
    const studio = studioAt(url);
    expect(await studio.report(UP1, LIMITS)).toMatchObject(completed);
    expect(await studio.report(UP1, LIMITS)).toMatchObject(completed);
    expect(requests()).toBe(3);
  });

  it('does not ask without end', async () => {
    let requests = 0;
    const { url } = await serveRaw((socket) => {
      requests++;
      socket.destroy();
    });
    const trouble = { kind: 'transient_error', cause: 'cut', retryAfterSeconds: 0 };
    expect(await studioAt(url).report(UP1, LIMITS)).toEqual(trouble);
    expect(requests).toBe(2);
  });

  it('does not ask again when the answer is not HTTP', async () => {
    let requests = 0;
    const { url } = await serveRaw((socket) => {
      requests++;
      socket.end('nonsense\r\n\r\n');
    });
    expect(await studioAt(url).report(UP1, LIMITS)).toMatchObject({ kind: 'transient_error', cause: 'cut' });
    expect(requests).toBe(1);
  });

  it('gives up at the deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const { url } = await serveRaw(() => there.resolve());
    const pending = studioAt(url).report(UP1, LIMITS);
    await there.promise;
    vi.advanceTimersByTime(60_000);
    expect(await pending).toEqual({ kind: 'too_slow' });
  });

  it('is unavailable when no connection can be established', async () => {
    const url = new URL(`http://127.0.0.1:${await refusingPort()}`);
    expect(await studioAt(url).report(UP1, LIMITS)).toMatchObject({
      kind: 'transient_error',
      cause: 'not_connected',
    });
  });
});
