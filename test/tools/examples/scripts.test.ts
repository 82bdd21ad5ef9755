import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../run.ts';
import { call, type LocalSystem, startLocally, submission } from '../blackbox/system.ts';

const path = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));

let system: LocalSystem;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  system = await startLocally();
});
afterAll(async () => {
  await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
  await system?.stop();
});

describe('dataset', () => {
  const LINES = [
    '{"messages": [{"role": "user", "content": "Hello, \\"world\\""}], "id": 7}',
    '',
    '[{"role": "user", "content": "Hello 😀"}]',
  ];

  async function runs(model: string, lines = LINES, url = system.api_url) {
    const folder = await mkdtemp(join(tmpdir(), 'dataset-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const [input, output] = [join(folder, 'prompts.jsonl'), join(folder, 'results.csv')];
    await writeFile(input, lines.join('\r\n'));
    const args = [path('examples/dataset/dataset.mjs'), '--url', url, '--model', model, input, output];
    const again = (...more: string[]) =>
      run(process.execPath, [...args, ...more], { CLIENT_KEY: system.client_keys[0] });
    return { ...(await again()), output, again };
  }

  it('writes a row for each line, and a second run gets the same jobs', async () => {
    const { code, stderr, output, again } = await runs('sandbox-instant');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [head, first, second, end] = (await readFile(output, 'utf8')).split('\r\n');
    expect(head).toBe('line,status,result,error');
    expect(first).toMatch(/^1,completed,"Sandbox reply to ""Hello, .*",$/);
    expect(second).toMatch(/^3,completed,"Sandbox reply to ""Hello 😀"".*",$/);
    expect(end).toBe('');
    expect((await again()).stderr).toBe(stderr);
    const renamed = await again('--run', 'b');
    expect(renamed).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining(stderr.split(':')[0] ?? ''),
    });
  });

  it('writes a row for each line of a job that fails, and fails itself', async () => {
    const { code, output } = await runs('sandbox-fails');
    expect(code).toBe(1);
    expect((await readFile(output, 'utf8')).match(/^\d,failed,,.+$/gm)).toHaveLength(2);
  });

  it('fetches results that are too large for the job', async () => {
    const { code, output } = await runs('sandbox-instant', [
      '[{"role": "user", "content": "repeat:300000"}]',
    ]);
    expect(code).toBe(0);
    expect((await readFile(output, 'utf8')).length).toBeGreaterThan(300_000);
  });

  it.each([
    ['{', /Line 2 of .+ is not JSON: /],
    ['null', /Line 2 of .+ is neither an array of messages nor an object with messages/],
    ['{"prompt": "Hello"}', /Line 2 of .+ is neither an array of messages nor an object with messages/],
  ])('says which line is at fault: %s', async (line, sentence) => {
    const { code, stderr } = await runs('sandbox-instant', ['[]', line]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(sentence) });
  });

  it('takes a URL with a slash at its end', async () => {
    expect(await runs('sandbox-instant', LINES, `${system.api_url}/`)).toMatchObject({ code: 0 });
  });
});

describe('photos', () => {
  async function asks(model: string, more: string[] = [], count = 10, type = 'jpg') {
    const folder = await mkdtemp(join(tmpdir(), 'photos-'));
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const photos = Array.from({ length: count }, (_, i) => join(folder, `photo-${i}.${type}`));
    for (const [i, photo] of photos.entries()) await writeFile(photo, Buffer.alloc(500_000 + i, 'jpeg'));
    const flags = ['--url', system.api_url, '--model', model, '--ask', 'What is this?', ...more];
    return run(process.execPath, [path('examples/photos/photos.mjs'), ...flags, ...photos], {
      CLIENT_KEY: system.client_keys[0],
    });
  }

  it('asks about ten photos, which are too large for a request, in one job', async () => {
    const { code, stdout, stderr } = await asks('sandbox-vision');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual(
      Array.from({ length: 10 }, (_, i) => ({
        photo: `photo-${i}.jpg`,
        status: 'completed',
        result: expect.stringContaining(`image/jpeg of ${500_000 + i} bytes`),
        error: null,
      })),
    );
  });

  it('makes another job of the same photos under another name alone', async () => {
    const counts: number[] = [];
    for (const more of [[], ['--run', 'b'], ['--run', 'b'], ['--run', 'c']]) {
      expect(await asks('sandbox-vision', more, 1)).toMatchObject({ code: 0 });
      counts.push((await call(system, 'GET', '/v1/jobs?limit=100')).json.jobs.length);
    }
    expect(counts.map((count) => count - (counts[0] ?? 0))).toEqual([0, 1, 1, 2]);
  });

  it('says what is no photo', async () => {
    const { code, stderr } = await asks('sandbox-vision', [], 1, 'txt');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('photo-0.txt is none of ') });
  });
});

describe('redeliver', () => {
  it('redelivers what the receiver missed, and nothing else', async () => {
    let status = 410;
    const received: unknown[] = [];
    const receiver = createServer((request, response) => {
      received.push(request.headers['webhook-id']);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    cleanUps.push(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const body = { ...submission('sandbox-instant', 'Hello'), webhook_url: `http://127.0.0.1:${port}/` };
    const key = system.client_keys[1];
    const authorization = `Bearer ${key}`;
    const { json } = await call(system, 'POST', '/v1/jobs', body, { authorization });
    const statusOf = async () =>
      (await call(system, 'GET', `/v1/jobs/${json.job_id}`, undefined, { authorization })).json.webhook
        .status;
    await vi.waitFor(async () => expect(await statusOf()).toBe('gone'), { timeout: 20_000, interval: 20 });

    const since = new Date(Date.now() - 3_600_000).toISOString();
    const args = [path('examples/redeliver/redeliver.mjs'), '--url', system.api_url, '--since', since];
    const runs = (...more: string[]) => run(process.execPath, [...args, ...more], { CLIENT_KEY: key });
    expect(await runs()).toMatchObject({ code: 0, stdout: '' });
    const listed = expect.stringContaining(`${json.job_id}\tgone\t`);
    expect(await runs('--status', 'gone', '--dry-run')).toMatchObject({ code: 0, stdout: listed });
    expect(received).toHaveLength(1);

    status = 204;
    expect(await runs('--status', 'exhausted,gone')).toMatchObject({ code: 0, stdout: listed });
    await vi.waitFor(async () => expect(await statusOf()).toBe('delivered'), {
      timeout: 20_000,
      interval: 20,
    });
    expect(new Set(received).size).toBe(1);
  });
});
