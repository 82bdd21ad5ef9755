import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Request } from '../../functions/core/http/request-answer.ts';
import { lambdaHttp } from '../../functions/edge/lambda-http.ts';
import { log, logger } from '../../functions/edge/log.ts';

interface EventParts {
  method?: string;
  path?: string;
  body?: string;
  isBase64Encoded?: boolean;
}

/** As API Gateway's HTTP API makes it, payload format 2.0. */
function event({ method = 'POST', path = '/v1/jobs', body, isBase64Encoded = false }: EventParts) {
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: 'limit=2&cursor=a%20b',
    headers: { 'content-type': 'application/json' },
    requestContext: { requestId: 'req-1', http: { method, path: `/stage${path}` } },
    isBase64Encoded,
    ...(body !== undefined && { body }),
  } as unknown as APIGatewayProxyEventV2;
}

let logged: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  logged = vi.spyOn(logger, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('a request', () => {
  it.each<[what: string, parts: EventParts, body: string]>([
    ['with text', { body: '{"a":"é😀"}' }, '{"a":"é😀"}'],
    ['with bytes', { body: Buffer.from('é😀').toString('base64'), isBase64Encoded: true }, 'é😀'],
    ['without a body', {}, ''],
    ['with a path that is escaped', { path: '/v1/jobs/%2e%2e' }, ''],
  ])('%s is passed on unchanged', async (_what, parts, body) => {
    let seen: Request | undefined;
    const handler = lambdaHttp(async (request) => {
      seen = request;
      return { status: 202, headers: { a: 'b' }, body: 'c' };
    });
    const headers = { a: 'b', 'x-content-type-options': 'nosniff' };
    expect(await handler(event(parts))).toEqual({ statusCode: 202, headers, body: 'c' });
    expect(seen).toEqual({
      method: 'POST',
      query: 'limit=2&cursor=a%20b',
      path: parts.path ?? '/v1/jobs',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(body),
      requestId: 'req-1',
    });
  });
});

it('a HEAD request is answered without the body', async () => {
  const handler = lambdaHttp(async () => ({ status: 200, headers: { a: 'b' }, body: 'c' }));
  const answer = await handler(event({ method: 'HEAD' }));
  expect(answer).toMatchObject({ statusCode: 200, headers: { a: 'b' }, body: '' });
});

describe('an event that did not come from the gateway', () => {
  it.each<[what: string, event: unknown]>([
    ['an empty one', {}],
    ['none', null],
    ['without its method', { requestContext: {} }],
    ['of nulls', { rawPath: null, rawQueryString: null, headers: null, body: null, requestContext: null }],
    ['of a queue', { Records: [{ body: '{}' }] }],
    ['of a schedule', { 'detail-type': 'Scheduled Event', detail: {} }],
  ])('is answered like a request without a path: %s', async (_what, odd) => {
    const handler = lambdaHttp(async ({ method, path, headers, body, requestId }) => ({
      status: 401,
      headers: {},
      body: JSON.stringify([method, path, headers, String(body), requestId]),
    }));
    const { statusCode, body } = await handler(odd as APIGatewayProxyEventV2);
    expect([statusCode, body]).toEqual([401, '["","",{},"",""]']);
  });
});

it.each([5, {}, ['a'], true])('a body that is no text counts as unreadable: %j', async (odd) => {
  const handler = lambdaHttp(async ({ body }) => ({
    status: 400,
    headers: {},
    body: String(body.length > 0),
  }));
  expect(await handler({ body: odd } as never)).toMatchObject({ statusCode: 400, body: 'true' });
});

describe('refused requests', () => {
  it('are logged in one line a minute, however many there are', async () => {
    vi.useFakeTimers({ now: 1_000_000_000 });
    const lines = vi.spyOn(logger, 'write').mockImplementation(() => undefined);
    const handler = lambdaHttp(async () => {
      log.aggregate('authorize', { outcome: 'no_key' }, { KeysRefused: 1 });
      return { status: 401, headers: {}, body: '' };
    });
    for (let second = 0; second <= 120; second++) {
      vi.setSystemTime(1_000_000_000 + second * 1000);
      await handler(event({}));
    }
    vi.useRealTimers();
    const told = lines.mock.calls.map(([line]) => JSON.parse(line).KeysRefused);
    expect(told).toEqual([1, 60, 60]);
  });
});

describe('an error that is thrown', () => {
  it.each<[who: string, parts: EventParts, headers: Record<string, string>, shouldRetry: string | undefined]>(
    [
      ['no client that repeats by itself, as the job may be there', {}, {}, 'false'],
      ['any with its key', {}, { 'idempotency-key': 'k' }, undefined],
      ['any that only reads', { method: 'GET' }, {}, undefined],
    ],
  )('is answered so that the request is repeated by %s', async (_who, parts, headers, shouldRetry) => {
    const handler = lambdaHttp(async () => {
      throw new Error('DynamoDB hangs');
    });
    const answer = await handler({ ...event(parts), headers });
    expect(answer.headers?.['x-should-retry']).toBe(shouldRetry);
  });

  it.each<[what: string, thrown: unknown]>([
    ['an error', new Error('prompt-canary arn:aws:secret')],
    ['an error of several lines', new Error('prompt-canary\nprompt-canary')],
    ['an error without a stack', Object.assign(new Error('prompt-canary'), { stack: undefined })],
    ['text', 'prompt-canary'],
    ['nothing', undefined],
  ])(
    'is answered with a 500, and its message is in neither the answer nor the log: %s',
    async (_what, thrown) => {
      const handler = lambdaHttp(async () => {
        throw thrown;
      });
      const { statusCode, body = '' } = await handler(event({ body: 'prompt-canary' }));
      expect(statusCode).toBe(500);
      expect(JSON.parse(body)).toMatchObject({ code: 'internal_error', request_id: 'req-1' });
      expect(logged).toHaveBeenCalledExactlyOnceWith('request failed', {
        request_id: 'req-1',
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        error: expect.objectContaining({ name: 'Error' }),
      });
      expect(body + JSON.stringify(logged.mock.calls)).not.toMatch(/canary|arn:/);
    },
  );

  it.each([
    ['/v1/jobs/job_1', 'job_1'],
    ['/v1/jobs/job_1/cancel', 'job_1'],
    ['/v1/jobs', undefined],
    ['/v1/jobs/prompt canary', undefined],
    [`/v1/jobs/${'a'.repeat(129)}`, undefined],
  ])('is logged with the job in the path %s: %s', async (path, job_id) => {
    const handler = lambdaHttp(async () => {
      throw new Error('x');
    });
    await handler(event({ path }));
    expect(logged.mock.calls[0]?.[1]).toMatchObject({ request_id: 'req-1' });
    expect(logged.mock.calls[0]?.[1]).toHaveProperty('job_id', job_id);
  });

  it('is logged with its name and where it came from', async () => {
    const handler = lambdaHttp(async () => {
      throw new TypeError('x');
    });
    await handler(event({}));
    const stack = expect.stringMatching(/^\s+at .*lambda-http\.test\.ts/);
    expect(logged.mock.calls[0]?.[1]).toMatchObject({ error: { name: 'TypeError', stack } });
  });

  it('is logged with the last eight of the calls that led to it', async () => {
    const deep = async (depth: number): Promise<never> => {
      if (depth === 0) throw new TypeError('x');
      return await deep(depth - 1);
    };
    await lambdaHttp(() => deep(20))(event({}));
    const stack = expect.stringMatching(/^(\s+at .*){8}$/);
    expect(logged.mock.calls[0]?.[1]).toMatchObject({ error: { stack } });
  });
});
