import { expect, it } from 'vitest';
import { type CommandName, command } from './operated.ts';

const names: CommandName[] = ['keys', 'smoke', 'redrive', 'doctor', 'queue'];

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
  ['keys', [], 'The first argument must be one of create, list, revoke'],
  ['keys', ['delete'], 'The first argument must be one of create, list, revoke'],
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
  ['queue', [], 'The first argument must be one of status, pause, resume'],
  ['smoke', [], '--url is missing'],
  ['smoke', ['--url', 'api.example.com'], '--url must be an http(s) URL'],
  ['smoke', ['--url', 'https://api.example.com'], '--key is missing'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'a\nb'], '--key must be a client key, msj_…'],
  ['smoke', ['--url', 'https://api.example.com', '--key', 'msj_a_b'], '--model is missing'],
  ['redrive', ['--queue', 'sweep'], 'There is no queue sweep; the queues are poll, collect, deliver, create'],
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
