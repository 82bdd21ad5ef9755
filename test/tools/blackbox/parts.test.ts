import { createHash } from 'node:crypto';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { startPartsUpstream } from './parts-upstream.ts';
import { type Called, call, type LocalSystem, startLocally } from './system.ts';

/** `npm run test:more` tries more files, and more ways to be wrong. */
const isLong = process.env['LONG_PARTS'] === 'yes';
const few = <T>(all: T[], count: number) => (isLong ? all : all.slice(0, count));
/** Of 5000 conversations. */
const FAILING = [0, 1, 499, 500, 2345, 4000, 4999];
const patience = { timeout: 120_000, interval: 500 };

let upstream: Awaited<ReturnType<typeof startPartsUpstream>>;
let system: LocalSystem;

beforeAll(async () => {
  upstream = await startPartsUpstream({
    fails: (text, nth) =>
      nth === 1 && FAILING.some((i) => text.startsWith('retried') && text.endsWith(`: ${i}`)),
    isOver: ([text = '']) => !text.startsWith('cancelled'),
    refuse: (texts) => (texts.includes('refused 700') ? { status: 400, detail: 'Too rude.' } : undefined),
  });
  const sizes = { CONVERSATIONS_PER_CREATE: '500', PARTS_AT_ONCE: '6' };
  system = await startLocally({ ...upstream.env, ...sizes, WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,1' });
});
afterAll(async () => {
  await system?.stop();
  upstream?.stop();
});
vi.setConfig({ testTimeout: patience.timeout });

const conversation = (content: string) => [{ role: 'user', content }];
const lineOf = (content: string) => JSON.stringify({ messages: conversation(content) });
const linesOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => lineOf(`${name} ${i}`)).join('\n');

async function upload(file: string | Buffer, fields: object = {}): Promise<string> {
  const bytes = Buffer.byteLength(file);
  const asked = { bytes, format: 'jsonl', ...fields };
  const { status, json } = await call(system, 'POST', '/v1/uploads', asked);
  expect(status, JSON.stringify(json)).toBe(201);
  if (json.url === null) return json.upload_id;
  const body = typeof file === 'string' ? file : new Uint8Array(file);
  const put = await fetch(json.url, { method: 'PUT', headers: json.headers, body });
  expect(put.status, await put.text()).toBe(200);
  return json.upload_id;
}

function post(fields: object, headers = {}): Promise<Called> {
  const body = { model_id: 'm', webhook_url: system.webhook_inbox_url, ...fields };
  return call(system, 'POST', '/v1/jobs', body, headers);
}

async function submit(fields: object): Promise<string> {
  const { status, json } = await post(fields);
  expect(status, JSON.stringify(json)).toBe(202);
  return json.job_id;
}

const read = (jobId: string) => call(system, 'GET', `/v1/jobs/${jobId}`).then(({ json }) => json);

async function ended(jobId: string) {
  await vi.waitFor(async () => expect((await read(jobId)).finished_at).not.toBeNull(), patience);
  await vi.waitFor(async () => expect((await read(jobId)).webhook.status).toBe('delivered'), patience);
  return read(jobId);
}

async function webhooksOf(jobId: string) {
  const inbox = await fetch(system.webhook_inbox_url);
  const { received } = (await inbox.json()) as { received: { body: string; verified: boolean }[] };
  const events = received.map(({ body, verified }) => ({ ...JSON.parse(body), verified }));
  return events.filter(({ data }) => data.job_id === jobId);
}

async function resultsOf(jobId: string, accept = 'application/json') {
  const headers = { accept, authorization: `Bearer ${system.client_keys[0]}` };
  const answer = await fetch(`${system.api_url}/v1/jobs/${jobId}/results`, { headers });
  expect(answer.status).toBe(200);
  return answer.text();
}

/** The keys of what the bucket holds that name a job. */
async function objectsOf(jobId: string): Promise<string[]> {
  const s3 = new S3Client({ ...clientSettings(system.aws.s3), forcePathStyle: true });
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: Buckets[0]?.Name }));
  s3.destroy();
  return Contents.flatMap(({ Key = '' }) => (Key.includes(jobId) ? [Key] : []));
}

describe.concurrent('a file of 5000 conversations, 7 of which fail at first,', () => {
  const WAYS: [number, number][] = [
    [1, 0],
    [0, 7],
  ];
  it.each(few(WAYS, 1))('and %i retries of these', async (task_retries, failed_tasks) => {
    const name = `retried ${task_retries}:`;
    const jobId = await submit({ messages_from: await upload(linesOf(name, 5000)), task_retries });
    const job = await ended(jobId);
    expect(job).toMatchObject({
      ...{ status: 'completed', total_tasks: 5000, completed_tasks: 5000, failed_tasks },
      ...{ results: null, error: null },
    });
    const { webhook, updated_at, ...data } = job;
    const webhooks = await webhooksOf(jobId);
    expect(webhooks).toMatchObject([{ type: 'job.completed', data, verified: true }]);
    expect(upstream.given(name)).toBe(5000 + 7 * task_retries);

    const array = JSON.parse(await resultsOf(jobId));
    expect(array.map((entry: { task_index: number }) => entry.task_index)).toEqual([...Array(5000).keys()]);
    const without = array.filter(
      (entry: { task_index: number; result: string }) => entry.result !== `${name} ${entry.task_index}`,
    );
    expect(without.length).toBe(failed_tasks);
    const again = array.filter(({ attempts }: { attempts?: number }) => attempts !== undefined);
    expect(again.map((entry: { task_index: number }) => entry.task_index)).toEqual(
      task_retries ? FAILING : [],
    );
    const lines = (await resultsOf(jobId, 'application/jsonl')).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(array);

    const { json: link } = await call(system, 'GET', `/v1/jobs/${jobId}/results?redirect=false`);
    expect(await (await fetch(link.url)).json()).toEqual(array);
    expect((await call(system, 'DELETE', `/v1/jobs/${jobId}`)).status).toBe(204);
    expect(await objectsOf(jobId)).toEqual([]);
  });
});

describe.concurrent('a file with faults', () => {
  const good = lineOf('good');
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const FILES: [what: string, file: string | Buffer, format: 'json' | 'jsonl', details: object[] | number][] =
    [
      [
        'in two lines',
        `${good}\n${good}\n[{"role":"user"}]\n${`${good}\n`.repeat(2000)}${'\n'.repeat(68_000)}oops\n${good}`,
        'jsonl',
        [
          { line: 3, message: '/0/content: Required' },
          { line: 70_004, message: expect.stringContaining('column 1') },
        ],
      ],
      [
        'of blank lines',
        '\n \r\n\t\n',
        'jsonl',
        [{ pointer: '', message: 'Must hold 1 to 50000 conversations' }],
      ],
      [
        'of an empty array',
        ' [ ] ',
        'json',
        [{ pointer: '', message: 'Must hold 1 to 50000 conversations' }],
      ],
      [
        'of 50 001 lines',
        `${lineOf('x')}\n`.repeat(50_001),
        'jsonl',
        [{ pointer: '', message: 'Must hold 1 to 50000 conversations' }],
      ],
      [
        'in two of 70 001 lines',
        `${good}\n${good}\n[{"role":"user"}]\n${`${good}\n`.repeat(69_996)}oops\n${good}`,
        'jsonl',
        [
          { pointer: '', message: 'Must hold 1 to 50000 conversations' },
          { line: 3, message: '/0/content: Required' },
          { line: 70_000, message: expect.stringContaining('column 1') },
        ],
      ],
      [
        'that is an object',
        `{"messages":[${good}]}`,
        'json',
        [{ pointer: '', message: expect.stringMatching(/array/) }],
      ],
      ['that is a word', 'null', 'json', [{ pointer: '', message: expect.stringMatching(/array/) }]],
      [
        'with a trailing comma',
        `[[{"role":"user","content":"x"}],]`,
        'json',
        [{ pointer: '', message: expect.stringMatching(/array/) }],
      ],
      [
        'that breaks off',
        `[[{"role":"user","content":"x"}],[{"role":"us`,
        'json',
        [{ pointer: '', message: expect.stringMatching(/ends before/) }],
      ],
      [
        'that is one conversation',
        `[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]`,
        'json',
        [0, 1].map((i) => ({
          pointer: `/${i}`,
          message: expect.stringMatching(/single message: put brackets/),
        })),
      ],
      [
        'of messages instead of conversations',
        `{"role":"user","content":"x"}`,
        'jsonl',
        [{ line: 1, message: expect.stringMatching(/single message: put brackets/) }],
      ],
      ['with a NUL', `${good}\n"\0"`, 'jsonl', [{ line: 2, message: expect.any(String) }]],
      [
        'in another encoding',
        Buffer.concat([Buffer.from(`${good}\n[{"role":"user","content":"`), bytes('e4'), Buffer.from('"}]')]),
        'jsonl',
        [{ line: 2, message: expect.stringMatching(/UTF-8/) }],
      ],
      [
        'with members that are given twice',
        `${good}\n[{"role":"user","role":"user","content":"x"}]`,
        'jsonl',
        [{ line: 2, message: expect.stringMatching(/role/) }],
      ],
      [
        'that is deep',
        `${good}\n${'['.repeat(100_000)}`,
        'jsonl',
        [{ line: 2, message: expect.stringMatching(/deep/) }],
      ],
      [
        'that is too long',
        `${good}\n${lineOf('x'.repeat(21 * 1024 * 1024))}`,
        'jsonl',
        [{ line: 2, message: 'Must not be larger than 20 MiB' }],
      ],
      ['in more lines than are named', 'x\n'.repeat(30), 'jsonl', 20],
    ];

  it.each(few(FILES, 2))(
    '%s ends the job before anything is created',
    async (what, file, format, details) => {
      const jobId = await submit({ messages_from: await upload(file, { format }) });
      const job = await ended(jobId);
      expect({ what, ...job }).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
      if (typeof details === 'number') expect(job.error.details.length).toBe(details);
      else expect(job.error.details).toEqual(details);
      expect(upstream.times.has('good')).toBe(false);
    },
  );
});

describe.concurrent('a file is read', () => {
  const marked = (text: string) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
  const two = (name: string) => [lineOf(`${name} 0`), lineOf(`${name} 1`)] as const;
  const array = (name: string) => JSON.stringify([conversation(`${name} 0`), conversation(`${name} 1`)]);
  const FILES: [string, (name: string) => string | Buffer, string?][] = [
    ['with a byte order mark', (name: string) => marked(two(name).join('\n'))],
    ['with CRLF and a blank line at the end', (name: string) => `${two(name).join('\r\n')}\r\n\r\n`],
    [
      'with other members',
      (name: string) =>
        two(name)
          .map((line) => line.replace('{', '{"id":1,"id":2,'))
          .join('\n'),
    ],
    ['as an array with a byte order mark', (name: string) => marked(` ${array(name)}\n`), 'json'],
    [
      'as an array over many lines',
      (name: string) => JSON.stringify(JSON.parse(array(name)), null, '\t'),
      'json',
    ],
    [
      'as an array with what ends strings and arrays',
      (name: string) => array(name).replace('1"', '1\\"]}\\\\"'),
      'json',
    ],
  ];
  it.each(few(FILES, 1))('%s', async (name, file, format = 'jsonl') => {
    const job = await ended(await submit({ messages_from: await upload(file(name), { format }) }));
    expect(job).toMatchObject({ status: 'completed', total_tasks: 2, failed_tasks: 0 });
    expect(job.results.map(({ result }: { result: string }) => result)).toEqual([
      `${name} 0`.slice(0, 40),
      expect.stringContaining(`${name} 1`.slice(0, 40)),
    ]);
  });
});

describe.concurrent('an upload', () => {
  it('is unknown to others, and to everyone once it is deleted', async () => {
    const id = await upload(linesOf('others', 1));
    const asOther = { authorization: `Bearer ${system.client_keys[1]}` };
    const codeOf = async (headers = {}) => {
      const { status, json } = await post({ messages_from: id }, headers);
      return [status, json.code];
    };
    expect(await codeOf(asOther)).toEqual([404, 'upload_not_found']);
    expect((await call(system, 'DELETE', `/v1/uploads/${id}`)).status).toBe(204);
    expect(await codeOf()).toEqual([404, 'upload_not_found']);
  });

  it('that is not there yet refuses the job, which does not use up its key', async () => {
    const file = linesOf('late', 2);
    const asked = { bytes: file.length, format: 'jsonl' };
    const { json: begun } = await call(system, 'POST', '/v1/uploads', asked);
    const key = { 'idempotency-key': 'late' };
    const early = await post({ messages_from: begun.upload_id }, key);
    expect([early.status, early.json.code]).toEqual([409, 'upload_incomplete']);
    await fetch(begun.url, { method: 'PUT', headers: begun.headers, body: file });
    const { status, json, headers } = await post({ messages_from: begun.upload_id }, key);
    expect([status, json.status, json.total_tasks]).toEqual([202, 'queued', null]);
    expect(headers.get('idempotency-replayed')).toBeNull();
    await ended(json.job_id);
  });

  it('is the same by its hash, and so is the job of a repeated command', async () => {
    const job = async (file: string) => {
      const sha256 = createHash('sha256').update(file).digest('hex');
      return post({ messages_from: await upload(file, { sha256 }) }, { 'idempotency-key': 'by-hash' });
    };
    const first = await job(linesOf('hashed', 3));
    const again = await job(linesOf('hashed', 3));
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    expect(again.json.job_id).toBe(first.json.job_id);
    const other = await job(linesOf('hashed', 4));
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused']);
    await ended(first.json.job_id);
    expect(upstream.given('hashed')).toBe(3);
  });
});

describe.concurrent('a job of several parts', () => {
  const messages = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => conversation(`${name} ${i}`));

  it('has parts that nobody sees, and creates none once it is cancelled', async () => {
    const jobId = await submit({ messages: messages('cancelled', 5000) });
    await vi.waitFor(() => expect(upstream.given('cancelled')).toBe(3000), patience);
    const running = await read(jobId);
    expect(running).toMatchObject({ status: 'running', completed_tasks: 0, total_tasks: 5000 });
    const paths = ['', '/results', '/deliveries'].map((path) => ['GET', path]);
    const calls = [...paths, ['POST', '/cancel'], ['POST', '/redeliver'], ['DELETE', '']] as [
      string,
      string,
    ][];
    for (const [method, path] of calls)
      for (const key of system.client_keys) {
        const headers = { authorization: `Bearer ${key}` };
        const { status } = await call(system, method, `/v1/jobs/${jobId}-0-0${path}`, undefined, headers);
        expect([method, path, status]).toEqual([method, path, 404]);
      }
    const { json: list } = await call(system, 'GET', '/v1/jobs?limit=100');
    const listed = list.jobs.map(({ job_id }: { job_id: string }) => job_id);
    expect(listed.filter((id: string) => id.startsWith(jobId))).toEqual([jobId]);

    expect((await call(system, 'POST', `/v1/jobs/${jobId}/cancel`)).json.status).toBe('cancelled');
    const { status } = await ended(jobId);
    expect(status).toBe('cancelled');
    expect((await webhooksOf(jobId)).map(({ type }) => type)).toEqual(['job.cancelled']);
    // Its queue lets others through, and none of its own.
    await ended(await submit({ messages: messages('after', 1001) }));
    expect(upstream.given('cancelled')).toBe(3000);
    await vi.waitFor(
      async () => expect((await objectsOf(jobId)).filter((key) => !/^events/.test(key))).toEqual([]),
      patience,
    );
  });

  it('loses the conversations of a part that is refused, and no others', async () => {
    const job = await ended(await submit({ messages: messages('refused', 1200), task_retries: 1 }));
    expect(job).toMatchObject({ status: 'completed', completed_tasks: 1200, failed_tasks: 500 });
    const results: { status: string; error: string }[] = JSON.parse(await resultsOf(job.job_id));
    const failed = results.flatMap(({ status }, i) => (status === 'failed' ? [i] : []));
    expect(failed).toEqual(Array.from({ length: 500 }, (_, i) => 500 + i));
    expect(results[700]?.error).toContain('Too rude.');
    expect(upstream.given('refused')).toBe(700);
  });

  it('must be one that may be queued', async () => {
    const faultsOf = async (fields: object) => {
      const { status, json } = await post({ queue_for: 0, ...fields });
      return [status, json.code, json.errors.map(({ pointer }: { pointer: string }) => pointer)];
    };
    const one = messages('one', 1);
    expect(await faultsOf({ messages_from: 'upload_1' })).toEqual([
      400,
      'invalid_request',
      ['/messages_from'],
    ]);
    expect(await faultsOf({ messages: one, task_retries: 1 })).toEqual([
      400,
      'invalid_request',
      ['/task_retries'],
    ]);
    expect(await faultsOf({ messages: messages('two', 501) })).toEqual([
      400,
      'invalid_request',
      ['/messages'],
    ]);
  });
});
