import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Result } from '../../../clients/typescript/index.ts';
import { cut, finished, KEY, type Reply, scripted } from './scripted.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }));
afterEach(() => {
  expect(vi.getTimerCount(), 'A timer that is left behind keeps a process alive').toBe(0);
  vi.useRealTimers();
});

const RESULTS: Result[] = [
  {
    task_index: 0,
    status: 'completed',
    result: 'quotes " and \\ and {braces} and [brackets]\n',
    error: null,
  },
  { task_index: 1, status: 'failed', result: null, error: { nested: [{ a: '}' }], code: '\\' } },
  { task_index: 2, status: 'completed', result: 'é 漢字 😀 \u2028', error: null },
];
const LINES = RESULTS.map((result) => `${JSON.stringify(result)}\n`).join('');
const STORE = 'https://bucket.s3.amazonaws.com/results.jsonl?X-Amz-Signature=abc';
const link: Reply = [200, { url: STORE, expires_at: '2026-01-01T00:15:00Z' }];

/** In pieces of so many bytes, which may end in the middle of a character. */
const inPieces = (text: string, length: number, type: string) => () => {
  const bytes = new TextEncoder().encode(text);
  const stream = new ReadableStream({
    start(out) {
      for (let at = 0; at < bytes.length; at += length) out.enqueue(bytes.slice(at, at + length));
      out.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': type } });
};

/** As that of fetch, which a signal ends. */
const endsWithSignal =
  (reply: () => Response): Reply =>
  ({ signal }) => {
    const { body, headers } = reply();
    return new Response(body?.pipeThrough(new TransformStream(), { signal }), { headers });
  };

async function resultsOf(...replies: Reply[]) {
  const { client, seen } = scripted(...replies);
  const reading = client.results('job_1');
  reading.catch(() => undefined);
  await vi.runAllTimersAsync();
  return { results: await reading, seen };
}

describe('results are read', () => {
  it.each([1, 2, 7, 1000])('as lines and as an array, in pieces of %i bytes', async (length) => {
    const lines = inPieces(LINES, length, 'application/jsonl');
    expect((await resultsOf(lines)).results).toEqual(RESULTS);
    const array = inPieces(JSON.stringify(RESULTS, null, 1), length, 'application/json');
    expect((await resultsOf(link, array)).results).toEqual(RESULTS);
  });

  it('in a time that grows with their length alone', { timeout: 5000 }, async () => {
    const large = { task_index: 0, result: 'x'.repeat(8_000_000) };
    const lines = inPieces(JSON.stringify(large), 1000, 'application/jsonl');
    expect((await resultsOf(lines)).results).toEqual([large]);
  });

  it('as an array of the API, where there are no lines', async () => {
    expect((await resultsOf([200, RESULTS])).results).toEqual(RESULTS);
    expect((await resultsOf([200, [], {}])).results).toEqual([]);
    expect((await resultsOf(link, [200, '[ ]'])).results).toEqual([]);
    expect((await resultsOf([200, '', { 'content-type': 'application/jsonl' }])).results).toEqual([]);
  });

  it('from the store without the key', async () => {
    const { seen } = await resultsOf(link, inPieces(LINES, 9, 'application/jsonl'));
    expect(seen.map(({ url }) => url)).toEqual([
      'https://jobs.example.com/v1/jobs/job_1/results?redirect=false',
      STORE,
    ]);
    expect(seen.map(({ headers }) => headers.get('authorization'))).toEqual([`Bearer ${KEY}`, null]);
    expect(seen[0]?.headers.get('accept')).toBe('application/jsonl');
  });

  it('from the job itself if they are there', async () => {
    const { client, seen } = scripted([500]);
    expect(await client.results(finished({ results: RESULTS }) as never)).toBe(RESULTS);
    expect(seen).toEqual([]);
  });
});

describe('after a connection that is lost in the middle', () => {
  const half = LINES.slice(0, LINES.indexOf('\n') + 20);

  it('reading goes on where it was', async () => {
    const { results, seen } = await resultsOf(
      link,
      cut(half),
      link,
      inPieces(LINES, 50, 'application/jsonl'),
    );
    expect(results).toEqual(RESULTS);
    expect(seen).toHaveLength(4);
  });

  it.each<[string, Reply[]]>([
    ['the text ends without an error', [inPieces(half, 50, 'application/jsonl')]],
    ['an array is not closed', [link, inPieces('[{"task_index":0}', 50, 'application/json')]],
    ['it is a page', [link, [200, '<html></html>']]],
    ['it is no JSON', [link, [200, '{results}']]],
    ['it is lost each time', [cut(half, 'application/jsonl')]],
  ])('reading fails in the end if %s', async (_what, replies) => {
    const all = Array.from({ length: 6 }, () => replies).flat();
    await expect(resultsOf(...all)).rejects.toThrow('No answer to GET /v1/jobs/job_1/results');
  });

  it('or over which nothing comes for a minute, it is given up', async () => {
    const stalls = () => {
      const stream = new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode(half)) });
      return new Response(stream, { headers: { 'content-type': 'application/jsonl' } });
    };
    const replies = [endsWithSignal(stalls), inPieces(LINES, 50, 'application/jsonl')];
    expect((await resultsOf(...replies)).results).toEqual(RESULTS);
  });

  it('no minute of its reader counts: what is read once is not read again', async () => {
    const { client, seen } = scripted(endsWithSignal(inPieces(LINES, 50, 'application/jsonl')));
    const results: Result[] = [];
    for await (const result of client.eachResult('job_1')) {
      results.push(result);
      await vi.advanceTimersByTimeAsync(100_000);
    }
    expect(results).toEqual(RESULTS);
    expect(seen).toHaveLength(1);
  });
});

it('a refusal of the store says its status, and not the signature of its link', async () => {
  const error = await resultsOf(link, [403, '<Error><Code>AccessDenied</Code></Error>']).catch(
    (error) => error,
  );
  expect(error.message).toBe(
    '403 <Error><Code>AccessDenied</Code></Error> (GET https://bucket.s3.amazonaws.com/results.jsonl)',
  );
});

it('a reader that stops early closes the connection', async () => {
  const { client, seen } = scripted(inPieces(LINES, 50, 'application/jsonl'));
  for await (const _result of client.eachResult('job_1')) break;
  expect(seen[0]?.signal.aborted).toBe(true);
});

describe('an upload', () => {
  const FILE = '[{"role":"user","content":"é"}]\n';
  const sha256 = 'a6e2e9a7e29bb7d3b5ac2fd0ddfd0a76cd3b0b1d4a0bd4d6f0a3d2b8d1f6d4a0';
  const headers = { 'content-length': '33', 'if-none-match': '*' };
  const begun: Reply = [201, { upload_id: 'upload_1', method: 'PUT', url: STORE, headers, expires_at: null }];
  const asked = (body: unknown) => JSON.parse(String(body));

  it.each<[string, string | Uint8Array]>([
    ['a text', FILE],
    ['bytes', new TextEncoder().encode(FILE)],
  ])('of %s says its length and hash, and is sent without the key', async (_what, data) => {
    const { client, seen } = scripted(begun, [200]);
    expect(await client.upload(data, { format: 'jsonl' })).toBe('upload_1');
    expect(asked(seen[0]?.body)).toEqual({
      bytes: 33,
      format: 'jsonl',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect([seen[1]?.method, seen[1]?.url, seen[1]?.body]).toEqual([
      'PUT',
      STORE,
      new TextEncoder().encode(FILE),
    ]);
    expect(Object.fromEntries(seen[1]?.headers ?? [])).toEqual({ 'if-none-match': '*' });
  });

  it('of a Blob has no hash but one that is given', async () => {
    const { client, seen } = scripted(begun, [200], begun, [200]);
    await client.upload(new Blob([FILE]), { format: 'json' });
    await client.upload(new Blob([FILE]), { format: 'json', sha256 });
    expect([asked(seen[0]?.body), asked(seen[2]?.body)]).toEqual([
      { bytes: 33, format: 'json' },
      { bytes: 33, format: 'json', sha256 },
    ]);
  });

  it('that is there already is not sent again, nor one whose first answer was lost', async () => {
    const { client, seen } = scripted([
      201,
      { upload_id: 'upload_1', method: 'PUT', url: null, headers: null },
    ]);
    expect(await client.upload(FILE, { format: 'jsonl' })).toBe('upload_1');
    expect(seen).toHaveLength(1);
    expect(await scripted(begun, [412, '<Error/>']).client.upload(FILE, { format: 'jsonl' })).toBe(
      'upload_1',
    );
  });

  it.each([{}, { deadlineMs: undefined }])('may take 15 minutes to send, given %j', async (options) => {
    const { client, seen } = scripted(begun, 'never');
    const startedAt = Date.now();
    const uploading = client.upload(new Blob([FILE]), { format: 'jsonl', ...options });
    const refusal = expect(uploading).rejects.toThrow('nothing came within 900 s');
    await vi.runAllTimersAsync();
    await refusal;
    expect([seen.length, Date.now() - startedAt]).toEqual([2, 900_000]);
  });

  it('that the store refuses is an error', async () => {
    const uploading = scripted(begun, [400, '<Code>BadDigest</Code>']).client.upload(FILE, {
      format: 'jsonl',
    });
    await expect(uploading).rejects.toThrow(
      '400 <Code>BadDigest</Code> (PUT https://bucket.s3.amazonaws.com/results.jsonl)',
    );
  });
});
