import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../run.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder: string;

const environments = { staging: {}, production: { stackName: 'Jobs' } };
const CDK_JSON = JSON.stringify({ context: { environments } });

/** A clone whose cdk.json holds environments. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'environments-'));
  for (const name of ['functions', 'lib', 'tools', 'package.json'])
    await cp(join(root, name), join(folder, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'cdk.json'), CDK_JSON);
});
afterAll(() => rm(folder, { recursive: true }));

/** No AWS answers there. */
const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'eu-central-1', AWS_MAX_ATTEMPTS: '1' };
const command = (name: string, ...args: string[]) =>
  run(process.execPath, [`tools/commands/${name}.ts`, ...args], env, '', folder);
const doctor = (...args: string[]) => command('doctor', ...args);
const submit = () =>
  command('submit', ...['--url', 'http://127.0.0.1:1', '--key', 'k', '--model', 'm', '--file', 'none.jsonl']);

it.concurrent.each([
  [[], 'Say which environment, by -c environment=NAME: staging, production'],
  [['--environment', 'prod'], 'There is no environment prod; the environments are: staging, production'],
])('a command refuses %j', async (args, sentence) => {
  expect(await doctor(...args)).toMatchObject({ code: 2, stderr: `${sentence}. Try --help.\n` });
});

it.concurrent('a command that is told a URL needs no environment', async () => {
  expect(await submit()).toMatchObject({ code: 1, stderr: 'There is no file none.jsonl.\n' });
});

it('a command looks for the stack of the environment', async (context) => {
  const error = '<Code>ValidationError</Code><Message>Stack with id Jobs does not exist</Message>';
  const server = createServer((_request, response) => {
    response.writeHead(400, { 'content-type': 'text/xml' });
    response.end(`<ErrorResponse><Error>${error}</Error></ErrorResponse>`);
  }).listen(0, '127.0.0.1');
  context.onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const aws = { ...env, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const there = { ...aws, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  const args = ['tools/commands/keys.ts', 'list', '--environment', 'production'];
  const { stderr } = await run(process.execPath, args, there, '', folder);
  expect(stderr).toMatch(/^There is no stack Jobs in eu-central-1: /);
});

it('cdk.json may begin with a byte order mark', async () => {
  await writeFile(join(folder, 'cdk.json'), `\uFEFF${CDK_JSON}`);
  expect(await doctor()).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Say which environment/) });
});

it('a fault in cdk.json is told by the commands that look into it alone', async () => {
  await writeFile(join(folder, 'cdk.json'), '{');
  const sentence = /^.+cdk\.json is not JSON: .+\.\n$/;
  expect(await doctor()).toMatchObject({ code: 1, stderr: expect.stringMatching(sentence) });
  expect(await doctor('--help')).toMatchObject({ code: 0, stderr: '' });
  expect(await submit()).toMatchObject({ code: 1, stderr: 'There is no file none.jsonl.\n' });
});
