import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LANGUAGES, snippet } from '../../../tools/snippets/snippets.ts';
import { run } from '../../run.ts';

const command = (...args: string[]) =>
  run(process.execPath, [
    fileURLToPath(new URL('../../../tools/snippets/main.ts', import.meta.url)),
    ...args,
  ]);

const FILES = {
  request: '{"model_id": "mine", "messages": [[{"role": "user", "content": "Hi"}]], "max_tokens": 9}',
  marked: '\uFEFF{"model_id": "mine", "messages": [[{"role": "user", "content": "Hi"}]], "max_tokens": 9}',
  list: '[]',
  text: 'Hello',
  flat: '{"model_id": "mine", "messages": [{"role": "user", "content": "Hi"}]}',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'requests-'));
  await Promise.all(Object.entries(FILES).map(([name, text]) => writeFile(join(folder, name), text)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const withPaths = (args: string[]) => args.map((arg) => arg.replace('FOLDER', folder));

const capital = {
  model_id: 'sandbox-instant',
  messages: [[{ role: 'user', content: 'Name the capital of France.' }]],
};
const local = 'http://127.0.0.1:8787';
const printed: [string[], ...Parameters<typeof snippet>][] = [
  ...LANGUAGES.map(({ id }): [string[], ...Parameters<typeof snippet>] => [
    ['--lang', id],
    id,
    { kind: 'submit', apiUrl: local, request: capital },
  ]),
  [['--lang', 'go', '--kind', 'receive'], 'go', { kind: 'receive', apiUrl: local, request: {} }],
  [
    ['--lang', 'python', '--kind', 'read', '--url', 'https://api.example.com/'],
    'python',
    { kind: 'read', apiUrl: 'https://api.example.com', request: {} },
  ],
  [
    ['--lang', 'curl', '--model', 'other'],
    'curl',
    { kind: 'submit', apiUrl: local, request: { ...capital, model_id: 'other' } },
  ],
  [
    ['--lang', 'curl', '--request', 'FOLDER/request'],
    'curl',
    { kind: 'submit', apiUrl: local, request: JSON.parse(FILES.request) },
  ],
  [
    ['--lang', 'curl', '--request', 'FOLDER/marked'],
    'curl',
    { kind: 'submit', apiUrl: local, request: JSON.parse(FILES.request) },
  ],
  [
    ['--lang', 'curl', '--request', 'FOLDER/request', '--model', 'other'],
    'curl',
    { kind: 'submit', apiUrl: local, request: { ...JSON.parse(FILES.request), model_id: 'other' } },
  ],
];
it.concurrent.each(printed)('the snippet command prints a snippet for %j', async (args, ...parameters) => {
  expect(await command(...withPaths(args))).toEqual({ code: 0, stdout: snippet(...parameters), stderr: '' });
});

const wrong: [string[], RegExp][] = [
  [[], /^--lang is missing\. /],
  [['--lang', 'rust'], /^--lang must be one of curl, javascript, typescript, python, go\. /],
  [['--lang', 'curl', '--kind', 'receive'], /^cURL cannot receive; it can: submit, read\. /],
  [['--lang', 'go', '--kind', 'send'], /^--kind must be one of submit, read, receive\. /],
  [['--lang', 'go', '--url', 'api.example.com'], /^--url must be an http\(s\) URL\. /],
  [['--lang', 'go', '--url', 'https://a b'], /^--url must be an http\(s\) URL\. /],
  [['--lang', 'go', '--model', '../x'], /^The request is not valid: \/model_id Must match /],
  [['--lang', 'go', '--request', 'FOLDER/none'], /^--request must be a file that can be read: ENOENT/],
  [
    ['--lang', 'go', '--request', 'FOLDER/list'],
    /^--request must be a file with a JSON object, and .* has none/,
  ],
  [
    ['--lang', 'go', '--request', 'FOLDER/text'],
    /^--request must be a file with a JSON object, and .* has none/,
  ],
  [
    ['--lang', 'go', '--request', 'FOLDER/flat'],
    /^The request is not valid: \/messages .*single conversation/,
  ],
  [['--language', 'go'], /^Unknown option '--language'\. /],
];
it.concurrent.each(wrong)('the snippet command refuses %j', async (args, sentence) => {
  const ran = await command(...withPaths(args));
  expect(ran).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) });
  expect(ran.stderr).toMatch(/ Try --help\.\n$/);
});

it('--help prints how the snippet command is called', async () => {
  const { code, stdout, stderr } = await command('--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const { id } of LANGUAGES) expect(stdout).toContain(id);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});
