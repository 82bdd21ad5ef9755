import { describe, expect, it } from 'vitest';
import { urlIn } from '../../../tools/commands/api.ts';
import { headersIn, hostIn } from '../../../tools/commands/custom-headers.ts';
import { type CommandName, command } from './operated.ts';

const names: CommandName[] = ['keys', 'smoke', 'redrive', 'redeliver', 'doctor', 'queue', 'usage'];

it.concurrent.each(names)('%s --help prints how it is called', async (name) => {
  const ran = await command(name, ['--help']);
  expect(ran).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`npm run ${name}`) });
  // The system of this machine keeps no log.
  expect(ran.stdout.includes('--local')).toBe(name !== 'usage');
  for (const line of ran.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

const wrong: [CommandName, string[], string][] = [
  ['doctor', ['--nmae', 'x'], "Unknown option '--nmae'"],
  ['doctor', ['--local=yes'], "Option '--local' does not take an argument"],
  ['doctor', ['--port', '1'], '--port needs --local'],
  ['doctor', ['--local', '--port'], "Option '--port <value>' argument missing"],
  ['doctor', ['--port', '--local'], "Option '--port' argument is ambiguous"],
  ['doctor', ['--local', '--port', 'x'], '--port must be a whole number'],
  ['keys', [], 'The first argument must be one of create, list, revoke, secret, headers'],
  ['keys', ['delete'], 'The first argument must be one of create, list, revoke, secret, headers'],
  ['keys', ['list', 'all'], 'Unexpected argument: there are only flags here'],
  ['keys', ['headers', '--name', 'a', 'x-a: canary'], 'Unexpected argument: there are only flags here'],
  ['keys', ['create', '--name', 'a', '--rotate'], 'create does not take --rotate'],
  ['keys', ['list', '--set', 'x-a: canary'], 'list does not take --set'],
  ['keys', ['secret', '--id', 'a'], 'secret does not take --id'],
  ['keys', ['headers', '--name', 'a', '--host', 'a1', '--host', 'a2'], '--host is given more than once'],
  ['keys', ['create', '--name', '  '], '--name must neither begin nor end with a space'],
  ['keys', ['create'], '--name is missing'],
  [
    'keys',
    ['create', '--name', 'a\tb'],
    '--name must be 1 to 128 characters, none of them a control character',
  ],
  ['keys', ['create', '--name', 'a', '--scope', 'jobs:all'], '--scope must be one of jobs:read, jobs:write'],
  ['keys', ['revoke'], '--id is missing'],
  ['keys', ['list', '--local', '--stack', 'Mine'], '--local and --stack cannot be used together'],
  ['keys', ['secret'], '--name is missing'],
  ['queue', [], 'The first argument must be one of status, pause, resume'],
  ['smoke', [], '--url is missing'],
  [
    'smoke',
    ['--url', 'api.example.com'],
    '--url must be an http(s) URL without user name, query or fragment',
  ],
  ['smoke', ['--url', 'https://api.example.com/v1'], '--url must be without /v1 and what follows'],
  ['smoke', ['--url', 'https://api.example.com'], '--key is missing'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'a\nb'], '--key must be a client key, msj_…'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'msj_a_b'], '--model is missing'],
  ['redrive', ['--queue', 'sweep'], '--queue must be one of poll, collect, deliver, create'],
  ['usage', ['--since', 'yesterday'], '--since must be like 90m, 12h or 30d'],
  ['redrive', ['poll'], 'Unexpected argument: there are only flags here'],
];
it.concurrent.each(wrong)('%s refuses the arguments %j', async (name, args, sentence) => {
  expect(await command(name, args)).toEqual({ code: 2, stdout: '', stderr: `${sentence}. Try --help.\n` });
});

const KEYS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
const missing: [string, string[], Record<string, string>, RegExp][] = [
  ['credentials', [], { AWS_REGION: 'eu-west-1' }, /^There are no AWS credentials: set AWS_PROFILE, or run /],
  ['a region', [], KEYS, /^There is no AWS region: set AWS_REGION, or /],
  [
    'a connection',
    [],
    { ...KEYS, AWS_DEFAULT_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    /^There is no connection: connect ECONNREFUSED 127\.0\.0\.1:1\.$/m,
  ],
  [
    'a local system',
    ['--local', '--port', '1'],
    {},
    /^No local system runs on port 1: start one with `npm start`\.$/m,
  ],
];
it.concurrent.each(missing)('a command without %s says so', async (_, args, env, sentence) => {
  const ran = await command('keys', ['list', ...args], env);
  expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) });
});

it.each([
  'https://me@api.example.com',
  'https://api.example.com?a',
  'https://api.example.com#a',
  'http://a b',
])('a URL of the API has nothing after its path, and no user: %s', (url) =>
  expect(() => urlIn(url)).toThrow('must be an http(s) URL without user name, query or fragment'),
);

it('a URL of the API ends before /v1', () => {
  expect(urlIn('https://api.example.com/stage/')).toBe('https://api.example.com/stage');
  for (const path of ['/v1', '/v1/', '/v1/jobs'])
    expect(() => urlIn(`https://api.example.com${path}`)).toThrow('must be without /v1');
});

describe('the flags of custom headers', () => {
  it.each([
    ['hooks.example.com', 'hooks.example.com:443'],
    ['Hooks.Example.com:443', 'hooks.example.com:443'],
    ['hooks.example.com:8443', 'hooks.example.com:8443'],
    ['hooks.example.com:80', 'hooks.example.com:80'],
    ['hooks.example.com.', 'hooks.example.com.:443'],
  ])('name a host and a port: %s', (text, host) => {
    for (const isLocal of [true, false]) expect(hostIn(text, isLocal)).toBe(host);
  });

  it.each([
    ['127.0.0.1:3000', '127.0.0.1:3000'],
    ['localhost', 'localhost:80'],
    ['[::1]:3000', '[::1]:3000'],
  ])('name this machine only to the system that runs on it: %s', (text, host) => {
    expect(hostIn(text, true)).toBe(host);
    expect(() => hostIn(text, false)).toThrow('--host must be');
  });

  it.each([
    '',
    'https://hooks.example.com',
    'hooks.example.com/x',
    'me@hooks.example.com',
    'hooks.example.com:99999',
    'hooks.example.com:',
    'bücher.example',
    'a b',
    'a\n',
    '*',
    '*.example.com',
    'hooks.example.com:0',
    'a..b',
    '.a.com',
    'hooks',
    'hooks.internal',
    '-a.com',
    '0x7f.1',
    '10.0.0.1',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(126)}com`,
  ])('name no host that a webhook URL may have: %j', (text) => {
    for (const isLocal of [true, false]) expect(() => hostIn(text, isLocal)).toThrow('--host must be');
  });

  it('name no host, and the rule of webhook URLs is said', () => {
    const sentence = '--host must be as in a webhook URL, which must have a full DNS name as its host';
    expect(() => hostIn('a..b', false)).toThrow(sentence);
  });

  it('give names in any case, and values without the spaces around them', () => {
    const lines = ['Authorization: Bearer a:b', 'X-Api-Key:k', 'x-empty-ish:  a b  '];
    const headers = { authorization: 'Bearer a:b', 'x-api-key': 'k', 'x-empty-ish': 'a b' };
    expect(headersIn(lines)).toEqual(headers);
  });

  it('give each header once, in whatever case', () => {
    expect(() => headersIn(['x-a: 1', 'X-A: 2'])).toThrow('--set must be given once for each header');
  });

  it.each([
    'Authorization',
    ': x',
    'Host: a',
    'webhook-id: a',
    'Content-Type: a',
    'Cookie: a',
    'Proxy-Authorization: a',
    'X-Amz-Date: a',
    'x-amz-: a',
    'X-Forwarded-For: a',
    'x-: a',
    'x-a b: c',
    'x-a\n: b',
    'x-ä: b',
    'x-a : b',
    ' x-a: b',
  ])('give no other name: %j', (line) => {
    expect(() => headersIn([line])).toThrow('NAME is Authorization or begins with X-');
  });

  it.each(['x-a: b\r\nx-c: d', 'x-a: b\0', 'x-a: \u007f', 'x-a: é', 'x-a:', 'x-a:   ', 'x-a: b\tc'])(
    'give no other value, and none is quoted: %j',
    (line) => {
      expect(() => headersIn(['x-ok: 1', line])).toThrow(/^--set must have a value of ASCII characters/);
    },
  );
});
