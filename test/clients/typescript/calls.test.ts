import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConnectionError,
  JobError,
  ModelStudioJobsClient,
  StillRunningError,
} from '../../../clients/typescript/index.ts';
import {
  cut,
  finished,
  job,
  KEY,
  lost,
  problem,
  REQUEST,
  type Reply,
  scripted,
  URL_OF_API,
} from './scripted.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  expect(vi.getTimerCount(), 'A timer that is left behind keeps a process alive').toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets all waits pass. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await vi.runAllTimersAsync();
  return promise;
}

const rejection = (promise: Promise<unknown>) =>
  settled(promise).then(
    () => expect.unreachable('It has succeeded'),
    (error) => error,
  );

describe('a submission is repeated with the same key after', () => {
  it.each<[string, Reply]>([
    [
      '409 while it is being submitted',
      [409, problem(409, 'submission_in_progress'), { 'retry-after': '1' }],
    ],
    ["429 of the gateway's throttle", [429, { message: 'Too Many Requests' }]],
    ['500 of the gateway', [500, { message: 'Internal Server Error' }]],
    ['500 of the API', [500, problem(500, 'internal_error')]],
    ['502 of a proxy', [502, '<html>Bad gateway</html>']],
    ['503 of ModelStudio', [503, problem(503, 'modelstudio_unavailable'), { 'retry-after': '5' }]],
    ['503 of the gateway', [503, { message: 'Service Unavailable' }]],
    ['504 of a proxy', [504, 'upstream request timeout']],
    ['a lost connection', lost()],
    ['an answer that is cut', cut('{"job_id":')],
  ])('%s', async (_what, reply) => {
    const { client, seen } = scripted(reply, [202, job()]);
    expect(await settled(client.submit(REQUEST))).toEqual(job());
    const keys = seen.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen.map(({ body }) => body)).toEqual([JSON.stringify(REQUEST), JSON.stringify(REQUEST)]);
  });
});

describe('a call is not repeated after', () => {
  it.each<[string, Reply, RegExp]>([
    [
      '400, whose faults it names',
      [400, problem(400, 'invalid_request', { errors: [{ pointer: '/model_id', message: 'is missing' }] })],
      /^400 invalid_request: A sentence\. \/model_id: is missing \(POST \/v1\/jobs, request id req-1\)$/,
    ],
    ['401', [401, problem(401, 'unauthenticated')], /^401 unauthenticated/],
    ['404 of another page', [404, '<h1>Not here</h1>'], /^404 <h1>Not here<\/h1> \(POST/],
    ['409 of a deleted job', [409, problem(409, 'job_deleted'), { 'retry-after': '1' }], /^409 job_deleted/],
    ['413 of the gateway', [413, { message: 'Request Too Long' }], /^413 Request Too Long/],
    ['422', [422, problem(422, 'idempotency_key_reused')], /^422 idempotency_key_reused/],
    [
      '429 of a quota',
      [429, problem(429, 'too_many_uploads'), { 'retry-after': '60' }],
      /^429 too_many_uploads/,
    ],
    [
      "502 of a deployment's wrong key",
      [502, problem(502, 'modelstudio_rejected')],
      /^502 modelstudio_rejected/,
    ],
    [
      'a redirect, where the key must not go',
      [301, '', { location: 'https://evil.example/?a=b' }],
      /^301 no body to https:\/\/evil\.example\/ \(/,
    ],
    [
      'a page in place of JSON',
      [200, '<html>', { 'content-type': 'text/html' }],
      /^200 with text\/html, which is not JSON: is the URL right\?/,
    ],
    ['JSON of something else', [200, { status: 'ok' }], /^200 with what is not a job: is the URL right\?/],
    [
      'a certificate that is not trusted',
      new TypeError('fetch failed', {
        cause: Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      }),
      /^No answer to POST \/v1\/jobs: fetch failed: self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
    ],
    [
      'a port that fetch never calls',
      new TypeError('fetch failed', { cause: new Error('bad port') }),
      /^No answer to POST \/v1\/jobs: fetch failed: bad port$/,
    ],
    [
      'a file that has changed',
      new TypeError('fetch failed', { cause: new DOMException('Not read', 'NotReadableError') }),
      /^No answer to POST \/v1\/jobs: fetch failed: Not read$/,
    ],
  ])('%s', async (_what, reply, message) => {
    const { client, seen } = scripted(reply);
    const error = await rejection(client.submit(REQUEST, { idempotencyKey: 'order-1' }));
    expect(error.message).toMatch(message);
    expect(error.idempotencyKey).toBe('order-1');
    expect(seen).toHaveLength(1);
  });
});

describe('an answer of something else than the API is an ApiError at once, for', () => {
  it.each<[string, (client: ModelStudioJobsClient) => Promise<unknown>, string]>([
    ['list', (client) => client.list().next(), 'a list of jobs'],
    ['deliveries', (client) => client.deliveries('job_1'), 'a list of deliveries'],
    ['redeliverAll', (client) => client.redeliverAll({ webhook_status: 'gone' }), 'a count'],
    ['upload', (client) => client.upload(new Blob(['x']), { format: 'json' }), 'an upload'],
    ['results', (client) => client.results('job_1'), 'results'],
  ])('%s', async (_what, call, what) => {
    for (const answer of [{}, 'null', '"jobs"']) {
      const { client, seen } = scripted([200, answer], [404]);
      const error = await rejection(call(client));
      expect(error).toMatchObject({ name: 'ApiError', status: 200 });
      expect(error.message).toMatch(`200 with what is not ${what}: is the URL right? (`);
      expect(seen).toHaveLength(1);
    }
  });
});

describe('the wait before a repeat', () => {
  it.each<[string, Record<string, string>, number]>([
    ['is that of Retry-After', { 'retry-after': '7' }, 7000],
    ['may be a fraction', { 'retry-after': '0.25' }, 250],
    ['may be a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9000],
    ['may be a date without a zone', { 'retry-after': 'Thu Jan  1 00:00:09 2026' }, 9000],
    [
      "counts a date from the API's clock",
      { 'retry-after': 'Thu, 01 Jan 2026 01:00:09 GMT', date: 'Thu, 01 Jan 2026 01:00:00 GMT' },
      9000,
    ],
    ['is short after a Retry-After of 0, but no busy loop', { 'retry-after': '0' }, 100],
    ['is its own if Retry-After says nothing', { 'retry-after': 'soon' }, 250],
    ['is its own without one', {}, 250],
  ])('%s', async (_what, headers, ms) => {
    const { client, seen } = scripted([503, '', headers], [200, job()]);
    await settled(client.get('job_1'));
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBe(ms);
  });

  it('grows up to 20 s, the half of it by chance, and ends at the deadline', async () => {
    const { client, seen } = scripted(lost());
    const error = await rejection(client.get('job_1'));
    const waits = seen.slice(1).map(({ at }, i) => at - (seen[i]?.at ?? 0));
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, ...Array(10).fill(10_000)]);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toBe('No answer to GET /v1/jobs/job_1, attempt 17: fetch failed: read ECONNRESET');
  });

  it('is not begun if it would pass the deadline: the caller hears at once how long it would be', async () => {
    const { client, seen } = scripted([
      503,
      problem(503, 'modelstudio_unavailable'),
      { 'retry-after': '3600' },
    ]);
    const startedAt = Date.now();
    const error = await rejection(client.submit(REQUEST));
    expect(error).toMatchObject({ status: 503, retryAfterMs: 3_600_000, idempotencyKey: expect.any(String) });
    expect([seen.length, Date.now() - startedAt]).toEqual([1, 0]);
  });
});

describe('a deadline', () => {
  it('ends an attempt that hangs, after which the call is repeated', async () => {
    const { client, seen } = scripted('never', [200, job()]);
    await settled(client.get('job_1'));
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBe(35_250);
  });

  it('ends the call, with what has happened last', async () => {
    const { client } = scripted('never');
    const error = await rejection(client.get('job_1', { deadlineMs: 10_000 }));
    expect(error.message).toBe('No answer to GET /v1/jobs/job_1: nothing came within 10 s');
  });

  it('of a wait leaves the job alone, and shows it as it was seen last', async () => {
    const { client, seen } = scripted([
      200,
      job({ completed_tasks: 2, total_tasks: 9 }),
      { 'retry-after': '60' },
    ]);
    const error = await rejection(client.wait('job_1', { deadlineMs: 90_000 }));
    expect(error).toBeInstanceOf(StillRunningError);
    expect(error.message).toBe('job_1 is still running at the deadline, with 2 of 9 tasks done');
    expect(seen.map(({ at }) => at - (seen[0]?.at ?? 0))).toEqual([0, 60_000, 90_000]);
  });
});

describe('a deadline of run', () => {
  it('holds for its results, too', async () => {
    const { client, seen } = scripted([202, finished({ results: null })], [503]);
    const startedAt = Date.now();
    const error = await rejection(client.run(REQUEST, { deadlineMs: 9000 }));
    expect(error.message).toMatch(/^503 no body \(GET \/v1\/jobs\/job_1\/results, attempt/);
    expect(Date.now() - startedAt).toBeLessThan(9000);
    expect(seen.length).toBeGreaterThan(3);
  });

  it('leaves a while for the results of a job that has ended just then', async () => {
    const late: Reply = [200, finished({ results: null })];
    const { client } = scripted([202, job()], [200, job(), { 'retry-after': '60' }], late, lost(), [200, []]);
    expect(await settled(client.run(REQUEST, { deadlineMs: 9000 }))).toMatchObject({ results: [] });
  });
});

it('a clock that is set meanwhile changes no deadline', async () => {
  const setForward = (status: number) => () => {
    vi.setSystemTime(Date.now() + 3_600_000);
    return Response.json(job(), { status });
  };
  const { client } = scripted(setForward(503), setForward(200), [200, finished()]);
  expect(await settled(client.wait('job_1', { deadlineMs: 9000 }))).toEqual(finished());
});

describe('a signal', () => {
  it.each<[string, Reply]>([
    ['while it waits to repeat', [503, '', { 'retry-after': '60' }]],
    ['while it waits for an answer', 'never'],
  ])('ends a call %s, with its own reason', async (_what, reply) => {
    const { client, seen } = scripted(reply);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('Enough')), 1000);
    const startedAt = Date.now();
    expect((await rejection(client.submit(REQUEST, { signal: controller.signal }))).message).toBe('Enough');
    expect([seen.length, Date.now() - startedAt]).toEqual([1, 1000]);
  });

  it('that has ended before makes no call', async () => {
    const { client, seen } = scripted([200, job()]);
    expect((await rejection(client.get('job_1', { signal: AbortSignal.abort() }))).name).toBe('AbortError');
    expect(seen).toEqual([]);
  });

  it('that serves many calls gathers no listeners', async () => {
    const { signal } = new AbortController();
    const { client } = scripted(
      lost(),
      [200, job()],
      [200, job(), { 'retry-after': '1' }],
      [200, finished()],
    );
    await settled(client.get('job_1', { signal }));
    const waiting = [1, 2, 3].map(() => client.wait('job_1', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const each of waiting) await settled(each);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a job', () => {
  it('whose creation is uncertain is followed, and not submitted again', async () => {
    const end = finished({
      status: 'failed',
      error: { code: 'submission_unknown', message: 'Nobody knows.' },
    });
    const unknown = problem(504, 'submission_unknown', { job_id: 'job_1' });
    const { client, seen } = scripted([504, unknown, { 'x-should-retry': 'false' }], [200, end]);
    const error = await rejection(client.run(REQUEST));
    expect(error).toBeInstanceOf(JobError);
    expect(error.message).toBe('job_1 is failed, submission_unknown: Nobody knows.');
    expect(error.job).toEqual(end);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://jobs.example.com/v1/jobs',
      'GET https://jobs.example.com/v1/jobs/job_1',
    ]);
  });

  it.each<[string, Reply, RegExp]>([
    ['is lost', lost(), /^No answer to GET/],
    ['is refused', [403, problem(403, 'insufficient_scope')], /^403 insufficient_scope/],
  ])(
    'whose creation is uncertain keeps its id and its key if the look at it %s',
    async (_what, look, why) => {
      const { client } = scripted([504, problem(504, 'submission_unknown', { job_id: 'job_1' })], look);
      const error = await rejection(client.submit(REQUEST, { idempotencyKey: 'order-1' }));
      expect(error).toMatchObject({ code: 'submission_unknown', idempotencyKey: 'order-1' });
      expect([error.problem.job_id, error.cause.message]).toEqual(['job_1', expect.stringMatching(why)]);
    },
  );

  it('whose creation is uncertain is not looked at any longer than its caller wants', async () => {
    const controller = new AbortController();
    const look = () => {
      controller.abort(new Error('Enough'));
      throw lost();
    };
    const { client } = scripted([504, problem(504, 'submission_unknown', { job_id: 'job_1' })], look);
    const error = await rejection(client.submit(REQUEST, { signal: controller.signal }));
    expect(error.message).toBe('Enough');
  });

  it.each(['failed', 'cancelled', 'expired'])(
    'that ends %s is an error of run, and none of wait',
    async (status) => {
      const end = finished({ status });
      const { client } = scripted([202, job()], [200, end], [200, end]);
      expect((await rejection(client.run(REQUEST))).job).toEqual(end);
      expect(await settled(client.wait('job_1'))).toEqual(end);
    },
  );

  it('whose upload was refused says where it is wrong', async () => {
    const details = [
      { line: 2, message: 'Too long' },
      { pointer: '', message: 'Empty' },
    ];
    const error = { code: 'invalid_input', message: 'Not valid.', details };
    const { client } = scripted([202, job()], [200, finished({ status: 'failed', error })]);
    const said = 'job_1 is failed, invalid_input: Not valid. line 2: Too long; file: Empty';
    expect((await rejection(client.run(REQUEST))).message).toBe(said);
  });

  it('is read until it has ended, as often as the API says, whatever happens in between', async () => {
    const { client, seen } = scripted(
      [202, job()],
      [200, job({ status: 'queued' }), { 'retry-after': '5' }],
      lost(),
      [503, problem(503, 'job_unavailable'), { 'retry-after': '2' }],
      [200, job({ status: 'a word of a later release' }), { 'retry-after': '3' }],
      [200, finished({ results: [{ task_index: 0, result: 'Hi' }] })],
    );
    const looks: string[] = [];
    const onProgress = ({ status }: { status: string }) => looks.push(status);
    expect((await settled(client.run(REQUEST, { onProgress }))).results).toEqual([
      { task_index: 0, result: 'Hi' },
    ]);
    expect(looks).toEqual(['queued', 'a word of a later release', 'completed']);
    expect(seen.slice(1).map(({ at }) => at - (seen[0]?.at ?? 0))).toEqual([0, 5000, 5250, 7250, 10_250]);
  });

  it.each<[string, string, number]>([
    ['no busy loop', '0', 500],
    ['no wait of days', '9999999', 900_000],
  ])('is read after %s, whatever Retry-After says', async (_what, retryAfter, ms) => {
    const { client, seen } = scripted([200, job(), { 'retry-after': retryAfter }], [200, finished()]);
    await settled(client.wait('job_1'));
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBe(ms);
  });

  it('that is deleted or redelivered twice, as the first answer was lost, was so once', async () => {
    const deleting = scripted(lost(), [404, problem(404, 'not_found')]);
    await settled(deleting.client.delete('job_1'));
    expect((await rejection(scripted([404, problem(404, 'not_found')]).client.delete('job_1'))).status).toBe(
      404,
    );

    const tooMany: Reply = [429, problem(429, 'too_many_redeliveries'), { 'retry-after': '59' }];
    const redelivering = scripted(lost(), tooMany, [200, finished()]);
    expect(await settled(redelivering.client.redeliver('job_1'))).toEqual(finished());
    expect((await rejection(scripted(tooMany).client.redeliver('job_1'))).code).toBe('too_many_redeliveries');
  });
});

it('a list goes on over pages that are empty, and stops where its reader does', async () => {
  const page = (ids: string[], next_cursor: string | null): Reply => [
    200,
    { jobs: ids.map((job_id) => ({ job_id })), next_cursor },
  ];
  const { client, seen } = scripted(page(['a', 'b'], 'c1'), page([], 'c2'), page(['c'], null));
  const ids = [];
  for await (const { job_id } of client.list({ status: 'failed', created_after: new Date(0) }))
    ids.push(job_id);
  expect(ids).toEqual(['a', 'b', 'c']);
  expect(seen.map(({ url }) => new URL(url).search)).toEqual([
    '?limit=100&status=failed&created_after=1970-01-01T00%3A00%3A00.000Z',
    '?limit=100&status=failed&created_after=1970-01-01T00%3A00%3A00.000Z&cursor=c1',
    '?limit=100&status=failed&created_after=1970-01-01T00%3A00%3A00.000Z&cursor=c2',
  ]);
  const other = scripted(page(['a', 'b'], 'c1'));
  for await (const _job of other.client.list()) break;
  expect(other.seen).toHaveLength(1);
});

describe('the key', () => {
  it.each<[string, RegExp]>([
    ['', /^key is missing/],
    ['whsec_c2VjcmV0', /^key is a webhook secret/],
    ['msj_a_b\n', /^key must be the client key as it was shown/],
    ['"msj_a_b"', /^key must be the client key as it was shown/],
  ])('%j is none', (key, message) => {
    expect(() => new ModelStudioJobsClient({ url: URL_OF_API, key })).toThrow(message);
    if (key) expect(() => new ModelStudioJobsClient({ url: URL_OF_API, key })).not.toThrow(key);
  });

  it('is in no error and no picture of the client', async () => {
    const { client } = scripted([400, `Your header was Bearer ${KEY}`]);
    const error = await rejection(client.get('job_1'));
    const { inspect } = await import('node:util');
    expect(
      inspect([error, client], { depth: 9, showHidden: true }) + JSON.stringify([error, client]),
    ).not.toContain(KEY);
  });
});

describe('the URL', () => {
  it.each([URL_OF_API, `${URL_OF_API}/`, `${URL_OF_API}/v1`, `${URL_OF_API}/v1/jobs/`])(
    'may be %s',
    async (url) => {
      const { fetch, seen } = scripted([200, job()]);
      await new ModelStudioJobsClient({ url, key: KEY, fetch }).get('job_1');
      expect(seen[0]?.url).toBe(`${URL_OF_API}/v1/jobs/job_1`);
    },
  );

  it.each([
    '',
    'jobs.example.com',
    'ftp://a.example',
    'https://user:pass@a.example',
    'https://a.example/?a=b',
  ])('may not be %j', (url) =>
    expect(() => new ModelStudioJobsClient({ url, key: KEY })).toThrow(/^url must be /),
  );
});

describe('a fetch', () => {
  it('that is none is said when the client is made', () => {
    const make = (fetch: unknown) =>
      new ModelStudioJobsClient({ url: URL_OF_API, key: KEY, fetch: fetch as never });
    expect(() => make('fetch')).toThrow(/^fetch must be a function/);
    vi.stubGlobal('fetch', undefined);
    expect(() => make(undefined)).toThrow(/^fetch must be a function/);
    vi.unstubAllGlobals();
  });

  it('that has a fault is called once, and its error is thrown as it is', async () => {
    const fetch = vi.fn(() => {
      throw new ReferenceError('agent is not defined');
    });
    const client = new ModelStudioJobsClient({ url: URL_OF_API, key: KEY, fetch });
    expect((await rejection(client.get('job_1'))).name).toBe('ReferenceError');
    expect(fetch).toHaveBeenCalledOnce();
  });
});

it('what cannot be sent is said at once, and is no lost connection', async () => {
  const { client, seen } = scripted([202, job()]);
  expect((await rejection(client.submit(REQUEST, { idempotencyKey: 'a\nb' }))).name).toBe('TypeError');
  expect((await rejection(client.submit({ ...REQUEST, max_tokens: 1n as never }))).name).toBe('TypeError');
  const deadlineMs = Number.NaN;
  expect((await rejection(client.submit(REQUEST, { deadlineMs }))).message).toMatch(/^deadlineMs must be/);
  expect(seen).toEqual([]);
});
