import { describe, expect, it } from 'vitest';
import { base32, jobIdOf, jobIdOfKey, sha256Hex, webhookIdOf } from '../../functions/core/ids.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe('base32', () => {
  it.each([
    ['', ''],
    ['00', '00'],
    ['ff', 'zw'],
    ['ffff', 'zzzg'],
    ['ffffff', 'zzzzy'],
    ['ffffffff', 'zzzzzzr'],
    ['0102030405', '04106105'],
    ['ffffffffff', 'zzzzzzzz'],
    ['00'.repeat(16), '0'.repeat(26)],
    ['ff'.repeat(16), `${'z'.repeat(25)}w`],
    ['0123456789abcdef0123456789abcdef', '04hmasw9nf6yy0938nkrkaydxw'],
  ])('writes %s as %s', (hex, text) => {
    expect(base32(bytes(hex))).toBe(text);
  });
});

describe('jobIdOfKey', () => {
  it('does not depend on the release: a key that was used before an update still finds its job', () => {
    expect(jobIdOfKey('acme', 'order-17')).toBe('job_npvjf7xwkv0pcdbzyywd6jnf6w');
  });

  it.each<[what: string, one: [string, string], other: [string, string]]>([
    ['another key', ['acme', 'order-17'], ['acme', 'order-18']],
    ['another client', ['acme', 'order-17'], ['acme2', 'order-17']],
    ['a border that moved', ['acme', 'order-17'], ['acmeorder', '-17']],
    ['a border in quotes', ['a","b', 'c'], ['a', 'b","c']],
    ['other letters', ['acme', 'Order-17'], ['acme', 'order-17']],
  ])('gives another id to %s', (_what, one, other) => {
    expect(jobIdOfKey(...one)).not.toBe(jobIdOfKey(...other));
  });
});

describe('an id', () => {
  const random = bytes('0123456789abcdef0123456789abcdef');

  it.each([
    ['a job', jobIdOf(random), /^job_[0-9a-hjkmnp-tv-z]{26}$/],
    ['the job of a key', jobIdOfKey('acme', 'order-17'), /^job_[0-9a-hjkmnp-tv-z]{26}$/],
    ['a webhook', webhookIdOf(random), /^msg_[0-9a-hjkmnp-tv-z]{26}$/],
  ])('for %s is opaque and fits into a URL', (_what, id, form) => {
    expect(id).toMatch(form);
    expect(id).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
  });
});

it('sha256Hex gives the SHA-256 of a text in hexadecimal', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
