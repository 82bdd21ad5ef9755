import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isSigningSecret, signedHeaders } from '../../functions/core/webhook/signature.ts';
import { signatureCases } from './corpus.ts';

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

describe('isSigningSecret', () => {
  it.each([
    ['24 bytes', secretOf(24), true],
    ['32 bytes', secretOf(32), true],
    ['64 bytes', secretOf(64), true],
    ['23 bytes', secretOf(23), false],
    ['65 bytes', secretOf(65), false],
    ['no prefix', OLD.slice('whsec_'.length), true],
    ['no padding', NEW.replace('=', ''), false],
    ['half of the padding', `${secretOf(25).slice(0, -1)}`, false],
    ['padding that is not needed', `${OLD}=`, false],
    ['44 letters and digits', 'aB3'.repeat(14).concat('zZ'), true],
    ['empty', '', false],
    ['only the prefix', 'whsec_', false],
    ['another alphabet', `whsec_${'-_'.repeat(16)}`, false],
    ['a line break', `${OLD}\n`, false],
    ['the prefix twice', `whsec_${OLD}`, false],
    ['a password', 'correct horse battery staple correct', false],
    ['JSON', JSON.stringify({ secret: OLD }), false],
  ])('accepts nothing but a secret of 24 to 64 bytes: %s', (_what, secret, is) => {
    expect(isSigningSecret(secret)).toBe(is);
  });
});
