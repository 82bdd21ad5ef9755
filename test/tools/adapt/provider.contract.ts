import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CreateResult } from '../../../functions/core/upstream/create-result.ts';
import type { Clock, ModelStudio, ReportLimits } from '../../../functions/ports.ts';
import { refusingPort, serveHttp, serveRaw, signal } from '../../edge/servers.ts';

const LIMITS: ReportLimits = { deadlineMillis: 60_000, maxBytes: 400_000 };

type Reply = [status: number, body?: unknown, headers?: Record<string, string>];

interface Client {
  create(): Promise<CreateResult>;
  report: ModelStudio['report'];
}

interface ClientSettings {
  baseUrl: string;
  apiKey: { get(isStale: boolean): Promise<string> };
  clock: Clock;
}

/** A provider, as the rules for its client must know it. */
export interface Provider {
  /** Its `create` submits always the same: valid, with PRIVATE in what is not the provider's business. */
  makeClient(settings: ClientSettings): Client;
  /** How the job `up1` is answered to have been created. */
  created: Reply;
  /** Answers by which nothing was created, as the provider documents them. */
  refusals: [reply: Reply, creation: CreateResult][];
  /** A refusal as invalid that says `sentence`. */
  invalid(sentence: string): Reply;
  /** A report of `up1` in this state, or with this result. */
  running: unknown[];
  unknownState: unknown;
  completed(result: unknown): unknown;
  /** The results of `completed(result)`, as the client of this API gets them. */
  results(result: unknown): unknown[];
  failed: unknown;
  completedOtherJob: unknown;
}

/** What no provider has any business with: where the webhook goes, the metadata. */
export const PRIVATE = 'private';

const NOW = Date.UTC(2026, 0, 1);
const UP1 = { jobId: 'job_1', upstreamJobId: 'up1', totalTasks: 1 };
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const UNKNOWN = expect.objectContaining({ kind: 'unknown' });
const troubled = (cause: string, retryAfterSeconds = 0) => ({
  kind: 'transient_error',
  cause,
  retryAfterSeconds,
});

interface Seen {
  path: string;
  body: string;
  headers: IncomingMessage['headers'];
}

/** Gives its replies one by one, the last one again and again. */
async function replying(...replies: Reply[]) {
  const seen: Seen[] = [];
  const listener: RequestListener = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const [status, answer = '', headers] = replies[Math.min(seen.length, replies.length - 1)] as Reply;
    seen.push({ path: request.url ?? '', body, headers: request.headers });
    response.writeHead(status, headers).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  };
  return { seen, ...(await serveHttp(listener)) };
}

/** A key that is read anew is the next one. */
function keys(...values: string[]) {
  let current = 0;
  return {
    async get(isStale: boolean) {
      if (isStale) current++;
      return values[current] ?? 'none';
    },
  };
}

/** What the flows rely on when they ask a provider, whichever it is. */
export function describeProvider(name: string, provider: Provider): void {
  const clientAt = (url: URL, changes: Partial<ClientSettings> = {}) =>
    provider.makeClient({
      baseUrl: url.origin,
      apiKey: keys('key-1', 'key-2'),
      clock: { now: () => NOW },
      ...changes,
    });
  afterEach(() => {
    vi.useRealTimers();
  });
  describe(`${name}: a create`, () => describeCreate(provider, clientAt));
  describe(`${name}: a key`, () => describeKey(provider, clientAt));
  describe(`${name}: a report`, () => describeReport(provider, clientAt));
}

type ClientAt = (url: URL, changes?: Partial<ClientSettings>) => Client;

function describeCreate(provider: Provider, clientAt: ClientAt): void {
  it('names the job, and tells nothing that is not the provider’s business', async () => {
    const { url, seen } = await replying(provider.created);
    expect(await clientAt(url).create()).toEqual({ kind: 'created', upstreamJobId: 'up1' });
    expect(seen.length).toBe(1);
    expect(JSON.stringify(seen)).not.toContain(PRIVATE);
  });

  it.each(provider.refusals)('counts as not made after %j', async (reply, creation) => {
    const { url, seen } = await replying(reply);
    expect(await clientAt(url).create()).toEqual(creation);
    expect(seen.length).toBe(reply[0] === 401 ? 2 : 1);
  });

  it.each<[what: string, reply: Reply]>([
    ['500', [500]],
    ['502', [502]],
    ['504', [504]],
    ['an empty success', [provider.created[0]]],
    ['a success without an id', [provider.created[0], {}]],
    ['HTML', [provider.created[0], '<html>']],
    ['half a success', [provider.created[0], JSON.stringify(provider.created[1]).slice(0, -1)]],
    ['a flood', [provider.created[0], JSON.stringify(provider.created[1]) + ' '.repeat(3 * 2 ** 20)]],
  ])('counts as perhaps made, and is not repeated: %s', async (_what, reply) => {
    const { url, seen } = await replying(reply);
    expect(await clientAt(url).create()).toEqual(UNKNOWN);
    expect(seen.length).toBe(1);
  });

  it('counts as perhaps made, and is not repeated, when the connection is cut', async () => {
    let requests = 0;
    const { url } = await serveRaw((socket) => {
      requests++;
      socket.destroy();
    });
    expect(await clientAt(url).create()).toEqual(UNKNOWN);
    expect(requests).toBe(1);
  });

  it('counts as perhaps made when no answer comes in the time that the gateway leaves', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const { url } = await serveRaw(() => there.resolve());
    const creation = clientAt(url).create();
    await there.promise;
    vi.advanceTimersByTime(25_000);
    expect(await creation).toEqual(UNKNOWN);
  });

  it('counts as not made when no connection could be established', async () => {
    const url = new URL(`http://127.0.0.1:${await refusingPort()}`);
    expect(await clientAt(url).create()).toEqual({ kind: 'unavailable', retryAfterSeconds: null });
  });

  it('has a new connection of its own, as one that was kept may be dead', async () => {
    const { url, connections } = await replying([200, provider.running[0]], provider.created);
    const client = clientAt(url);
    await client.report(UP1, LIMITS);
    await client.create();
    expect(connections()).toBe(2);
  });

  it('brings one line of the provider’s own words, no more than 300 characters, and never the key', async () => {
    const sentence = async (words: string) => {
      const { url } = await replying(provider.invalid(words));
      const creation = await clientAt(url).create();
      return creation.kind === 'invalid' ? creation.sentence : creation.kind;
    };
    expect(await sentence('Too\r\nhot')).toBe('Too hot');
    expect(await sentence('x'.repeat(1000))).toBe('x'.repeat(300));
    expect(await sentence('bad key key-1')).toBeNull();
  });
}

function describeKey(provider: Provider, clientAt: ClientAt): void {
  const sent = (seen: Seen[]) => seen.map(({ headers }) => headers.authorization?.split(' ')[1]);

  it('that is refused is read again once, and the create is made again', async () => {
    const { url, seen } = await replying([401], provider.created);
    expect(await clientAt(url).create()).toMatchObject({ kind: 'created' });
    expect(sent(seen)).toEqual(['key-1', 'key-2']);
  });

  it('that is refused is read again once, and the report is asked for again', async () => {
    const { url, seen } = await replying([401], [200, provider.running[0]]);
    expect(await clientAt(url).report(UP1, LIMITS)).toMatchObject({ kind: 'running' });
    expect(sent(seen)).toEqual(['key-1', 'key-2']);
  });

  it('that is refused again is reported as refused', async () => {
    const { url } = await replying([401]);
    expect(await clientAt(url).create()).toEqual({ kind: 'credentials_refused', sentence: null });
    expect(await clientAt(url).report(UP1, LIMITS)).toEqual(troubled('unauthorized'));
  });

  it('that cannot be read is a fault of ours, and nothing is sent', async () => {
    const { url, seen } = await replying(provider.created);
    const apiKey = { get: () => Promise.reject(new Error('no secret')) };
    await expect(clientAt(url, { apiKey }).create()).rejects.toThrow('no secret');
    await expect(clientAt(url, { apiKey }).report(UP1, LIMITS)).rejects.toThrow('no secret');
    expect(seen).toEqual([]);
  });
}

function describeReport(provider: Provider, clientAt: ClientAt): void {
  const reported = async (...reply: Reply) => clientAt((await replying(reply)).url).report(UP1, LIMITS);

  it.each(provider.running)('knows that it runs: %j', async (body) => {
    expect(await reported(200, body)).toMatchObject({ kind: 'running', unknownState: null });
  });

  it('takes a state that it does not know for running', async () => {
    expect(await reported(200, provider.unknownState)).toMatchObject({
      kind: 'running',
      unknownState: expect.any(String),
    });
  });

  it.each(['text', '', 0, null, ['é😀\ud800'], { a: { b: [null] } }])(
    'keeps the result %j',
    async (result) => {
      const report = await reported(200, provider.completed(result));
      const json = report.kind === 'completed' ? report.results.json : report.kind;
      expect(report).toMatchObject({ kind: 'completed', results: { failedTasks: 0 } });
      expect(JSON.parse(json as string)).toEqual(provider.results(result));
    },
  );

  it('knows that it has failed', async () => {
    expect(await reported(200, provider.failed)).toMatchObject({ kind: 'failed' });
  });

  it.each<[what: string, reply: Reply, report: object]>([
    ['404', [404, {}], { kind: 'missing', isGone: false }],
    ['403', [403], troubled('unauthorized')],
    ['429', [429, '', { 'retry-after': '9' }], troubled('unavailable', 9)],
    ['500', [500], troubled('server_error')],
    ['a redirect', [307, '', { location: '/elsewhere' }], troubled('invalid_response')],
    ['nothing', [200], troubled('invalid_response')],
    ['HTML', [200, '<html>'], troubled('invalid_response')],
    ['no state', [200, { id: 'up1', job_id: 'up1' }], troubled('invalid_response')],
    ['another job', [200, provider.completedOtherJob], troubled('invalid_response')],
    ['100 000 levels', [200, DEEP], troubled('invalid_response')],
    ['more than was asked for', [200, provider.completed('x'.repeat(400_000))], { kind: 'too_large' }],
  ])('does not end a running job: %s', async (_what, reply, report) => {
    expect(await reported(...reply)).toEqual(report);
  });

  it('says nothing if the connection is cut or cannot be established', async () => {
    const { url } = await serveRaw((socket) => void socket.destroy());
    expect(await clientAt(url).report(UP1, LIMITS)).toEqual(troubled('cut'));
    const nowhere = new URL(`http://127.0.0.1:${await refusingPort()}`);
    expect(await clientAt(nowhere).report(UP1, LIMITS)).toEqual(troubled('not_connected'));
  });

  it('gives up at the deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const there = signal();
    const { url } = await serveRaw(() => there.resolve());
    const report = clientAt(url).report(UP1, LIMITS);
    await there.promise;
    vi.advanceTimersByTime(60_000);
    expect(await report).toEqual({ kind: 'too_slow' });
  });

  it('accepts an id of any characters, and asks for no other path', async () => {
    const { url, seen } = await replying([404]);
    await clientAt(url).report({ ...UP1, upstreamJobId: '../a?b#c' }, LIMITS);
    expect(seen[0]?.path.endsWith('/..%2Fa%3Fb%23c')).toBe(true);
  });
}
