import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientSecret, isRootSecret, signedHeaders } from '../../functions/core/webhook/signature.ts';
import { clientSecretCases, signatureCases } from './corpus.ts';

const OLD = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NEW = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const AT = Date.UTC(2026, 0, 1);
const BODY = '{"type":"job.completed","data":{"text":"héllo ✓ 😀"}}';
const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

/** Receivers refuse what is more than five minutes old, so their clock stands at the moment of the attempt. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: AT });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('signedHeaders', () => {
  it.each(signatureCases)(
    'makes the signature of the test vector $name',
    ({ secret, id, timestamp, body, signature }) => {
      expect(signedHeaders(id, timestamp * 1000, body, [secret])).toEqual({
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signature,
      });
    },
  );

  it.each(signatureCases.filter(({ body }) => body !== ''))(
    'makes a signature that a receiver verifies: $name',
    ({ secret, id, timestamp, body }) => {
      vi.setSystemTime(timestamp * 1000);
      const headers = signedHeaders(id, timestamp * 1000, body, [secret]);
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    },
  );

  it('gives the timestamp in whole seconds, rounded down', () => {
    expect(signedHeaders('msg_1', AT + 999, BODY, [OLD])).toEqual(signedHeaders('msg_1', AT, BODY, [OLD]));
  });

  it('signs with each live secret, the current one first', () => {
    const both = signedHeaders('msg_1', AT, BODY, [NEW, OLD])['webhook-signature'].split(' ');
    const each = [NEW, OLD].map((secret) => signedHeaders('msg_1', AT, BODY, [secret])['webhook-signature']);
    expect(both).toEqual(each);
  });

  it.each([
    ['the new secret', NEW],
    ['the old secret', OLD],
  ])('satisfies a receiver that knows only %s', (_what, secret) => {
    expect(() =>
      new Webhook(secret).verify(BODY, signedHeaders('msg_1', AT, BODY, [NEW, OLD])),
    ).not.toThrow();
  });

  it('accepts a secret without its prefix', () => {
    const bare = OLD.slice('whsec_'.length);
    expect(signedHeaders('msg_1', AT, BODY, [bare])).toEqual(signedHeaders('msg_1', AT, BODY, [OLD]));
  });

  const headers = signedHeaders('msg_1', AT, BODY, [OLD]);
  it.each([
    ['one byte of the body', OLD, BODY.replace('é', 'e'), headers],
    ['one more byte', OLD, `${BODY} `, headers],
    ['another id', OLD, BODY, { ...headers, 'webhook-id': 'msg_2' }],
    ['another second', OLD, BODY, { ...headers, 'webhook-timestamp': String(AT / 1000 + 1) }],
    ['another secret', NEW, BODY, headers],
  ])('makes a signature that does not fit %s', (_what, secret, body, received) => {
    expect(() => new Webhook(secret).verify(body, received)).toThrow('No matching signature');
  });
});

describe("a client's secret", () => {
  it.each(clientSecretCases)(
    'is that of the test vector: $client, generation $generation',
    ({ root, client, generation, secret }) => {
      expect(clientSecret(root, client, generation)).toBe(secret);
      expect(clientSecret(root.replace('whsec_', ''), client, generation)).toBe(secret);
    },
  );

  it('is one that all libraries take, and another for each root, client and generation', () => {
    const roots = [NEW, secretOf(32), secretOf(64)];
    const clients = ['a', 'A', 'a:1', 'a:1:1', 'é', 'e\u0301', '\u{1f600}', 'x'.repeat(128), ' a'];
    const secrets = roots.flatMap((root) =>
      clients.flatMap((client) => [1, 2, 11].map((generation) => clientSecret(root, client, generation))),
    );
    expect(new Set(secrets).size).toBe(roots.length * clients.length * 3);
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});

describe('isRootSecret', () => {
  it.each([
    ['31 bytes', secretOf(31), false],
    ['32 bytes', secretOf(32), true],
    ['64 bytes', secretOf(64), true],
    ['65 bytes', secretOf(65), true],
    ['24 bytes, which were enough once', OLD, false],
    ['no prefix', NEW.slice('whsec_'.length), true],
    ['no padding', NEW.replace('=', ''), false],
    ['half of the padding', `${secretOf(34).slice(0, -1)}`, false],
    ['padding that is not needed', `${secretOf(33)}=`, false],
    ['44 letters and digits, which the stack generates', 'aB3'.repeat(14).concat('zZ'), true],
    ['empty', '', false],
    ['only the prefix', 'whsec_', false],
    ['another alphabet', `whsec_${'-_'.repeat(24)}`, false],
    ['a line break', `${NEW}\n`, false],
    ['the prefix twice', `whsec_${NEW}`, false],
    ['a password', 'correct horse battery staple correct horse', false],
    ['JSON', JSON.stringify({ secret: NEW }), false],
  ])('accepts nothing but a secret of at least 32 bytes: %s', (_what, secret, is) => {
    expect(isRootSecret(secret)).toBe(is);
  });
});
