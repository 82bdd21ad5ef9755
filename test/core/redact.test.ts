import { describe, expect, it } from 'vitest';
import { redacted, redactedInput } from '../../functions/core/redact.ts';

const SECRET = 'aZ09-_+/=aZ09';

describe('a secret that is known by its form', () => {
  it.each([
    ['a client key, but for its id', `msj_abc123_${SECRET}`, 'msj_abc123_…'],
    ['a signing secret', `whsec_${SECRET}`, 'whsec_…'],
    ['two of them', `whsec_${SECRET} and whsec_${SECRET}.`, 'whsec_… and whsec_….'],
    ['one in capital letters', `WHSEC_${SECRET}`, 'WHSEC_…'],
    ['a bearer token', `authorization: Bearer ${SECRET}.~`, 'authorization: Bearer …'],
    ['a bearer token after more than one space', `bearer  ${SECRET}`, 'bearer  …'],
    ['a key of ModelStudio', `key sk-${SECRET}`, 'key sk-…'],
    ['one of just eight characters', 'sk-12345678', 'sk-…'],
    ['a JSON Web Token', 'eyJhbGciOi.eyJzdWIi.c2ln', 'eyJ…'],
    ['a user and a password in a URL', 'https://user:pass@example.com/', 'https://…@example.com/'],
    ['a user in a URL in a JSON Pointer', 'https:~1~1user@example.com', 'https:~1~1…@example.com'],
    ['users in two URLs', 'http://a@x.example ftp://b@y.example', 'http://…@x.example ftp://…@y.example'],
  ])('is left out: %s', (_what, text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  it.each([
    ['fewer than eight characters after sk-', 'sk-1234567'],
    ['a word that ends in sk', 'the task-forces of the twelve'],
    ['the word bearer before a short one', 'a bearer of news'],
    ['the prefix alone', 'whsec_ msj_abc123_'],
    ['an @ in the path of a URL', 'https://example.com/@user'],
    ['an @ in quotes after a URL', 'https://"a@b"'],
    ['an email address', 'user@example.com'],
    ['what looks random', 'job_4f9k2m8x1c7v5b3n6q0w'],
  ])('is not seen where there is none: %s', (_what, text) => {
    expect(redacted(text)).toBe(text);
  });
});

describe('what somebody typed', () => {
  it.each([
    ['a secret that is known by its form', `whsec_${SECRET}`, 'whsec_…'],
    ['a random word of twenty characters', 'a1b2cdefghijklmnopqr', 'a1b2…'],
    ['a random word in capital letters', 'A1B2CDEFGHIJKLMNOPQR', 'A1B2…'],
    ['a random word with a digit before each letter', '1a2bcdefghijklmnopqr', '1a2b…'],
    ['a random word with its digits at the end', 'abcdefghijklmnop-1a-b2', 'abcd…'],
    ['two random words', 'a1b2cdefghijklmnopqr, c3d4efghijklmnopqrst', 'a1b2…, c3d4…'],
  ])('is quoted without %s', (_what, text, expected) => {
    expect(redactedInput(text)).toBe(expected);
  });

  it.each([
    ['a random word of nineteen characters', 'a1b2cdefghijklmnopq'],
    ['a long word with one digit beside a letter', 'generation-model-name-v2'],
    ['a long word of letters', 'abcdefghijklmnopqrstuvwxyz'],
    ['a long number', '12345678901234567890'],
  ])('is quoted with %s', (_what, text) => {
    expect(redactedInput(text)).toBe(text);
  });
});
