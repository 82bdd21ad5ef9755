import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Gateway } from '../../../tools/local/stack/gateway.ts';
import { RouteTable } from '../../../tools/local/stack/routes.ts';

describe('the gateway takes the most specific route', () => {
  const keys = [
    ...['$default', 'ANY /{proxy+}', 'GET /pets/{proxy+}', 'GET /pets/dog/{id}', 'GET /pets/dog/1'],
    ...['ANY /pets/dog/{id}', 'POST /v1/jobs', 'GET /v1/jobs/{job-id}/results', 'GET /{a}/{b}', 'GET /a.b'],
  ];
  const routes = new RouteTable(Object.fromEntries(keys.map((key) => [key, key])));

  it.each<[string, string, string, Record<string, string>]>([
    ['GET', '/pets/dog/1', 'GET /pets/dog/1', {}],
    ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
    ['PUT', '/pets/dog/2', 'ANY /pets/dog/{id}', { id: '2' }],
    ['GET', '/pets/cat/1', 'GET /pets/{proxy+}', { proxy: 'cat/1' }],
    ['GET', '/pets/cat', 'GET /{a}/{b}', { a: 'pets', b: 'cat' }],
    ['POST', '/test/5', 'ANY /{proxy+}', { proxy: 'test/5' }],
    ['POST', '/v1/jobs', 'POST /v1/jobs', {}],
    ['POST', '/v1/jobs/', 'ANY /{proxy+}', { proxy: 'v1/jobs/' }],
    ['GET', '/v1/jobs/j 1/results', 'GET /v1/jobs/{job-id}/results', { 'job-id': 'j 1' }],
    ['GET', '/a.b', 'GET /a.b', {}],
    ['GET', '/axb', 'ANY /{proxy+}', { proxy: 'axb' }],
    ['GET', '/', '$default', {}],
    ['GET', '/line\nbreak', 'ANY /{proxy+}', { proxy: 'line\nbreak' }],
  ])('for %s %j', (method, path, routeKey, pathParameters) => {
    expect(routes.match(method, path)).toEqual({ routeKey, target: routeKey, pathParameters });
  });

  it('if there is one', () => {
    expect(new RouteTable({ 'POST /v1/jobs': 1 }).match('GET', '/v1/jobs')).toBeUndefined();
  });
});

type Answer = (event: APIGatewayProxyEventV2) => unknown;

async function startGateway(
  answer: Answer,
  { routeKey = '$default', timeoutMs = 30_000 } = {},
): Promise<string> {
  const gateway = new Gateway();
  onTestFinished(() => gateway.close());
  const url = await gateway.listen(0);
  const invoke = async (event: unknown) => answer(event as APIGatewayProxyEventV2);
  gateway.serve('api1', new RouteTable({ [routeKey]: { timeoutMs, invoke } }));
  return url;
}

/** Unlike fetch, it sends the path and the headers as they are given. */
async function send(
  url: string,
  path: string,
  options: { method?: string; headers?: string[]; body?: string | Buffer } = {},
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: string }> {
  const { method = 'GET', headers = [], body } = options;
  const host = ['host', new URL(url).host];
  const length = body === undefined ? [] : ['content-length', String(Buffer.byteLength(body))];
  return new Promise((resolve, reject) => {
    const target = {
      ...urlToTarget(url),
      path,
      method,
      headers: [...host, ...length, ...headers],
      agent: false as const,
    };
    httpRequest(target, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
    })
      .on('error', reject)
      .end(body);
  });
}

function urlToTarget(url: string): { host: string; port: string } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port };
}

async function eventOf(
  path: string,
  options: Parameters<typeof send>[2] = {},
): Promise<APIGatewayProxyEventV2> {
  const url = await startGateway((event) => event);
  return JSON.parse((await send(url, path, options)).body);
}

describe('the event that a function gets', () => {
  it('has the shape of payload format 2.0', async () => {
    const url = await startGateway((event) => event, { routeKey: 'POST /v1/jobs/{id}' });
    const { body } = await send(url, '/v1/jobs/j%201?a=1&b=x%20y&a=2', {
      method: 'POST',
      headers: [
        'X-Twice',
        'one',
        'x-twice',
        'two',
        'Cookie',
        'a=b; c=d',
        'Content-Type',
        'application/json',
        'user-agent',
        'test',
      ],
      body: '{"ä":1}',
    });
    const { host, port } = urlToTarget(url);
    expect(JSON.parse(body)).toEqual({
      version: '2.0',
      routeKey: 'POST /v1/jobs/{id}',
      rawPath: '/v1/jobs/j 1',
      rawQueryString: 'a=1&b=x%20y&a=2',
      cookies: ['a=b', 'c=d'],
      headers: {
        host: `${host}:${port}`,
        'content-length': '8',
        'content-type': 'application/json',
        'user-agent': 'test',
        'x-twice': 'one,two',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': port,
        'x-forwarded-proto': 'http',
      },
      queryStringParameters: { a: '1,2', b: 'x y' },
      pathParameters: { id: 'j 1' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1',
        domainName: `${host}:${port}`,
        domainPrefix: 'api1',
        http: {
          method: 'POST',
          path: '/v1/jobs/j 1',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'test',
        },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        routeKey: 'POST /v1/jobs/{id}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      body: '{"ä":1}',
      isBase64Encoded: false,
    });
  });

  it('leaves out what a request does not have', async () => {
    const event = await eventOf('/');
    for (const name of ['body', 'cookies', 'queryStringParameters', 'pathParameters']) {
      expect(event).not.toHaveProperty(name);
    }
  });

  it.each<[string, string, string]>([
    ['an encoded slash', '/v1%2fjobs', '/v1/jobs'],
    ['a URL without a path', 'http://example.org?a', '/'],
    ['an absolute URL', 'http://example.org/v1/jobs?a', '/v1/jobs'],
    ['a double slash', '//v1//jobs', '//v1//jobs'],
    ['dots', '/v1/../jobs/.', '/v1/../jobs/.'],
    ['a lone percent sign', '/100%', '/100%'],
    ['bytes that are not UTF-8', '/%ff', '/%ff'],
    ['control characters', '/%00%0d%0a', '/\0\r\n'],
    ['2000 characters', `/${'a'.repeat(2_000)}`, `/${'a'.repeat(2_000)}`],
    ['an asterisk', '*', '*'],
  ])('has the decoded path of %s', async (_name, path, rawPath) => {
    expect((await eventOf(path, { method: 'OPTIONS' })).rawPath).toBe(rawPath);
  });

  it.each<[string, string[], string | Buffer, boolean]>([
    ['JSON', ['content-type', 'application/json; charset=utf-8'], '{}', false],
    ['a +json type', ['content-type', 'application/problem+json'], '{}', false],
    ['text', ['content-type', 'text/plain'], 'ö', false],
    ['a binary type', ['content-type', 'image/png'], 'x', true],
    ['a form', ['content-type', 'application/x-www-form-urlencoded'], 'a=b', true],
    ['no type', [], 'x', true],
    ['an encoding', ['content-type', 'application/json', 'content-encoding', 'gzip'], 'x', true],
    ['bytes that are not UTF-8', ['content-type', 'application/json'], Buffer.from([0x22, 0xff, 0x22]), true],
    ['a byte order mark', ['content-type', 'application/json'], '\ufeff{}', false],
  ])('has the body of a request with %s', async (_name, headers, body, isBase64Encoded) => {
    const event = await eventOf('/', { method: 'POST', headers, body });
    expect(event.isBase64Encoded).toBe(isBase64Encoded);
    expect(Buffer.from(event.body ?? '', isBase64Encoded ? 'base64' : 'utf8')).toEqual(Buffer.from(body));
  });

  it('may have header bytes that are not ASCII', async () => {
    const { headers } = await eventOf('/', { headers: ['x-bytes', Buffer.from('ä€').toString('latin1')] });
    expect(Buffer.from(headers['x-bytes'] ?? '', 'latin1').toString()).toBe('ä€');
  });
});

describe('the answer of the function', () => {
  it.each<[string, unknown, number, string, string]>([
    ['a response', { statusCode: 202, headers: { 'Content-Type': 'a/b' }, body: 'ü' }, 202, 'a/b', 'ü'],
    ['a response without a type', { statusCode: 404, body: 'no' }, 404, 'text/plain; charset=utf-8', 'no'],
    [
      'base64',
      { statusCode: 200, body: 'aGk=', isBase64Encoded: true },
      200,
      'text/plain; charset=utf-8',
      'hi',
    ],
    ['no body', { statusCode: '200' }, 200, 'text/plain; charset=utf-8', ''],
    ['an object', { a: 1 }, 200, 'application/json', '{"a":1}'],
    ['text', 'hello', 200, 'application/json', 'hello'],
    ['null', null, 200, 'application/json', 'null'],
    [
      'a wrong length',
      { statusCode: 200, headers: { 'Content-Length': '99' }, body: 'x' },
      200,
      'text/plain; charset=utf-8',
      'x',
    ],
    ['no status', { statusCode: 'fine' }, 500, 'application/json', '{"message":"Internal Server Error"}'],
    [
      'an impossible status',
      { statusCode: 7 },
      500,
      'application/json',
      '{"message":"Internal Server Error"}',
    ],
    [
      'an impossible header',
      { statusCode: 200, headers: { a: 'b\r\nc: d' } },
      500,
      'application/json',
      '{"message":"Internal Server Error"}',
    ],
  ])('may be %s', async (_name, answer, status, type, body) => {
    const url = await startGateway(() => answer);
    expect(await send(url, '/')).toMatchObject({ status, headers: { 'content-type': type }, body });
  });

  it('may set headers and cookies', async () => {
    const url = await startGateway(() => ({
      statusCode: 204,
      headers: { Allow: 'GET', n: 1 },
      cookies: ['a=b', 'c=d'],
    }));
    const { headers } = await send(url, '/');
    expect(headers).toMatchObject({ allow: 'GET', n: '1', 'set-cookie': ['a=b', 'c=d'] });
    expect(headers).not.toHaveProperty('content-length');
  });

  it('has no body for a HEAD', async () => {
    const url = await startGateway(() => ({ statusCode: 200, body: 'four' }));
    expect(await send(url, '/', { method: 'HEAD' })).toMatchObject({
      headers: { 'content-length': '4' },
      body: '',
    });
  });
});

describe("the gateway's own answer is", () => {
  it('404 if there is no route', async () => {
    const url = await startGateway(() => 'hello', { routeKey: 'GET /here' });
    expect(await send(url, '/there')).toMatchObject({ status: 404, body: '{"message":"Not Found"}' });
  });

  it('413 to more than 10 MB, of which exactly that is accepted', async () => {
    const url = await startGateway((event) => ({ statusCode: 200, body: String(event.body?.length) }));
    const headers = ['content-type', 'text/plain'];
    const post = (length: number) =>
      send(url, '/', { method: 'POST', headers, body: Buffer.alloc(length, 'a') });
    expect(await post(10 * 1024 * 1024)).toMatchObject({ status: 200, body: String(10 * 1024 * 1024) });
    expect(await post(10 * 1024 * 1024 + 1)).toMatchObject({
      status: 413,
      body: '{"message":"Request Entity Too Large"}',
    });
  });

  it('413 when the event is more than Lambda takes', async () => {
    const refusal = Object.assign(new Error('too large'), { name: 'RequestEntityTooLargeException' });
    const url = await startGateway(() => Promise.reject(refusal));
    expect(await send(url, '/')).toMatchObject({
      status: 413,
      body: '{"message":"Request Entity Too Large"}',
    });
  });

  it('500 when the function fails', async () => {
    const url = await startGateway(() => {
      throw new Error('secret');
    });
    expect(await send(url, '/')).toMatchObject({ status: 500, body: '{"message":"Internal Server Error"}' });
  });

  it('503 when the function takes longer than the integration may', async () => {
    const url = await startGateway(() => new Promise(() => undefined), { timeoutMs: 50 });
    expect(await send(url, '/')).toMatchObject({ status: 503, body: '{"message":"Service Unavailable"}' });
  });

  it('503 as long as there is nothing to serve', async () => {
    const gateway = new Gateway();
    onTestFinished(() => gateway.close());
    expect(await send(await gateway.listen(0), '/')).toMatchObject({ status: 503 });
  });

  it('431 to headers that are too long', async () => {
    const url = await startGateway(() => 'hello');
    expect(await send(url, '/', { headers: ['x', 'a'.repeat(11_000)] })).toMatchObject({ status: 431 });
  });

  it('400 to what is not HTTP', async () => {
    const url = await startGateway(() => 'hello');
    const socket = connect(Number(urlToTarget(url).port), '127.0.0.1', () => socket.write('hello\r\n\r\n'));
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  });

  it('nothing to a client that hangs up in the middle of its request, and the function is not called', async () => {
    let calls = 0;
    const url = await startGateway(() => {
      calls += 1;
      return {};
    });
    const { port } = urlToTarget(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nbegin', () =>
          socket.destroy(),
        );
      });
      socket.once('close', () => resolve());
    });
    expect(await send(url, '/')).toMatchObject({ status: 200 });
    expect(calls).toBe(1);
  });
});
