import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../../tools/local/sandbox/faults.ts';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { call, create, HELLO, status, verdict } from './client.ts';

let now = Date.now();
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ clock: () => now });
});
afterEach(() => {
  sandbox.faults.every = null;
  sandbox.faults.delayMilliseconds = 0;
});
afterAll(() => sandbox.close());

describe("the sandbox's error table", () => {
  test.each<[name: string, status: number, sentence: string, options: Parameters<typeof call>[1]]>([
    ['no key', 401, 'An API key is needed', { key: null }],
    ['bad key', 401, 'not valid', { key: 'wrong' }],
    ['bad key and unknown job', 401, 'not valid', { key: 'wrong', method: 'GET', path: '/job_x' }],
    ['another organization', 403, 'does not belong', { organizationId: 'org_other' }],
    ['bad key for another organization', 401, 'not valid', { organizationId: 'org_other', key: 'wrong' }],
    ['unknown model', 404, 'Model not found', { body: { model_id: 'gpt-9', messages: HELLO } }],
    [
      'a model named like a property',
      404,
      'Model not found',
      { body: { model_id: '__proto__', messages: HELLO } },
    ],
    ['unknown job', 404, 'Job not found', { method: 'GET', path: '/job_x' }],
    ['unknown path', 404, 'nothing at this path', { path: '/job_x/results' }],
    ['trailing slash', 404, 'nothing at this path', { path: '/' }],
    ['wrong method on the collection', 405, 'Use POST', { method: 'GET' }],
    ['wrong method on a job', 405, 'Use GET', { method: 'DELETE', path: '/job_x' }],
    ['not JSON', 400, 'not valid JSON', { body: '{"model_id":' }],
    ['not UTF-8', 400, 'not valid JSON', { body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['no body', 400, 'not valid JSON', {}],
    ['not an object', 400, 'The body must be a JSON object', { body: [] }],
    ['over 64 MiB', 413, 'too large', { body: Buffer.alloc(64 * 1024 * 1024 + 1, 0x20) }],
  ])('has this answer: %s: %i', async (_name, expected, sentence, options) => {
    const before = sandbox.creates;
    const answer = await call(sandbox, options);
    expect(answer.status).toBe(expected);
    expect(answer.body).toEqual({ error: expect.stringContaining(sentence) });
    expect(answer.headers.has('www-authenticate')).toBe(expected === 401);
    expect(answer.headers.has('allow')).toBe(expected === 405);
    expect(sandbox.creates).toBe(before);
  });

  test.each<[change: Record<string, unknown>, sentence: string]>([
    [{ model_id: undefined }, 'model_id must be a string.'],
    [{ model_id: '' }, 'model_id must not be empty.'],
    [{ messages: undefined }, 'messages must be an array of conversations.'],
    [{ messages: [] }, 'messages must hold at least one conversation.'],
    [{ messages: [[]] }, 'messages[0] must hold at least one message.'],
    [{ messages: HELLO[0] }, 'messages must be an array of conversations, each of them'],
    [{ messages: [HELLO[0], 'Hello'] }, 'messages[1] must be an array of messages.'],
    [{ messages: [['Hello']] }, 'messages[0][0] must be a message with a role and a content.'],
    [
      { messages: [[{ role: 'tool', content: 'x' }]] },
      'messages[0][0].role must be system, user or assistant.',
    ],
    [{ messages: [[{ role: 'user' }]] }, 'messages[0][0].content must be a string or an array of parts.'],
    [{ messages: [[{ role: 'user', content: [] }]] }, 'messages[0][0].content must not be empty.'],
    [{ messages: [[{ role: 'user', content: ['x'] }]] }, 'messages[0][0].content[0] must be a part'],
    [
      { messages: [[{ role: 'user', content: [{ type: 'image_url', image_url: 'https://a.b' }] }]] },
      'messages[0][0].content[0].image_url must be {"url": "…"}.',
    ],
    [
      { messages: [[{ role: 'user', content: [{ type: 'text', text: 5 }] }]] },
      'messages[0][0].content[0].text must be a string.',
    ],
    [{ temperature: 1.1 }, 'temperature must be at most 1.'],
    [{ temperature: -0.1 }, 'temperature must be at least 0.'],
    [{ temperature: '0.5' }, 'temperature must be a number.'],
    [{ max_tokens: 0 }, 'max_tokens must be at least 1.'],
    [{ max_tokens: 1.5 }, 'max_tokens must be a whole number.'],
    [{ max_tokens: null }, 'max_tokens must be a whole number.'],
  ])('answers 400 to %j', async (change, sentence) => {
    const answer = await call(sandbox, { body: { model_id: 'sandbox-instant', messages: HELLO, ...change } });
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(sentence) } });
  });

  test.each<[name: string, url: string | null, sentence: string]>([
    ['no image', null, 'messages[1] needs at least one image_url part'],
    ['http', 'http://example.com/a.png', 'messages[1] has an image that is neither'],
    ['not base64', 'data:image/png;base64,?', 'messages[1] has an image that is neither'],
  ])('answers 400 to images that sandbox-vision does not accept: %s', async (_name, url, sentence) => {
    const good = [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }];
    const content = url === null ? 'Hello' : [{ type: 'image_url', image_url: { url } }];
    const messages = [[{ role: 'user', content: good }], [{ role: 'user', content }]];
    const answer = await create(sandbox, 'sandbox-vision', messages);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(sentence) } });
  });
});

describe('the sandbox accepts', () => {
  test('defaults, unknown fields, a query and a lower-case scheme', async () => {
    const body = { model_id: 'sandbox-instant', messages: HELLO, stream: false, top_p: 1 };
    const url = `${sandbox.baseUrl}/api/v1/organizations/${sandbox.organizationId}/generate?trace=1`;
    const headers = { authorization: `bearer ${sandbox.apiKey}` };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    const { job_id, ...rest } = (await response.json()) as { job_id: string };
    expect(rest).toEqual({ status: 'CREATED', message: expect.any(String) });
    now += 300;
    expect((await status(sandbox, job_id)).body).toEqual({
      job_id,
      job_status: 'completed',
      total_tasks: 1,
      completed_tasks: 1,
      results: [
        {
          task_index: 0,
          status: 'completed',
          result: expect.stringContaining('temperature 0.7, max_tokens 512'),
          error: null,
        },
      ],
    });
  });

  test('a body of 10 MB, and returns results of 64 MiB', async () => {
    const part = (bytes: number) => [{ role: 'user', content: `repeat:${bytes}` }];
    const padding = [{ role: 'user', content: 'x'.repeat(10_000_000) }];
    const { body } = await create(sandbox, 'sandbox-instant', [part(2 ** 26 - 1), padding, part(1)]);
    now += 300;
    const { results } = (await status(sandbox, body['job_id'])).body as { results: { result: string }[] };
    expect(results.map(({ result }) => result.length)).toEqual([2 ** 26 - 1, expect.any(Number), 1]);
    expect(results[1]?.result.length).toBeLessThan(500);
  });

  test('new jobs by dropping the oldest ones', async () => {
    const { body: first } = await create(sandbox, 'sandbox-instant');
    const { body: second } = await create(sandbox, 'sandbox-instant', Array(100_000).fill(HELLO[0]));
    expect((await status(sandbox, first['job_id'])).status).toBe(404);
    expect((await status(sandbox, second['job_id'])).body).toMatchObject({ total_tasks: 100_000 });
  });
});

describe('a fault that is switched on in the sandbox', () => {
  test.each<[fault: Fault, verdict: Awaited<ReturnType<typeof verdict>>, creates: number]>([
    ['too_many_requests', 429, 0],
    ['unavailable', 503, 0],
    ['server_error', 500, 0],
    ['server_error_after_effect', 500, 1],
    ['cut', 'cut', 0],
    ['cut_after_effect', 'cut', 1],
    ['cut_midway', 'cut', 1],
    ['not_json', 'not JSON', 1],
    ['truncated_json', 'not JSON', 1],
  ])('is seen by the client: %s: %s, %i created', async (fault, expected, creates) => {
    const before = sandbox.creates;
    sandbox.faults.every = fault;
    expect(await verdict(create(sandbox, 'sandbox-instant'))).toBe(expected);
    expect(sandbox.creates - before).toBe(creates);
  });

  test.each<Fault>(['too_many_requests', 'unavailable'])(
    'makes the answer say when to come back: %s',
    async (fault) => {
      sandbox.faults.every = fault;
      expect((await create(sandbox, 'sandbox-instant')).headers.get('retry-after')).toBe('1');
    },
  );

  test('makes an answer slow, but not its effect', async () => {
    sandbox.faults.delayMilliseconds = 60_000;
    const before = sandbox.creates;
    const url = `${sandbox.baseUrl}/api/v1/organizations/${sandbox.organizationId}/generate`;
    const body = JSON.stringify({ model_id: 'sandbox-instant', messages: HELLO });
    const headers = { authorization: `Bearer ${sandbox.apiKey}` };
    const abort = new AbortController();
    const answer = fetch(url, { method: 'POST', headers, body, signal: abort.signal });
    await expect.poll(() => sandbox.creates).toBe(before + 1);
    abort.abort();
    await expect(answer).rejects.toThrow('aborted');
  });

  test('rotates the key: the old one is refused, the new one works', async () => {
    const former = sandbox.apiKey;
    sandbox.apiKey = 'another';
    expect((await call(sandbox, { key: former })).status).toBe(401);
    expect((await create(sandbox, 'sandbox-instant')).status).toBe(200);
    sandbox.apiKey = former;
  });

  test('refuses connections, and accepts them again at the same address', async () => {
    const own = await startSandbox();
    await own.refuseConnections();
    await expect(create(own, 'sandbox-instant')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await own.acceptConnections();
    expect((await create(own, 'sandbox-instant')).status).toBe(200);
    await own.close();
  });

  test('does not keep the sandbox from closing at once', async () => {
    const own = await startSandbox();
    own.faults.delayMilliseconds = 60_000;
    const answer = verdict(create(own, 'sandbox-instant'));
    await expect.poll(() => own.creates).toBe(1);
    const before = performance.now();
    await own.close();
    await own.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(await answer).toBe('cut');
  });
});

describe('sandbox-flaky', () => {
  test('accepts every other create', async () => {
    const own = await startSandbox();
    const verdicts = [];
    for (let round = 0; round < 14; round++) verdicts.push(await verdict(create(own, 'sandbox-flaky')));
    expect(verdicts.filter((_, index) => index % 2 === 0)).toEqual(Array(7).fill(200));
    const odd = verdicts.filter((_, index) => index % 2 === 1);
    expect(odd).toEqual([429, 500, 'cut', 500, 'cut', 'not JSON', 'not JSON']);
    expect(own.creates).toBe(7 + 4);
    await own.close();
  });

  test('reports the status in the end, and lists its requests', async () => {
    const own = await startSandbox({ clock: () => now });
    const { body } = await create(own, 'sandbox-flaky');
    now += 1000;
    const verdicts = [];
    for (let round = 0; round < 5; round++) verdicts.push(await verdict(status(own, body['job_id'])));
    expect(verdicts).toEqual([429, 500, 'cut', 'not JSON', 'not JSON']);
    expect((await status(own, body['job_id'])).body).toMatchObject({ job_status: 'completed' });
    expect(own.requests.map((seen) => [seen.method, seen.status])).toEqual([
      ['POST', 200],
      ...[429, 500, null, 200, 200, 200].map((code) => ['GET', code]),
    ]);
    expect(JSON.parse(own.requests[0]?.body ?? '')).toEqual({ model_id: 'sandbox-flaky', messages: HELLO });
    await own.close();
  });
});

describe('the models of a test', () => {
  test('may have states of their own', async () => {
    const queued = { note: '', taskEndsAt: () => 0, jobStatusAt: () => 'QUEUED' };
    const own = await startSandbox({ models: { queued } });
    const { body } = await create(own, 'queued');
    expect((await status(own, body['job_id'])).body).toMatchObject({ job_status: 'QUEUED' });
    expect(own.modelIds).toContain('queued');
    await own.close();
  });
});
