import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientKeysOf } from '../../../tools/commands/client-keys.ts';
import { clearHeaders, customHeadersOf, setHeaders } from '../../../tools/commands/custom-headers.ts';
import { findTarget } from '../../../tools/commands/find-target.ts';
import { rotate, settingsOf, webhookSecretOf } from '../../../tools/commands/webhook-secrets.ts';
import { type Post, type Receiver, startReceiver } from '../blackbox/receiver.ts';
import { patience, verify } from '../blackbox/scene.ts';
import { call, submission } from '../blackbox/system.ts';
import { type Operated, startOperated, targets } from './operated.ts';

const CANARY = 'canary-8d2b';

let operated: Operated;
let receiver: Receiver;
let other: Receiver;
beforeAll(async () => {
  operated = await startOperated();
  receiver = await startReceiver({});
  other = await startReceiver({});
});
afterAll(() => {
  receiver?.close();
  other?.close();
  return operated?.stop();
});

const target = () => findTarget({ port: Number(new URL(operated.system.api_url).port) });

async function submitted(key: string, url: string): Promise<void> {
  const body = { ...submission('sandbox-instant', 'Hello'), webhook_url: url };
  const authorization = `Bearer ${key}`;
  expect((await call(operated.system, 'POST', '/v1/jobs', body, { authorization })).status).toBe(202);
}

/** The webhook of a job with that URL. */
async function delivered(key: string, url: string, to = receiver): Promise<Post> {
  await submitted(key, url);
  const [post] = await to.received(new URL(url).pathname, 1);
  return post as Post;
}

const CREATED = /^(msj_([a-z0-9]+)_[\w-]{43})\n(whsec_[A-Za-z0-9+/]{43}=)\n$/;

/** What the API says to a key that asks for a list. */
async function statusFor(key: string): Promise<number> {
  const { status } = await call(operated.system, 'GET', '/v1/jobs', undefined, {
    authorization: `Bearer ${key}`,
  });
  return status;
}

describe.each(targets)('%s', (target) => {
  const keys = (...args: string[]) => operated.on(target, 'keys', ...args);
  const listed = async (id: string | undefined) =>
    (await keys('list')).stdout.split('\n').find((line) => line.startsWith(`${id}\t`));

  it('a key is made, works, is listed and is revoked', async () => {
    const made = await keys('create', '--name', `Büro ${target}`);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('not be shown again') });
    const [, key = '', id, secret] = CREATED.exec(made.stdout) ?? [];
    expect(await statusFor(key)).toBe(200);
    const shown = await keys('secret', '--name', `Büro ${target}`);
    expect(shown).toMatchObject({
      code: 0,
      stdout: `${secret}\n`,
      stderr: expect.stringContaining('number 1'),
    });
    for (const { stderr } of [made, shown]) expect(stderr).not.toContain(secret);
    expect(await listed(id)).toMatch(/^\w+\tBüro \w+\tjobs:read,jobs:write\t\d{4}-\S+Z\tactive$/);

    const revoked = await keys('revoke', '--id', id ?? '');
    expect(revoked).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('within 60 s') });
    const line = await listed(id);
    expect(line).toMatch(/\trevoked \d{4}-\S+Z$/);
    // The functions may know the key for another 30 s: whether they forget it then is their own test.
    const again = await keys('revoke', '--id', key);
    expect(again).toEqual({
      ...revoked,
      stderr: `${id} of Büro ${target} is revoked; it stops working within 60 s.\n`,
    });
    expect(await listed(id)).toBe(line);
  });

  it('a scope limits it', async () => {
    const { stdout } = await keys('create', '--name', 'writer', '--scope', 'jobs:write');
    expect(await statusFor(CREATED.exec(stdout)?.[1] ?? '')).toBe(403);
  });

  it('an unknown key cannot be revoked', async () => {
    expect(await keys('revoke', '--id', 'nobody')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^There is no key nobody: see npm run keys -- list --/),
    });
  });
});

it('the secret of a client is rotated, and the one before signs along', async () => {
  const keys = (...args: string[]) => operated.on('deployed', 'keys', ...args, '--name', 'rotated');
  const [, key = '', , first = ''] = CREATED.exec((await keys('create')).stdout) ?? [];
  const rotated = await keys('secret', '--rotate');
  expect(rotated).toMatchObject({ code: 0, stderr: expect.stringMatching(/number 2\.\n.+ until \d{4}-/) });
  const second = rotated.stdout.trim();
  expect(second).not.toBe(first);
  expect(await webhookSecretOf(await target(), 'rotated')).toMatchObject({ secret: second, generation: 2 });
  const { headers, body } = await delivered(key, receiver.url('/rotated'));
  expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
  for (const secret of [first, second]) verify(secret, body, headers);
});

it('of two who rotate a secret at once, one is told so, and one who is answered late is not', async () => {
  const found = await target();
  const twice = await Promise.allSettled([rotate(found, 'contested'), rotate(found, 'contested')]);
  expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await webhookSecretOf(found, 'contested')).toMatchObject({ generation: 2 });
  const { dynamodb } = found.clients;
  const send = dynamodb.send.bind(dynamodb) as (command: unknown) => Promise<unknown>;
  // As the SDK does, when the first answer is lost.
  const sending = vi.spyOn(dynamodb, 'send').mockImplementation(async (command: unknown) => {
    if (command instanceof UpdateItemCommand) await send(command);
    return send(command);
  });
  await rotate(found, 'contested');
  sending.mockRestore();
  expect(await webhookSecretOf(found, 'contested')).toMatchObject({ generation: 3 });
});

it('headers are set for a host, listed without their values, sent there alone, and cleared', async () => {
  const name = 'Söhne/local';
  const keys = (...args: string[]) => operated.on('local', 'keys', ...args, '--name', name);
  const [, key = ''] = CREATED.exec((await keys('create')).stdout) ?? [];
  const { host } = new URL(receiver.url('/'));
  const given = ['--set', `Authorization: Bearer ${CANARY}`, '--set', 'X-Env:prod'];
  const set = await keys('headers', '--host', host, ...given);
  expect(set).toMatchObject({ code: 0, stdout: `${host}\tauthorization\n${host}\tx-env\n` });
  expect(set.stderr).not.toContain(CANARY);
  const found = await target();
  await setHeaders(found, name, host, { 'x-env': 'test' });
  await setHeaders(found, name, 'hooks.example.com:443', { 'x-env': 'other' });

  const { headers } = await delivered(key, receiver.url('/headers'));
  expect(headers).toMatchObject({ authorization: `Bearer ${CANARY}`, 'x-env': 'test' });
  const elsewhere = await delivered(key, other.url('/headers'), other);
  const byAnother = await delivered(operated.system.client_keys[1], receiver.url('/by-another'));
  for (const { headers } of [elsewhere, byAnother])
    expect([headers['authorization'], headers['x-env']]).toEqual([undefined, undefined]);

  const clear = () => keys('headers', '--host', host, '--clear');
  expect(await clear()).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('have no custom headers'),
  });
  expect(await clear()).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('had no custom headers'),
  });
  expect((await keys('headers')).stdout).toBe('hooks.example.com:443\tx-env\n');
  expect(await settingsOf(clientKeysOf(found), name)).toMatchObject({
    headerHosts: new Set(['hooks.example.com:443']),
  });
  await clearHeaders(found, name, 'hooks.example.com:443');
  expect(await customHeadersOf(found, name)).toEqual({});
  // What was deleted can be made again.
  await setHeaders(found, name, host, { 'x-env': 'prod' });
  expect(await customHeadersOf(found, name)).toEqual({ [host]: { 'x-env': 'prod' } });
});

it('4 KB of headers for a host are the most, and what a secret holds for all hosts', async () => {
  const found = await target();
  const most = { 'x-a': 'x'.repeat(4093) };
  await setHeaders(found, 'large', 'a:443', most);
  await expect(setHeaders(found, 'large', 'a:443', { 'x-b': 'x' })).rejects.toThrow(
    'have 4100 bytes, and 4096',
  );
  const fill = async () => {
    for (let index = 0; index < 16; index++) await setHeaders(found, 'large', `h${index}:443`, most);
  };
  await expect(fill()).rejects.toThrow('more than 65536 bytes in all');
});

it('a client that has no key is a mistake', async () => {
  const ran = await operated.on('local', 'keys', 'secret', '--rotate', '--name', 'my-ap');
  expect(ran).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^There is no key of my-ap:/),
  });
});

it("a client cannot have the service sign its own job for another client's receiver", async () => {
  const { client_keys, webhook_secret, webhook_secrets } = operated.system;
  expect(webhook_secret).toBe(webhook_secrets[0]);
  const [byFirst, bySecond] = await Promise.all(
    client_keys.map((key, index) => delivered(key, receiver.url(`/deputy-${index}`))),
  );
  const root = await operated.operator.secret(operated.running.outputs['WebhookSecretArn'] ?? '');
  for (const [post, own, others] of [
    [byFirst, webhook_secrets[0], [webhook_secrets[1], root]],
    [bySecond, webhook_secrets[1], [webhook_secrets[0], root]],
  ] as const) {
    if (!post) throw new Error('It has not arrived');
    verify(own, post.body, post.headers);
    for (const other of others) expect(() => verify(other, post.body, post.headers)).toThrow('No matching');
  }
  const inbox = await (await fetch(operated.system.webhook_inbox_url)).json();
  expect(inbox).toEqual({ received: [] });
  for (const key of client_keys) await submitted(key, operated.system.webhook_inbox_url);
  await vi.waitFor(async () => {
    const { received } = (await (await fetch(operated.system.webhook_inbox_url)).json()) as {
      received: object[];
    };
    expect(received).toMatchObject([{ verified: true }, { verified: true }]);
  }, patience);
});
