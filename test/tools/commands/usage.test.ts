import { describe, expect, it } from 'vitest';
import { headersIn, hostIn } from '../../../tools/commands/custom-headers.ts';
import { type CommandName, command } from './operated.ts';

const names: CommandName[] = ['keys', 'smoke', 'redrive', 'doctor', 'queue', 'usage'];

it.concurrent.each(names)('%s --help prints how it is called', async (name) => {
  const ran = await command(name, ['--help']);
  expect(ran).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`npm run ${name}`) });
  for (const line of ran.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

const wrong: [CommandName, string[], string][] = [
  ['doctor', ['--nmae', 'x'], "Unknown option '--nmae'"],
  ['doctor', ['--local=yes'], "Option '--local' does not take an argument"],
  ['doctor', ['--port', '1'], '--port needs --local'],
  ['doctor', ['--local', '--port'], "Option '--port <value>' argument missing"],
  ['doctor', ['--port', '--local'], "Option '--port' argument is ambiguous"],
  ['doctor', ['--local', '--port', 'x'], '--port must be a whole number, not "x"'],
  ['keys', [], 'The first argument must be one of create, list, revoke, secret, headers'],
  ['keys', ['delete'], 'The first argument must be one of create, list, revoke, secret, headers'],
  ['keys', ['list', 'all'], "Unexpected argument 'all'"],
  ['keys', ['create'], '--name is missing'],
  [
    'keys',
    ['create', '--name', 'a\tb'],
    '--name must be 1 to 128 characters, none of them a control character',
  ],
  [
    'keys',
    ['create', '--name', 'a', '--scope', 'jobs:all'],
    'There is no scope jobs:all; the scopes are jobs:read, jobs:write',
  ],
  ['keys', ['revoke'], '--id is missing'],
  ['keys', ['list', '--local', '--stack', 'Mine'], '--local and --stack cannot be used together'],
  ['keys', ['secret'], '--name is missing'],
  ['queue', [], 'The first argument must be one of status, pause, resume'],
  ['smoke', [], '--url is missing'],
  ['smoke', ['--url', 'api.example.com'], '--url must be an http(s) URL'],
  ['smoke', ['--url', 'https://api.example.com'], '--key is missing'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'a\nb'], '--key must be a client key, msj_…'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'msj_a_b'], '--model is missing'],
  ['redrive', ['--queue', 'sweep'], 'There is no queue sweep; the queues are poll, collect, deliver, create'],
  ['usage', ['--since', 'yesterday'], '--since must be like 90m, 12h or 30d, not "yesterday"'],
  ['redrive', ['poll'], "Unexpected argument 'poll'"],
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

describe('the flags of custom headers', () => {
  it.each([
    ['hooks.example.com', 'hooks.example.com:443'],
    ['Hooks.Example.com:443', 'hooks.example.com:443'],
    ['hooks.example.com:8443', 'hooks.example.com:8443'],
    ['hooks.example.com:80', 'hooks.example.com:80'],
    ['hooks.example.com.', 'hooks.example.com.:443'],
    ['127.0.0.1:3000', '127.0.0.1:3000'],
    ['[::1]:3000', '[::1]:3000'],
  ])('name a host and a port: %s', (text, host) => {
    expect(hostIn(text)).toBe(host);
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
  ])('name no host: %j', (text) => {
    expect(() => hostIn(text)).toThrow('--host must be');
  });

  it('give names in any case, and values without the spaces around them', () => {
    const lines = ['Authorization: Bearer a:b', 'X-Api-Key:k', 'x-empty-ish:  a b  ', 'X-API-KEY: last'];
    const headers = { authorization: 'Bearer a:b', 'x-api-key': 'last', 'x-empty-ish': 'a b' };
    expect(headersIn(lines)).toEqual(headers);
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
