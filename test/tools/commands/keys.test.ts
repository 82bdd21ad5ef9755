import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../blackbox/system.ts';
import { type Operated, startOperated, targets } from './operated.ts';

let operated: Operated;
beforeAll(async () => {
  operated = await startOperated();
});
afterAll(() => operated?.stop());

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
    const [, id] = /^msj_([a-z0-9]+)_[\w-]{43}\n$/.exec(made.stdout) ?? [];
    expect(await statusFor(made.stdout.trim())).toBe(200);
    expect(await listed(id)).toMatch(/^\w+\tBüro \w+\tjobs:read,jobs:write\t\d{4}-\S+Z\tactive$/);

    const revoked = await keys('revoke', '--id', id ?? '');
    expect(revoked).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('within 60 s') });
    const line = await listed(id);
    expect(line).toMatch(/\trevoked \d{4}-\S+Z$/);
    // The functions may know the key for another 30 s: whether they forget it then is their own test.
    const again = await keys('revoke', '--id', made.stdout.trim());
    expect(again).toEqual({
      ...revoked,
      stderr: `${id} of Büro ${target} is revoked; it stops working within 60 s.\n`,
    });
    expect(await listed(id)).toBe(line);
  });

  it('a scope limits it', async () => {
    const { stdout } = await keys('create', '--name', 'writer', '--scope', 'jobs:write');
    expect(await statusFor(stdout.trim())).toBe(403);
  });

  it('an unknown key cannot be revoked', async () => {
    expect(await keys('revoke', '--id', 'nobody')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no key nobody.\n',
    });
  });
});
