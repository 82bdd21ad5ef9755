import type { lookup as dnsLookup, LookupAddress } from 'node:dns';
import { BlockList, type LookupFunction, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { afterAttempt } from '../../../functions/core/webhook/attempt.ts';
import { forbiddenAddresses } from '../../../functions/core/webhook/public-address.ts';
import { type ExchangeRequest, exchange } from '../../../functions/edge/exchange.ts';
import { createWebhooks } from '../../../functions/edge/webhooks.ts';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { DELIVERY } from '../../cloud/jobs.ts';
import { UNWATCHED } from '../../cloud/ports.ts';
import corpus from '../../core/corpus/webhook-urls.json' with { type: 'json' };
import { listen } from './listener.ts';
import { type Operator, operatorOf } from './operator.ts';
import { call, type LocalSystem, startLocally, submission, upstreamEnv } from './system.ts';

/** A webhook URL and its verdict. */
interface Case {
  id: string;
  url: string;
  expect: 'block' | 'allow';
  why: string;
  /** `submit`: refused as text; `connect`: judged by its addresses; `response`: by what the receiver answers. */
  phase: 'submit' | 'connect' | 'response';
  cls: string;
  /** Successive look-ups: the addresses, or how it failed. */
  dns?: (string[] | 'NXDOMAIN' | 'SERVFAIL')[];
  response?: { status: number; location: string };
}

const cases = corpus as Case[];
const refused = cases.filter(({ phase }) => phase === 'submit');
const passed = cases.filter(({ phase }) => phase !== 'submit');
const BODY = '{"type":"job.completed"}';
const strict = { ports: [] as number[], ownHost: 'api.example.com', loopback: false };

describe('a system with the deployed rules', () => {
  let sandbox: Sandbox;
  let system: LocalSystem;
  let operator: Operator;
  let isReleased = false;

  beforeAll(async () => {
    const held = {
      note: 'done when released',
      taskEndsAt: () => (isReleased ? 0 : Number.POSITIVE_INFINITY),
    };
    sandbox = await startSandbox({ models: { held } });
    system = await startLocally(upstreamEnv(sandbox), '--strict-webhooks');
    operator = await operatorOf(system);
  });

  afterAll(async () => {
    operator?.close();
    await Promise.all([system?.stop(), sandbox?.close()]);
  });

  const submit = (model: string, url: string) =>
    call(system, 'POST', '/v1/jobs', { ...submission(model, 'hi'), webhook_url: url });

  it.each(refused)('refuses $id as text: $why', async ({ url }) => {
    const creates = sandbox.creates;
    const { host } = new URL(system.api_url);
    const { status, json } = await submit('sandbox-never', url.replace('{SELF_API_HOST}', host));
    expect([status, json.code], JSON.stringify(json)).toEqual([400, 'invalid_request']);
    expect(json.errors).toEqual([{ pointer: '/webhook_url', message: expect.stringMatching(/^Must /) }]);
    expect(sandbox.creates).toBe(creates);
  });

  // The job never ends, so nobody ever calls these.
  it.each(passed)('accepts $id as text: $why', async ({ url }) => {
    const { status, json } = await submit('sandbox-never', url);
    expect(status, JSON.stringify(json)).toBe(202);
    expect(json.webhook).toMatchObject({ url, status: 'pending' });
  });

  it('checks a URL again when it calls it, as the rules may have become stricter', async () => {
    const receiver = await listen();
    const urls = [
      `http://127.0.0.1:${receiver.port}/`,
      `http://localhost:${receiver.port}/`,
      `https://127.0.0.1:${receiver.port}/`,
      `https://localhost:${receiver.port}/`,
      'https://169.254.169.254/latest/meta-data/',
      'https://hooks.example.com:8443/',
    ];
    const jobIds: string[] = [];
    for (const url of urls) {
      const { json } = await submit('held', 'https://hooks.example.com/');
      await operator.putWebhookUrl(json.job_id, url);
      jobIds.push(json.job_id);
    }
    isReleased = true;
    for (const jobId of jobIds) {
      const webhook = await vi.waitFor(async () => {
        const { json } = await call(system, 'GET', `/v1/jobs/${jobId}`);
        expect(json.webhook.status).not.toBe('pending');
        return json.webhook;
      }, 40_000);
      expect(webhook).toMatchObject({ status: 'blocked', attempts: 1, last_status: null });
    }
    expect(receiver.connections).toBe(0);
  });
});

/** Answers later, as DNS does. */
function lookupOf(answer: NonNullable<Case['dns']>[number]): typeof dnsLookup {
  const codes = { NXDOMAIN: 'ENOTFOUND', SERVFAIL: 'EAI_AGAIN' };
  return ((_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) =>
    setImmediate(() => {
      if (typeof answer === 'string')
        return callback(Object.assign(new Error(answer), { code: codes[answer] }));
      const addresses = answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]?.address, addresses[0]?.family);
    })) as unknown as typeof dnsLookup;
}

function webhooksWith(changes: Partial<Parameters<typeof createWebhooks>[0]>) {
  return createWebhooks({
    rules: strict,
    credentialsOf: async () => ({ secrets: [`whsec_${Buffer.alloc(24).toString('base64')}`], headers: {} }),
    lanes: UNWATCHED,
    clock: { now: Date.now },
    lookup: lookupOf('NXDOMAIN'),
    ...changes,
  });
}

describe('an address is checked at every connection:', () => {
  /** Looks up what the socket would, and notes it instead of dialling it: no test may leave this machine. */
  async function noteInsteadOfDialling(request: ExchangeRequest, dialled: string[]) {
    const addresses = await new Promise<LookupAddress[]>((resolve) =>
      request.lookup?.(request.url.hostname, { all: true }, (error, found) =>
        resolve(error ? [] : (found as LookupAddress[])),
      ),
    );
    if (addresses.length === 0) return exchange(request);
    expect(request.blockList).toBe(forbiddenAddresses);
    dialled.push(...addresses.map(({ address }) => address));
    return { kind: 'answered', status: 204, headers: {}, body: Buffer.alloc(0), isTruncated: false } as const;
  }

  const verdicts: Record<string, object> = {
    allow: { kind: 'answered', status: 204, retryAfterSeconds: null },
    block: { kind: 'blocked' },
    dnsfail: { kind: 'failed', error: 'dns' },
  };

  it.each(cases.filter(({ phase }) => phase === 'connect'))(
    '$id is $expect with $dns: $why',
    async (each) => {
      const { url, dns = [], cls } = each;
      const verdict = verdicts[cls] ?? verdicts[each.expect];
      for (const [attempt, answer] of dns.entries()) {
        const isLast = attempt === dns.length - 1;
        const dialled: string[] = [];
        const outcome = await webhooksWith({
          lookup: lookupOf(answer),
          exchange: (request) => noteInsteadOfDialling(request, dialled),
        }).send({ ...DELIVERY, url }, BODY);
        expect(outcome).toEqual(isLast ? verdict : verdicts['allow']);
        expect(dialled).toEqual(isLast && each.expect === 'block' ? [] : answer);
      }
    },
  );

  it.each(refused)('$id is not even looked up, as it is refused: $why', async ({ url }) => {
    const lookup = vi.fn();
    const own = url.replace('{SELF_API_HOST}', strict.ownHost);
    expect(await webhooksWith({ lookup: lookup as never }).send({ ...DELIVERY, url: own }, BODY)).toEqual({
      kind: 'blocked',
    });
    expect(lookup).not.toHaveBeenCalled();
  });
});

describe('a redirect is a failed attempt, and its target is not called', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(cases.filter(({ phase }) => phase === 'response'))('$id: $why', async ({ url, response }) => {
    const { status, location } = response as NonNullable<Case['response']>;
    const receiver = await listen((socket) =>
      socket.end(`HTTP/1.1 ${status} Elsewhere\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`),
    );
    const connects = vi.spyOn(Socket.prototype, 'connect');
    const webhooks = webhooksWith({
      // This machine plays the public address that the name leads to.
      exchange: ({ lookup, blockList, ...request }) =>
        exchange({ ...request, url: new URL(request.url.pathname, `http://127.0.0.1:${receiver.port}`) }),
    });
    const outcome = await webhooks.send({ ...DELIVERY, url }, BODY);
    expect(outcome).toEqual({ kind: 'answered', status, retryAfterSeconds: null, location });
    expect(afterAttempt(outcome, 1, [0, 5], 0.5, 5000)).toEqual({ step: 'retry', waitMillis: 5000 });
    expect([connects.mock.calls.length, receiver.connections]).toEqual([1, 1]);
  });
});

describe('the socket itself refuses an address that is not public', () => {
  const addresses: [what: string, address: string][] = [
    ['loopback', '127.0.0.1'],
    ['the far end of loopback', '127.255.255.254'],
    ['unspecified', '0.0.0.0'],
    ['link-local: instance metadata', '169.254.169.254'],
    ['private', '10.0.0.1'],
    ['shared by carriers', '100.64.0.1'],
    ['WireServer', '168.63.129.16'],
    ['loopback', '::1'],
    ['unspecified', '::'],
    ['link-local', 'fe80::1'],
    ['unique local: instance metadata', 'fd00:ec2::254'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped loopback in hex', '::ffff:7f00:1'],
    ['IPv4-mapped link-local', '::ffff:169.254.169.254'],
    ['IPv4-compatible loopback', '::127.0.0.1'],
    ['IPv4-translated loopback', '::ffff:0:7f00:1'],
    ['NAT64 loopback', '64:ff9b::7f00:1'],
    ['NAT64 link-local', '64:ff9b::169.254.169.254'],
    ['local NAT64 loopback', '64:ff9b:1::7f00:1'],
    ['6to4 loopback', '2002:7f00:1::1'],
    ['Teredo', '2001:0:7f00:1::1'],
  ];
  const blocked = { kind: 'not_connected', code: 'ERR_IP_BLOCKED' };
  const literal = (address: string) => (address.includes(':') ? `[${address}]` : address);

  function dial(url: string, changes: Partial<ExchangeRequest> = {}) {
    const request = { method: 'POST', url: new URL(url), headers: {}, body: BODY } as const;
    const limits = { deadlineMillis: 5000, maxBytes: 1000, blockList: forbiddenAddresses };
    return exchange({ ...request, ...limits, ...changes });
  }

  /** What the list alone says to a name that was not judged before. */
  async function dialByName(address: string, port: number) {
    const lookup = lookupOf([address]) as LookupFunction;
    const webhooks = webhooksWith({
      rules: { ...strict, ports: [port] },
      exchange: (request) => exchange({ ...request, lookup }),
    });
    return webhooks.send({ ...DELIVERY, url: `https://hooks.example.com:${port}/` }, BODY);
  }

  it.each(addresses)('%s %s', async (_what, address) => {
    const receiver = await listen();
    const { port } = receiver;
    // Each way is tried with loopback first: were the list not in force, the rest would leave this machine.
    for (const each of ['127.0.0.1', address]) {
      expect(await dial(`http://${literal(each)}:${port}/`), `http ${each}`).toEqual(blocked);
      expect(await dial(`https://${literal(each)}:${port}/`), `https ${each}`).toEqual(blocked);
      expect(await dialByName(each, port), `a name of ${each}`).toEqual({ kind: 'blocked' });
    }
    expect(receiver.connections).toBe(0);
  });

  it('although the receiver could be reached', async () => {
    const receiver = await listen((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    const outcome = await dial(`http://127.0.0.1:${receiver.port}/`, { blockList: new BlockList() });
    expect(outcome).toMatchObject({ kind: 'answered', status: 204 });
    expect(receiver.connections).toBe(1);
  });
});

describe('a slow receiver holds nobody up for longer than the deadline', () => {
  const DRIP_MILLIS = 5;

  /** Says the beginning at once, then the rest again and again, a drop at a time, until it is hung up on. */
  function dripping(beginning: string, rest: string) {
    return (socket: Socket) => {
      socket.write(beginning);
      let at = 0;
      const timer = setInterval(() => socket.write(rest.charAt(at++ % rest.length)), DRIP_MILLIS);
      socket.on('close', () => clearInterval(timer));
    };
  }

  it.each<[what: string, protocol: 'http' | 'https', answer: (socket: Socket) => void]>([
    ['no answer', 'http', () => undefined],
    ['no handshake', 'https', () => undefined],
    ['a status line', 'http', dripping('HTTP/1.1 200 ', 'OK')],
    ['headers', 'http', dripping('HTTP/1.1 200 OK\r\n', 'a: b\r\n')],
    ['a body', 'http', dripping('HTTP/1.1 200 OK\r\n\r\n', '.')],
    [
      'a body in chunks',
      'http',
      dripping('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n.\r\n'),
    ],
    ['a body that stops', 'http', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n')],
    ['interim answers', 'http', dripping('', 'HTTP/1.1 102 Processing\r\n\r\n')],
    ['nothing is read', 'http', (socket) => socket.pause()],
  ])('%s', async (_what, protocol, answer) => {
    const receiver = await listen(answer);
    const deadlines: number[] = [];
    const webhooks = webhooksWith({
      rules: { ...strict, loopback: true },
      exchange(request) {
        deadlines.push(request.deadlineMillis);
        const url = new URL(`${protocol}://127.0.0.1:${receiver.port}/`);
        return exchange({ ...request, url, blockList: new BlockList(), deadlineMillis: 300 });
      },
    });
    const outcome = await webhooks.send({ ...DELIVERY, url: 'http://localhost/' }, BODY);
    expect(outcome).toEqual({ kind: 'failed', error: 'timeout' });
    expect(deadlines).toEqual([15_000]);
    expect(receiver.connections).toBe(1);
    await receiver.ended();
  });
});
