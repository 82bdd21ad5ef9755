import { describe, expect, it } from 'vitest';
import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { sha256Hex } from '../../functions/core/ids.ts';
import { type KeyEvent, type KeysWorld, keepKey } from '../../functions/keys/keep-key.ts';
import { NOW } from '../cloud/jobs.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:key';

/** A secret and a table; a worker may die at any of its steps, before or after it has its effect. */
function account() {
  const stored = { secret: 'what Secrets Manager made up', isThere: true, written: new Set<string>() };
  const rows = new Map<string, ClientKey>();
  let made = 0;
  const worldOf = (diesAt = Number.POSITIVE_INFINITY): KeysWorld => {
    let steps = 0;
    /** Twice as many steps as there are calls: one before the effect of each, and one after. */
    const step = async <T>(effect: () => T): Promise<T> => {
      if (++steps === diesAt) throw new Error('died');
      await Promise.resolve();
      const result = effect();
      if (++steps === diesAt) throw new Error('died');
      return result;
    };
    return {
      secrets: {
        read: () => step(() => (stored.isThere ? stored.secret : '')),
        write: (_arn, value, eventId) =>
          step(() => {
            if (!stored.isThere) throw new Error('There is no such secret');
            if (!stored.written.has(eventId)) stored.secret = value;
            stored.written.add(eventId);
          }),
      },
      keys: {
        insert: (record) => step(() => void (rows.has(record.sha256) || rows.set(record.sha256, record))),
        revoke: (sha256, revokedAt) =>
          step(() => {
            const row = rows.get(sha256);
            if (row?.revokedAt === null) rows.set(sha256, { ...row, revokedAt });
          }),
      },
      clock: { now: () => NOW },
      newRandom: () => new Uint8Array(48).fill(++made),
    };
  };
  const active = () => [...rows.values()].filter(({ revokedAt }) => revokedAt === null);
  return { stored, rows, worldOf, active };
}

const event = (
  RequestType: KeyEvent['RequestType'],
  RequestId: string,
  PhysicalResourceId = 'none',
): KeyEvent => ({
  ...{ RequestType, RequestId, PhysicalResourceId },
  ResourceProperties: { SecretArn: SECRET, Client: 'Shop/Orders' },
});
const create = event('Create', 'create-1');
/** More than any event takes. */
const STEPS = Array.from({ length: 12 }, (_, i) => i + 1);

it('a deployment makes a key, whose hash alone is in the table', async () => {
  const { stored, rows, worldOf } = account();
  const id = await keepKey(create, worldOf());
  expect(id).toBe(sha256Hex(stored.secret));
  expect(stored.secret).toMatch(/^msj_[a-z0-9]{12}_[\w-]{43}$/);
  expect([...rows.values()]).toMatchObject([
    { client: 'Shop/Orders', scopes: ['jobs:read', 'jobs:write'], revokedAt: null },
  ]);
});

describe('whoever dies at step', () => {
  it.each(STEPS)('%i of making a key, the same event makes it, and only one', async (step) => {
    const { stored, worldOf, active } = account();
    await keepKey(create, worldOf(step)).catch(() => null);
    expect(await keepKey(create, worldOf())).toBe(sha256Hex(stored.secret));
    expect(active().map(({ sha256 }) => sha256)).toEqual([sha256Hex(stored.secret)]);
  });

  it.each(STEPS)('%i of making a key leaves nothing that a rollback does not revoke', async (step) => {
    const { worldOf, active } = account();
    await keepKey(create, worldOf(step)).catch(() => null);
    await keepKey(event('Delete', 'delete-1'), worldOf());
    // It comes late, when all is over.
    await keepKey(create, worldOf()).catch(() => null);
    // Before there was a key, it makes one that nobody ever holds: its secret goes next.
    expect(active().length).toBeLessThanOrEqual(step <= 3 ? 1 : 0);
  });

  it.each(STEPS)('%i of revoking a key, the same event revokes it', async (step) => {
    const { worldOf, active } = account();
    const id = await keepKey(create, worldOf());
    await keepKey(event('Delete', 'delete-1', id), worldOf(step)).catch(() => null);
    expect(await keepKey(event('Delete', 'delete-1', id), worldOf())).toBe(id);
    expect(active()).toEqual([]);
  });
});

it('of two deliveries at once, one makes the key and both name it', async () => {
  const { stored, worldOf, active } = account();
  const ids = await Promise.all([keepKey(create, worldOf()), keepKey(create, worldOf())]);
  expect(ids).toEqual([sha256Hex(stored.secret), sha256Hex(stored.secret)]);
  expect(active()).toHaveLength(1);
});

it('an update, and its rollback, keep the key', async () => {
  const { rows, worldOf } = account();
  const id = await keepKey(create, worldOf());
  for (const again of ['update-1', 'rollback-1'])
    expect(await keepKey(event('Update', again, id), worldOf())).toBe(id);
  expect(rows.size).toBe(1);
});

it('a key that somebody has put into the secret is taken, and the one before is revoked by the clean-up', async () => {
  const { stored, worldOf, active } = account();
  const before = await keepKey(create, worldOf());
  stored.secret = `msj_abcdefgh1234_${'k'.repeat(43)}`;
  const after = await keepKey(event('Update', 'update-1', before), worldOf());
  expect(after).not.toBe(before);
  await keepKey(event('Delete', 'cleanup-1', before), worldOf());
  expect(active().map(({ sha256 }) => sha256)).toEqual([after]);
});

it('an event that was delivered before the key was revoked does not make it valid again', async () => {
  const { worldOf, active } = account();
  const id = await keepKey(create, worldOf());
  await keepKey(event('Delete', 'delete-1', id), worldOf());
  await keepKey(create, worldOf());
  expect(active()).toEqual([]);
});

it('a key is revoked even if its secret is gone', async () => {
  const { stored, worldOf, active } = account();
  const id = await keepKey(create, worldOf());
  stored.isThere = false;
  await keepKey(event('Delete', 'delete-1', id), worldOf());
  expect(active()).toEqual([]);
});

it('what was never made is deleted without a word', async () => {
  const { stored, worldOf } = account();
  stored.isThere = false;
  expect(await keepKey(event('Delete', 'delete-1', 'Shop-Key-1X2Y3Z'), worldOf())).toBe('Shop-Key-1X2Y3Z');
});
