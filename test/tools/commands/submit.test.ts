import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { progressOf } from '../../../tools/commands/progress.ts';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { command } from './operated.ts';

const LINES = Array.from(
  { length: 7 },
  (_, i) => `{"messages": [{"role": "user", "content": "Count to ${i}"}], "id": ${i}}`,
);

let system: LocalSystem;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'submit-'));
  await writeFile(join(folder, 'data.jsonl'), LINES.join('\n'));
  await writeFile(join(folder, 'first.jsonl'), `${LINES.join('\n')}\n`);
  await writeFile(join(folder, 'bad.jsonl'), [...LINES.slice(0, 2), 'x', '{"messages": []}'].join('\n'));
  await writeFile(join(folder, 'data.txt'), '[[{"role": "user", "content": "Hello"}]]');
  await writeFile(join(folder, 'blank.jsonl'), '\n\n');
  await writeFile(join(folder, 'data.jsonl.part'), LINES.join('\n'));
  await symlink(join(folder, 'data.jsonl'), join(folder, 'link.jsonl'));
  system = await startLocally({ CONVERSATIONS_PER_CREATE: '3' });
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

const argsOf = (file: string, ...args: string[]) => [
  ...['--url', system.api_url, '--key', system.client_keys[0], '--file', join(folder, file)],
  ...args.map((arg) => arg.replace('FOLDER', folder)),
];
const submit = (...args: Parameters<typeof argsOf>) => command('submit', argsOf(...args));

const resultsIn = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n').map(parsed);
const parsed = (line: string) => JSON.parse(line);

describe('a file of conversations', () => {
  it.concurrent('becomes one job, whose results are written in order, and the same command gets the same again', async () => {
    const out = join(folder, 'results.jsonl');
    const args = ['first.jsonl', '--model', 'sandbox-instant', '--out', out] as const;
    const begun = await submit('first.jsonl', '--model', 'sandbox-instant');
    expect(begun).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^uploading .* MB\njob job_\w+\n$/),
    });
    const first = await submit(...args);
    expect(first).toMatchObject({ code: 0 });
    const counts = { total_tasks: 7, completed_tasks: 7, failed_tasks: 0 };
    const { job_id } = JSON.parse(begun.stdout);
    expect(JSON.parse(first.stdout)).toEqual({ job_id, status: 'completed', ...counts });
    const results = await resultsIn(out);
    expect(results.map(({ task_index }) => task_index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(results[6].result).toContain('Count to 6');

    await rm(out);
    const second = await submit(...args);
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    expect(second.stderr).toMatch(/^the file is there already\njob job_/);
    expect(await resultsIn(out)).toEqual(results);
  });

  it.concurrent('is another job with other options', async () => {
    const args = ['--model', 'sandbox-never'];
    const more = [['--retries', '1'], ['--run', 'b'], []];
    const ran = await Promise.all(more.map((options) => submit('data.jsonl', ...args, ...options)));
    expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(new Set(ran.map(({ stdout }) => JSON.parse(stdout).job_id)).size).toBe(3);
  });

  it.concurrent('is refused with the lines that are at fault', async () => {
    const { code, stderr } = await submit('bad.jsonl', '--model', 'sandbox-instant', '--wait');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The job ended failed: .+\n {2}line 3: .+\n {2}line 4: \/messages: .+\n$/m);
  });

  it.concurrent('is refused as a whole', async () => {
    const { code, stderr } = await submit('blank.jsonl', '--model', 'sandbox-instant', '--wait');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The job ended failed: .+\n {2}file: Must hold 1 to 50000 conversations\n$/m);
  });

  it.concurrent('is written with the errors of what has failed', async () => {
    const out = join(folder, 'failed.jsonl');
    const { code, stderr } = await submit('data.jsonl', '--model', 'sandbox-task-errors', '--out', out);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/, but 3 conversations failed\.$/m),
    });
    expect((await resultsIn(out)).filter(({ status }) => status === 'failed')).toHaveLength(3);
  });
});

describe('the command says what is wrong:', () => {
  it.concurrent.each([
    ...[
      ['--out=', /^--out is missing\. Try/],
      ['--out=FOLDER', /^--out must be a file, and .+ is none\. Try/],
      [
        '--out=FOLDER/none/o.jsonl',
        /^--out must be in a folder that can be written to, .+none is none\. Try/,
      ],
      [
        '--out=FOLDER/data.txt/o.jsonl',
        /^--out must be in a folder that can be written to, .+ is none\. Try/,
      ],
      ['--out=FOLDER/data.jsonl', /^--out must be another file than --file, .+\. Try/],
      ['--out=FOLDER/link.jsonl', /^--out must be another file than --file, .+\. Try/],
    ].map(([out, words]) => [`${out}, before a job is made`, ['data.jsonl', '--model', 'm', out], 2, words]),
    [
      'a data set where the results are gathered',
      ['data.jsonl.part', '--format', 'jsonl', '--model', 'm', '--out=FOLDER/data.jsonl'],
      2,
      /^--out must be another file than --file, .+\. Try/,
    ],
    ['no such file', ['nothing.jsonl', '--model', 'm'], 1, /^There is no file .+nothing\.jsonl\.$/m],
    ['an unknown format', ['data.txt', '--model', 'm'], 2, /^--format must be jsonl or json\. Try/],
    ['no number', ['data.jsonl', '--model', 'm', '--retries', 'x'], 2, /^--retries must be a number\. Try/],
    [
      'a number that the API does not take',
      ['data.txt', '--format', 'json', '--model', 'm', '--retries', '9'],
      1,
      /^The API answered 400 invalid_request: .+\n {2}\/task_retries: /m,
    ],
  ] as [string, [string, ...string[]], number, RegExp][])('%s', async (_, args, code, words) => {
    expect(await submit(...args)).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
  });
});

it.concurrent.each(['stdout', 'stderr'] as const)(
  'the command goes on when nobody reads its %s',
  async (closed) => {
    const out = join(folder, `${closed}.jsonl`);
    const file = fileURLToPath(new URL('../../../tools/commands/submit.ts', import.meta.url));
    const args = argsOf('data.jsonl', '--model', 'sandbox-instant', '--run', closed, '--out', out);
    const child = spawn(process.execPath, [file, ...args]);
    const open = closed === 'stdout' ? child.stderr : child.stdout;
    child[closed].destroy();
    const [said, [code]] = await Promise.all([text(open), once(child, 'close')]);
    expect({ code, said }).toEqual({ code: 0, said: expect.not.stringContaining('EPIPE') });
    expect(await resultsIn(out)).toHaveLength(LINES.length);
  },
);

it('the command waits as Retry-After asks, outlasts a cut connection, and gives the key to nobody but the API', async () => {
  const job = { job_id: 'job_1', total_tasks: null, completed_tasks: 0, failed_tasks: 0, finished_at: null };
  const done = { ...job, status: 'completed', total_tasks: 2, completed_tasks: 2, finished_at: 'now' };
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const call = `${request.method} ${request.url}`;
    seen.push(`${call}${request.headers.authorization ? '' : ', without the key'}`);
    const looks = seen.filter((each) => each.startsWith('GET /v1/jobs/job_1')).length;
    const answers: Record<string, [status: number, body: unknown, headers?: object]> = {
      'POST /v1/uploads': [201, { upload_id: 'upload_1', url: `${url}/put`, headers: {} }],
      'PUT /put': [412, ''],
      'POST /v1/jobs': [202, { ...job, status: 'queued' }],
      'GET /v1/jobs/job_1': [200, looks < 2 ? { ...job, status: 'queued' } : done, { 'retry-after': '0' }],
      'GET /v1/jobs/job_1/results': [307, '', { location: `${url}/there` }],
      'GET /there': [200, { task_index: 0 }],
    };
    if (looks === 2 && !seen.includes('cut')) {
      seen.push('cut');
      return void request.socket.destroy();
    }
    const [status, body, headers] = answers[call] ?? [500, {}];
    request.resume().on('end', () => response.writeHead(status, { ...headers }).end(JSON.stringify(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());

  const out = join(folder, 'fake.jsonl');
  const args = ['--key', 'msj_any_key', '--file', join(folder, 'data.jsonl'), '--model', 'm', '--out', out];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ran = await command('submit', ['--url', url, ...args]);
  expect(ran).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/the file has not been read.*no connection/s),
  });
  expect(seen).toEqual([
    'POST /v1/uploads',
    'PUT /put, without the key',
    'POST /v1/jobs',
    'GET /v1/jobs/job_1',
    'GET /v1/jobs/job_1',
    'cut',
    'GET /v1/jobs/job_1',
    'GET /v1/jobs/job_1/results',
    'GET /there, without the key',
  ]);
  expect(await resultsIn(out)).toEqual([{ task_index: 0 }]);
});

describe('the progress', () => {
  const mark = { atMillis: 1000, tasks: 100 };
  it.each([
    [null, 0, mark, 'queued: the file has not been read yet'],
    [1000, 100, mark, '100 of 1000'],
    [1000, 100, null, '100 of 1000'],
    [1000, 200, mark, '200 of 1000, about 80 s left'],
    [50_000, 200, mark, '200 of 50000, about 83 min left'],
    [50_000, 110, mark, '110 of 50000, about 13.9 h left'],
    [1000, 1000, mark, '1000 of 1000'],
  ])('of %j at %j is told in words', (total_tasks, completed_tasks, since, words) => {
    expect(progressOf({ status: 'running', total_tasks, completed_tasks }, since, 11_000)).toBe(words);
  });
});
