import type { lookup as dnsLookup, LookupAddress } from 'node:dns';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import { forbiddenAddresses } from '../../functions/core/webhook/public-address.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { assertSsrfProtection, createWebhooks, type WebhookSettings } from '../../functions/edge/webhooks.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { DELIVERY } from '../cloud/jobs.ts';
import { UNWATCHED } from '../cloud/ports.ts';
import { lastLookup, OWN_HOST, urlCases } from '../core/corpus.ts';
import { refusingPort, serveHttp, serveHttps, serveRaw, signal } from './servers.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0, 999);
const CURRENT = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const PREVIOUS = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BODY = '{"type":"job.completed","data":{"text":"héllo 😀","n":1.0}}';
const onLaptop = { ports: [], ownHost: OWN_HOST, loopback: true };

function send(url: URL | string, changes: Partial<WebhookSettings> = {}, delivery: object = {}) {
  const webhooks = createWebhooks({
    rules: onLaptop,
    credentialsOf: async () => ({ secrets: [CURRENT], headers: {} }),
    lanes: UNWATCHED,
    clock: { now: () => NOW },
    lookup: namesFail('ENOTFOUND'),
    ...changes,
  });
  return webhooks.send({ ...DELIVERY, ...delivery, url: String(url) }, BODY);
}

/** Answers later, as DNS does. */
function namesAre(...addresses: string[]): typeof dnsLookup {
  const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return ((_host: string, _options: object, callback: (error: null, all: LookupAddress[]) => void) =>
    void setImmediate(() => callback(null, answers))) as typeof dnsLookup;
}

function namesFail(code: string): typeof dnsLookup {
  return ((_host: string, _options: object, callback: (error: Error) => void) =>
    void setImmediate(() => callback(Object.assign(new Error(code), { code })))) as typeof dnsLookup;
}

const answered = (status: number, retryAfterSeconds: number | null = null) => ({
  kind: 'answered',
  status,
  retryAfterSeconds,
});
const failed = (error: string) => ({ kind: 'failed', error });

/** Receivers refuse what is more than five minutes old, so their clock stands at the moment of the attempt. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('an attempt to deliver', () => {
  /** Sends one webhook and tells what the receiver got. */
  async function received(changes: Partial<WebhookSettings> = {}, delivery: object = {}) {
    const got = signal<{ method?: string; url?: string; headers: IncomingHttpHeaders; body: string }>();
    const { url } = await serveHttp(async (request, response) => {
      const body = (await request.setEncoding('utf8').toArray()).join('');
      got.resolve({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      response.writeHead(204).end();
    });
    expect(await send(new URL('/hook?a=b#c', url), changes, delivery)).toEqual(answered(204));
    return { host: url.host, ...(await got.promise) };
  }

  it('has the tracestate of its job, if that has one', async () => {
    const sent = await received({}, { tracestate: 'a=1' });
    expect(sent.headers).toMatchObject({ traceparent: DELIVERY.traceparent, tracestate: 'a=1' });
  });

  it('has these headers, and no others', async () => {
    const { headers, host } = await received();
    expect(headers).toEqual({
      host,
      connection: 'close',
      traceparent: DELIVERY.traceparent,
      'content-length': String(Buffer.byteLength(BODY)),
      'content-type': 'application/json',
      'user-agent': `modelstudio-jobs/${packageJson.version}`,
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(NOW / 1000)),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
  });

  it('is a POST of the body, byte for byte, to the URL without its fragment', async () => {
    expect(await received()).toMatchObject({ method: 'POST', url: '/hook?a=b', body: BODY });
  });

  it('has a signature that a receiver verifies', async () => {
    const { body, headers } = await received();
    expect(new Webhook(CURRENT).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(BODY));
  });

  it('is signed with every live secret, as a receiver may know either', async () => {
    const { body, headers } = await received({
      credentialsOf: async () => ({ secrets: [CURRENT, PREVIOUS], headers: {} }),
    });
    expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    for (const secret of [CURRENT, PREVIOUS]) {
      expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow();
    }
  });

  it('has the custom headers beside its own, which stay as they are', async () => {
    const custom = {
      authorization: 'Bearer t0ken',
      'x-env': 'prod',
      'webhook-id': 'msg_2',
      'user-agent': 'x',
    };
    const asked: [string, string][] = [];
    const { headers, host } = await received({
      credentialsOf: async (client, { href }) => {
        asked.push([client, href]);
        return { secrets: [CURRENT], headers: custom };
      },
    });
    expect(asked).toEqual([['my-app', `http://${host}/hook?a=b#c`]]);
    expect(headers).toMatchObject({ authorization: 'Bearer t0ken', 'x-env': 'prod' });
    expect(headers).toMatchObject({
      'webhook-id': 'msg_1',
      'user-agent': expect.stringMatching(/^modelstudio/),
    });
  });

  it('is not made without a secret, which is a fault of ours', async () => {
    const { url, connections } = await serveHttp((_request, response) => response.end());
    const credentialsOf = async () => {
      throw new Error('no secret');
    };
    await expect(send(url, { credentialsOf })).rejects.toThrow('no secret');
    expect(connections()).toBe(0);
  });
});

describe('the outcome of an attempt', () => {
  const inAMinute = new Date(NOW + 60_000).toUTCString();

  it.each<[status: number, headers: Record<string, string>, exchange: object]>([
    [200, {}, answered(200)],
    [202, { 'retry-after': '5' }, answered(202, 5)],
    [301, { location: '/elsewhere' }, { ...answered(301), location: '/elsewhere' }],
    [307, { location: 'http://169.254.169.254/' }, { ...answered(307), location: 'http://169.254.169.254/' }],
    [410, {}, answered(410)],
    [429, { 'retry-after': '7' }, answered(429, 7)],
    [503, { 'retry-after': inAMinute }, answered(503, 60)],
    [503, { 'retry-after': 'invalid_response' }, answered(503)],
    [500, {}, answered(500)],
  ])("is the receiver's answer: %i %j", async (status, headers, exchange) => {
    const paths: unknown[] = [];
    const { url } = await serveHttp((request, response) => {
      paths.push(request.url);
      response.writeHead(status, headers).end();
    });
    expect(await send(url)).toEqual(exchange);
    expect(paths).toEqual(['/']);
  });

  it.each<[what: string, onRequest: (socket: Socket) => void, exchange: object]>([
    ['a cut connection', (socket) => socket.destroy(), failed('connection_reset')],
    ['invalid_response', (socket) => socket.end('nonsense\r\n\r\n'), failed('invalid_response')],
    [
      'half an answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'),
      failed('connection_reset'),
    ],
  ])('is a failure after %s', async (_what, onRequest, exchange) => {
    const { url } = await serveRaw(onRequest);
    expect(await send(url)).toEqual(exchange);
  });

  it('is a failure when nobody listens', async () => {
    expect(await send(`http://127.0.0.1:${await refusingPort()}/`)).toEqual(failed('connection_failed'));
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL', 'ENODATA'])(
    'is a failure when the name is not found: %s',
    async (code) => {
      expect(await send('https://hooks.example.com/', { lookup: namesFail(code) })).toEqual(failed('dns'));
    },
  );

  it('is a failure to connect, not of DNS, when the lookup lacks resources', async () => {
    const lookup = namesFail('EMFILE');
    expect(await send('https://hooks.example.com/', { lookup })).toEqual(failed('connection_failed'));
  });

  it('is a failure for a name without addresses', async () => {
    expect(await send('https://hooks.example.com/', { lookup: namesAre() })).toEqual(failed('dns'));
  });

  it('is an answer even if it has more than 64 KiB, the rest of which is not read', async () => {
    const hungUp = signal();
    const { url } = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(64 * 1024)));
      };
      socket.on('drain', more).on('close', () => hungUp.resolve());
      more();
    });
    expect(await send(url)).toEqual(answered(200));
    await hungUp.promise;
  });

  it.each<[what: string, onRequest: (socket: Socket) => void]>([
    ['no answer', () => undefined],
    ['half an answer', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n')],
  ])('is a timeout for %s within 15 s', async (_what, onRequest) => {
    const there = signal();
    const { url } = await serveRaw((socket) => {
      onRequest(socket);
      there.resolve();
    });
    const attempt = send(url);
    await there.promise;
    vi.advanceTimersByTime(15_000);
    expect(await attempt).toEqual(failed('timeout'));
  });

  it('is a timeout for a lookup that takes more than 15 s', async () => {
    const there = signal();
    const attempt = send('https://hooks.example.com/', { lookup: (() => there.resolve()) as never });
    await there.promise;
    vi.advanceTimersByTime(15_000);
    expect(await attempt).toEqual(failed('timeout'));
  });
});

describe('a host with an address that is not public is not called', () => {
  const refused = urlCases.filter(({ phase, cls }) => phase === 'connect' && ['dns', 'rebind'].includes(cls));

  it.each(refused)('$id $dns: $why', async (each) => {
    expect(await send(each.url, { lookup: namesAre(...lastLookup(each)) })).toEqual({ kind: 'blocked' });
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['loopback in IPv6', ['::1']],
    ['a private one among public ones', ['93.184.216.34', '127.0.0.1']],
    ['a private one before public ones', ['127.0.0.1', '93.184.216.34']],
    ['one that is no address', ['localhost']],
  ])('if one of its addresses is %s', async (_what, addresses) => {
    const { port, connections } = await serveHttps((_request, response) => response.end());
    const rules = { ports: [port], ownHost: null, loopback: false };
    const outcome = await send(`https://hooks.example.com:${port}/`, {
      rules,
      lookup: namesAre(...addresses),
    });
    expect(outcome).toEqual({ kind: 'blocked' });
    expect(connections()).toBe(0);
  });

  it('although it was public a moment ago, as each attempt looks up once and dials what it found', async () => {
    const { port, connections } = await serveHttps((_request, response) => response.end());
    const lookups: string[] = [];
    const lookup = ((host: string, ...rest: [object, () => void]) => {
      lookups.push(host);
      return namesAre('127.0.0.1')(host, ...rest);
    }) as typeof dnsLookup;
    const rules = { ports: [port], ownHost: null, loopback: false };
    await send(`https://hooks.example.com:${port}/`, { rules, lookup });
    expect(lookups).toEqual(['hooks.example.com']);
    expect(connections()).toBe(0);
  });

  it.each(urlCases.filter(({ phase }) => phase === 'submit'))('$id as text: $why', async ({ url }) => {
    const lookup = (() => {
      throw new Error('Nothing may be looked up');
    }) as never;
    const rules = { ports: [], ownHost: OWN_HOST, loopback: false };
    expect(await send(url, { rules, lookup })).toEqual({ kind: 'blocked' });
  });

  it('if it is loopback, which an earlier setting allowed', async () => {
    const { url, connections } = await serveHttp((_request, response) => response.end());
    expect(await send(url, { rules: { ...onLaptop, loopback: false } })).toEqual({ kind: 'blocked' });
    expect(connections()).toBe(0);
  });
});

it('the time after which a receiver wants another attempt counts from its answer', async () => {
  const clock = { time: NOW, now: () => clock.time };
  const exchange = async (): Promise<HttpOutcome> => {
    clock.time += 10_000;
    const headers = { 'retry-after': new Date(NOW + 30_000).toUTCString() };
    return { kind: 'answered', status: 503, headers, body: Buffer.alloc(0), isTruncated: false };
  };
  expect(await send('https://hooks.example.com/h', { exchange, clock })).toEqual(answered(503, 20));
});

describe('an exchange with a public name', () => {
  it('has these limits, its own connection, and a check of the address before it dials', async () => {
    const asked = signal<ExchangeRequest>();
    const exchange = async (request: ExchangeRequest): Promise<HttpOutcome> => {
      asked.resolve(request);
      return { kind: 'timeout', isConnected: false };
    };
    await send('https://hooks.example.com/h', { exchange });
    const { agent, deadlineMillis, maxBytes, blockList } = await asked.promise;
    expect({ agent, deadlineMillis, maxBytes }).toEqual({ deadlineMillis: 15_000, maxBytes: 65_536 });
    expect(blockList).toBe(forbiddenAddresses);
  });

  it('looks up all addresses, and not only the first', async () => {
    const options = signal<object>();
    const lookup = ((host: string, asked: object, callback: () => void) => {
      options.resolve(asked);
      namesFail('ENOTFOUND')(host, asked, callback);
    }) as typeof dnsLookup;
    await send('https://hooks.example.com/h', { lookup });
    expect(await options.promise).toMatchObject({ all: true });
  });
});

describe('the guarded lookup returns', () => {
  const PUBLIC = [
    { address: '2606:2800:220:1:248:1893:25c8:1946', family: 6 },
    { address: '93.184.216.34', family: 4 },
  ];
  const asIs = namesAre(...PUBLIC.map(({ address }) => address));
  const nothing = ((_host: string, _options: object, callback: (error: null) => void) =>
    void setImmediate(() => callback(null))) as typeof dnsLookup;

  /** What its callback is given: how it failed, then what may be dialled. */
  it.each<[what: string, lookup: typeof dnsLookup, told: unknown[]]>([
    ['all public addresses', asIs, [undefined, PUBLIC]],
    ['none of a private name', namesAre('10.0.0.1'), ['ERR_ADDRESS_NOT_PUBLIC', []]],
    ['none of a name with one private address', namesAre('8.8.8.8', '::1'), ['ERR_ADDRESS_NOT_PUBLIC', []]],
    ['none of a name without addresses', namesAre(), [undefined, []]],
    ['none of a look-up that says nothing', nothing, [undefined, []]],
    ['none of a look-up that failed', namesFail('EAI_AGAIN'), ['EAI_AGAIN', []]],
  ])('%s', async (_what, lookup, told) => {
    const got = signal<unknown[]>();
    const exchange = async ({ lookup: guarded }: ExchangeRequest): Promise<HttpOutcome> => {
      guarded?.('hooks.example.com', { all: true }, (error, ...rest) => got.resolve([error?.code, ...rest]));
      return { kind: 'timeout', isConnected: false };
    };
    await send('https://hooks.example.com/', { lookup, exchange });
    expect(await got.promise).toEqual(told);
  });
});

describe('the check of whether sockets heed the block list', () => {
  it('passes when they do', async () => {
    const check = vi.spyOn(forbiddenAddresses, 'check');
    await assertSsrfProtection();
    expect(check.mock.results.map(({ value }) => value)).toEqual([true, true]);
  });

  it.each([
    ['plain ones do not', false, true],
    ['those under TLS do not', true, false],
    ['none does', false, false],
  ])('refuses all webhooks when %s', async (_what, plain, secure) => {
    vi.spyOn(forbiddenAddresses, 'check').mockReturnValueOnce(plain).mockReturnValueOnce(secure);
    await expect(assertSsrfProtection()).rejects.toThrow('no webhook may be sent');
  });
});
