import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { forbiddenAddresses } from '../../functions/core/webhook/public-address.ts';
import { type ExchangeRequest, exchange } from '../../functions/edge/exchange.ts';
import {
  localhost,
  refusingPort,
  serveConnections,
  serveHttp,
  serveHttps,
  serveRaw,
  serveRawTls,
  signal,
} from './servers.ts';

const MINUTE = 60_000;
const MAX_BYTES = 1000;

const get = (url: URL, changes: Partial<ExchangeRequest> = {}) =>
  exchange({ method: 'GET', url, headers: {}, deadlineMillis: MINUTE, maxBytes: MAX_BYTES, ...changes });

/** An agent whose connections end with the test. */
function keepingAlive(options: object = {}): Agent {
  const agent = new Agent({ keepAlive: true, ...options });
  onTestFinished(() => agent.destroy());
  return agent;
}

function trusting(): HttpsAgent {
  const agent = new HttpsAgent({ ca: localhost.cert });
  onTestFinished(() => agent.destroy());
  return agent;
}

/** A look-up answers later, as DNS does. */
const lookupOf =
  (address: string): LookupFunction =>
  (_hostname, { all }, callback) =>
    void setImmediate(() => (all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)));

const failingLookup =
  (code: string): LookupFunction =>
  (_hostname, _options, callback) =>
    void setImmediate(() => callback(Object.assign(new Error(code), { code }), ''));

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('an answer', () => {
  it('is returned as the server sent it', async () => {
    const { url } = await serveHttp((_request, response) => {
      response.writeHead(404, { 'x-a': 'b', 'set-cookie': ['first', 'second'] }).end('héllo');
    });
    const outcome = await get(url);
    expect(outcome).toMatchObject({ kind: 'answered', status: 404, isTruncated: false });
    expect(outcome).toHaveProperty('headers.x-a', 'b');
    expect(outcome).toHaveProperty('headers.set-cookie', 'first');
    expect(outcome).toHaveProperty('body', Buffer.from('héllo'));
  });

  it('belongs to the request that was made', async () => {
    const seen = signal<object>();
    const { url } = await serveHttp(async (request, response) => {
      const body = (await request.setEncoding('utf8').toArray()).join('');
      seen.resolve({ method: request.method, url: request.url, headers: request.headers, body });
      response.end();
    });
    await get(new URL('/a/b?c=d#e', url), { method: 'POST', headers: { 'x-a': 'b' }, body: 'é😀' });
    const host = url.host;
    expect(await seen.promise).toEqual({
      method: 'POST',
      url: '/a/b?c=d',
      headers: { host, 'x-a': 'b', 'content-length': '6', connection: 'close' },
      body: 'é😀',
    });
  });

  it.each<[what: string, answer: string, status: number, body: string]>([
    ['by length', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200, 'ok'],
    ['to the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nok', 200, 'ok'],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    ['after an interim one', 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok', 200, 'ok'],
    ['after 100', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok', 200, 'ok'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok', 200, 'ok'],
  ])('may be framed %s', async (_what, answer, status, body) => {
    const { url } = await serveRaw((socket) => socket.end(answer));
    expect(await get(url)).toMatchObject({ kind: 'answered', status, body: Buffer.from(body) });
  });

  const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';

  it.each<[what: string, answer: string, status: number, body: string]>([
    ['a body that 204 does not have', 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}', 204, ''],
    ['a body in chunks that 204 does not have', chunked.replace('200 OK', '204 No Content'), 204, ''],
    ['a body that 304 does not have', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n{}', 304, ''],
    ['stray bytes', `${ok}stray`, 200, 'ok'],
    ['stray line breaks', `${ok}\r\n\r\n`, 200, 'ok'],
    ['stray bytes after chunks', `${chunked}stray`, 200, 'ok'],
    ['one more answer', `${ok}HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n`, 200, 'ok'],
  ])('is complete without %s', async (_what, answer, status, body) => {
    for (const end of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const { url } = await serveRaw((socket) => socket.write(answer, () => end(socket)));
      expect(await get(url)).toMatchObject({
        kind: 'answered',
        status,
        body: Buffer.from(body),
        isTruncated: false,
      });
    }
  });

  it('is complete without stray bytes on a connection that is kept', async () => {
    const { url, connections } = await serveRaw((socket) => socket.write(`${ok}stray`));
    const agent = keepingAlive();
    for (const _ of [1, 2])
      expect(await get(url, { agent })).toMatchObject({ status: 200, body: Buffer.from('ok') });
    expect(connections()).toBe(2);
  });

  it.each([20, 63])('may have %i KiB of headers', async (kib) => {
    const headers = `x-a: ${'a'.repeat(1024 - 7)}\r\n`.repeat(kib);
    const { url } = await serveRaw((socket) => socket.end(`HTTP/1.1 410 Gone\r\n${headers}\r\n`));
    expect(await get(url)).toMatchObject({ kind: 'answered', status: 410 });
  });

  it('may come before the server has read the request, whose rest is then not sent', async () => {
    const body = 'x'.repeat(20_000_000);
    const taken = signal<Socket>();
    const { url } = await serveConnections((socket) => {
      socket.once('data', () => socket.pause().write(ok, () => taken.resolve(socket)));
    });
    expect(await get(url, { method: 'POST', body })).toMatchObject({ kind: 'answered', status: 200 });
    const socket = await taken.promise;
    await new Promise((resolve) => socket.resume().on('close', resolve));
    expect(socket.bytesRead).toBeLessThan(body.length);
  });

  it.each([301, 302, 303, 307, 308])(
    'with status %i is returned, and its redirect is not followed',
    async (status) => {
      const paths: unknown[] = [];
      const { url } = await serveHttp((request, response) => {
        paths.push(request.url);
        response.writeHead(status, { location: '/elsewhere' }).end();
      });
      expect(await get(url)).toMatchObject({ kind: 'answered', status, headers: { location: '/elsewhere' } });
      expect(paths).toEqual(['/']);
    },
  );

  it('does not come through a proxy', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
      vi.stubEnv(name, `http://127.0.0.1:${await refusingPort()}`);
    }
    const { url } = await serveHttp((_request, response) => response.end());
    expect(await get(url)).toMatchObject({ kind: 'answered', status: 200 });
  });
});

describe('a long body', () => {
  it.each([
    ['all that was asked for', MAX_BYTES, MAX_BYTES, false],
    ['not one byte more', MAX_BYTES + 1, MAX_BYTES, true],
    ['no more at all', 1_000_000, MAX_BYTES, true],
  ])('is read as asked: %s', async (_what, length, read, isTruncated) => {
    const { url } = await serveHttp((_request, response) => response.end('x'.repeat(length)));
    expect(await get(url)).toMatchObject({ status: 200, body: Buffer.alloc(read, 'x'), isTruncated });
  });

  it('is put together from its parts', async () => {
    const chunk = `2bc\r\n${'x'.repeat(700)}\r\n`;
    const { url } = await serveRaw((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`),
    );
    expect(await get(url)).toMatchObject({ body: Buffer.alloc(MAX_BYTES, 'x'), isTruncated: true });
    expect(await get(url, { maxBytes: 1400 })).toMatchObject({
      body: Buffer.alloc(1400, 'x'),
      isTruncated: false,
    });
  });

  it('that never ends is received no further than it is read', async () => {
    const hungUp = signal();
    const { url } = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(64 * 1024)));
      };
      socket.on('drain', more).on('close', () => hungUp.resolve());
      more();
    });
    expect(await get(url)).toMatchObject({ kind: 'answered', isTruncated: true });
    await hungUp.promise;
  });
});

describe('the deadline', () => {
  /** Lets the deadline come as soon as the other side has got as far as it will. */
  async function outcomeAtDeadline(run: Promise<unknown>, gotThere: Promise<void>) {
    await gotThere;
    vi.advanceTimersByTime(MINUTE - 1);
    vi.advanceTimersByTime(1);
    return run;
  }

  const write = (socket: Socket, text: string, then: () => void) => void socket.write(text, then);

  it.each<[what: string, onRequest: (socket: Socket, there: () => void) => void]>([
    ['no answer', (_socket, there) => there()],
    ['half a status line', (socket, there) => write(socket, 'HTTP/1.1 20', there)],
    ['half a head', (socket, there) => write(socket, 'HTTP/1.1 200 OK\r\nx-a: b\r\n', there)],
    ['no body', (socket, there) => write(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n', there)],
    ['half a body', (socket, there) => write(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no', there)],
    ['an interim answer alone', (socket, there) => write(socket, 'HTTP/1.1 100 Continue\r\n\r\n', there)],
    [
      'an answer that drips',
      (socket, there) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        let drops = 0;
        const drip = setInterval(() => {
          socket.write('.');
          if (++drops === 5) there();
        }, 1);
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('holds for %s', async (_what, onRequest) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const hungUp = signal();
    const { url } = await serveRaw((socket) => {
      socket.on('close', () => hungUp.resolve());
      onRequest(socket, there.resolve);
    });
    expect(await outcomeAtDeadline(get(url), there.promise)).toEqual({ kind: 'timeout', isConnected: true });
    await hungUp.promise;
  });

  it('holds for a name that is never found', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const run = get(new URL('http://a.example.com/'), { lookup: () => there.resolve() });
    expect(await outcomeAtDeadline(run, there.promise)).toEqual({ kind: 'timeout', isConnected: false });
  });

  it('holds for a TLS handshake that never ends, before which no byte of the request is sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const { url } = await serveConnections(() => there.resolve(), 'https');
    expect(await outcomeAtDeadline(get(url), there.promise)).toEqual({ kind: 'timeout', isConnected: false });
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await serveHttp((_request, response) => response.end());
    await get(url);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a connection that breaks off', () => {
  it.each<[what: string, onRequest: (socket: Socket) => void, code: string]>([
    ['before the answer', (socket) => socket.destroy(), 'ECONNRESET'],
    ['before the answer, politely', (socket) => socket.end(), 'ECONNRESET'],
    ['before the answer, rudely', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['in the head', (socket) => socket.end('HTTP/1.1 200 OK\r\nx-a:'), 'ECONNRESET'],
    ['in the body', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'), 'ECONNRESET'],
    [
      'in a chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nok'),
      'ECONNRESET',
    ],
    [
      'before the last chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n'),
      'ECONNRESET',
    ],
    [
      'with a word that is not HTTP',
      (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
      'HPE_INVALID_CONSTANT',
    ],
    [
      'with a line that ends too soon',
      (socket) => socket.end('HTTP/1.1 200 OK\nx-a: b\n\nok'),
      'HPE_CR_EXPECTED',
    ],
    [
      'with a header in two lines',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n\r\nok'),
      'HPE_INVALID_HEADER_TOKEN',
    ],
    [
      'with two lengths',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'),
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    [
      'with a length that is no number',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok'),
      'HPE_INVALID_CONTENT_LENGTH',
    ],
    [
      'with a greeting of HTTP/2',
      (socket) => socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])),
      'HPE_INVALID_CONSTANT',
    ],
    [
      'with a head that has no end',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}`),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'to become something else',
      (socket) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'HPE_PAUSED_UPGRADE',
    ],
  ])('%s may have carried the request', async (_what, onRequest, code) => {
    const { url } = await serveRaw(onRequest);
    expect(await get(url, { method: 'POST', body: '{}' })).toEqual({ kind: 'cut', code });
  });

  it.each([
    [200, false],
    [302, false],
    [399, false],
    [400, true],
    [401, true],
    [404, true],
    [429, true],
    [499, true],
    [500, true],
    [503, true],
  ])(
    'in the body of an answer with the status %i leaves a refusal what it is: %j',
    async (status, isRefusal) => {
      const head = `HTTP/1.1 ${status} X\r\ncontent-length: 9\r\n\r\n`;
      const { url } = await serveRaw((socket) => socket.end(`${head}ok`));
      const outcome = await get(url, { method: 'POST', body: '{}' });
      const cut = { kind: 'cut', code: 'ECONNRESET' };
      expect(outcome).toMatchObject(isRefusal ? { kind: 'answered', status, isTruncated: true } : cut);
    },
  );

  it('over TLS may have carried the request, too', async () => {
    const { url } = await serveRawTls((socket) => socket.destroy());
    expect(await get(url, { agent: trusting() })).toEqual({ kind: 'cut', code: 'ECONNRESET' });
  });
});

describe('a connection that was never established carried no byte of the request', () => {
  it('when it was refused', async () => {
    const url = new URL(`http://127.0.0.1:${await refusingPort()}`);
    expect(await get(url)).toEqual({ kind: 'not_connected', code: 'ECONNREFUSED' });
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL'])('when the name was not found: %s', async (code) => {
    const url = new URL('http://a.example.com');
    expect(await get(url, { lookup: failingLookup(code) })).toEqual({ kind: 'not_connected', code });
  });

  it('when the server does not speak TLS', async () => {
    const { url } = await serveHttp((_request, response) => response.end());
    url.protocol = 'https:';
    expect(await get(url)).toMatchObject({
      kind: 'not_connected',
      code: expect.stringMatching(/SSL|EPROTO/),
    });
  });

  it('when the server hung up in the TLS handshake', async () => {
    const { url } = await serveConnections((socket) => socket.destroy(), 'https');
    expect(await get(url)).toEqual({ kind: 'not_connected', code: 'ECONNRESET' });
  });

  it('when the certificate is signed by nobody that is trusted', async () => {
    const { url } = await serveHttps((_request, response) => response.end());
    expect(await get(url)).toEqual({
      kind: 'not_connected',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      isTls: true,
    });
  });

  it('when the certificate has another name', async () => {
    const { port } = await serveHttps((_request, response) => response.end());
    const url = new URL(`https://127.0.0.1:${port}`);
    const outcome = await get(url, { agent: trusting() });
    expect(outcome).toEqual({ kind: 'not_connected', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it.each<[what: string, changes: Partial<ExchangeRequest>, code: string]>([
    ['a line break in a header', { headers: { 'x-a': 'b\r\nx-c: d' } }, 'ERR_INVALID_CHAR'],
    ['a space in a name', { headers: { 'x a': 'b' } }, 'ERR_INVALID_HTTP_TOKEN'],
    ['a character beyond Latin-1', { headers: { 'x-a': '€' } }, 'ERR_INVALID_CHAR'],
  ])('when Node refuses to send the request: %s', async (_what, changes, code) => {
    const { url, connections } = await serveHttp((_request, response) => response.end());
    expect(await get(url, changes)).toEqual({ kind: 'not_connected', code });
    expect(connections()).toBe(0);
  });
});

describe('the address of a server', () => {
  it('is looked up once, and that address is dialled', async () => {
    const hosts: unknown[] = [];
    const { port } = await serveHttp((request, response) => {
      hosts.push(request.headers.host);
      response.end();
    });
    const url = new URL(`http://a.example.com:${port}`);
    expect(await get(url, { lookup: lookupOf('127.0.0.1') })).toMatchObject({ status: 200 });
    expect(hosts).toEqual([url.host]);
  });

  it('is checked before it is dialled', async () => {
    const { port, connections } = await serveHttp((_request, response) => response.end());
    const guard = { lookup: lookupOf('127.0.0.1'), blockList: forbiddenAddresses };
    const outcome = await get(new URL(`http://a.example.com:${port}`), guard);
    expect(outcome).toEqual({ kind: 'not_connected', code: 'ERR_IP_BLOCKED' });
    expect(connections()).toBe(0);
  });

  it.each(['http://127.0.0.1', 'https://a.example.com', 'https://127.0.0.1'])(
    'is checked before it is dialled, whatever the URL: %s',
    async (base) => {
      const { port, connections } = await serveHttps((_request, response) => response.end());
      const guard = { lookup: lookupOf('127.0.0.1'), blockList: forbiddenAddresses };
      const outcome = await get(new URL(`${base}:${port}`), guard);
      expect(outcome).toEqual({ kind: 'not_connected', code: 'ERR_IP_BLOCKED' });
      expect(connections()).toBe(0);
    },
  );
});

it('an exchange with an address check accepts no agent, which would not heed the check', async () => {
  const { url, connections } = await serveHttp((_request, response) => response.end());
  const outcome = await get(url, { agent: keepingAlive(), blockList: forbiddenAddresses });
  expect(outcome).toEqual({ kind: 'not_connected', code: 'ERR_INVALID_REQUEST' });
  expect(connections()).toBe(0);
});

describe('connections', () => {
  it('are kept open by an agent', async () => {
    const { url, connections } = await serveHttp((_request, response) => response.end('ok'));
    const agent = keepingAlive();
    await get(url, { agent });
    await get(url, { agent });
    expect(connections()).toBe(1);
  });

  it('are opened for each request without an agent', async () => {
    const { url, connections } = await serveHttp((_request, response) => response.end('ok'));
    await get(url);
    await get(url);
    expect(connections()).toBe(2);
  });

  it('that were kept open count as established, so a cut one may have carried the request', async () => {
    let requests = 0;
    const { url } = await serveRaw((socket) => {
      if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else socket.destroy();
    });
    const agent = keepingAlive({ maxSockets: 1 });
    expect(await get(url, { agent })).toMatchObject({ kind: 'answered' });
    expect(await get(url, { agent })).toEqual({ kind: 'cut', code: 'ECONNRESET' });
    expect(requests).toBe(2);
  });

  it('are established over TLS, and carry an answer', async () => {
    const { url } = await serveHttps((_request, response) => response.end('ok'));
    expect(await get(url, { agent: trusting() })).toMatchObject({ status: 200, body: Buffer.from('ok') });
  });
});
