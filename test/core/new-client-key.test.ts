import { describe, expect, it } from 'vitest';
import { keyInAuthorization, newClientKey } from '../../functions/core/http/client-key.ts';
import { sha256Hex } from '../../functions/core/ids.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('newClientKey', () => {
  const random = Buffer.from(Array.from({ length: 48 }, (_, i) => 251 - i * 5 + i * i));
  const { key, record } = newClientKey('acme', ['jobs:read'], random, NOW);

  it('can be used', () => {
    expect(keyInAuthorization(`Bearer ${key}`)).toBe(key);
  });

  it('is stored as its hash alone', () => {
    const keyId = /^msj_([a-z0-9]{12})_/.exec(key)?.[1];
    const stored = { client: 'acme', scopes: ['jobs:read'], createdAt: NOW, revokedAt: null };
    expect(record).toEqual({ sha256: sha256Hex(key), keyId, ...stored });
    expect(JSON.stringify(record)).not.toContain(key.slice(-43));
  });

  it('has 32 random bytes for its secret, apart from its id', () => {
    expect(key.slice(-43)).toBe(random.subarray(0, 32).toString('base64url'));
    const otherId = Buffer.concat([random.subarray(0, 32), Buffer.alloc(16)]);
    const other = newClientKey('acme', ['jobs:read'], otherId, NOW);
    expect(other.record.keyId).not.toBe(record.keyId);
    expect(other.key.slice(-43)).toBe(key.slice(-43));
  });
});
