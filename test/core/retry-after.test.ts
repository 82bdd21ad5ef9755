import { expect, it } from 'vitest';
import { retryAfterIn } from '../../functions/core/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1);
const httpDate = (millis: number) => new Date(millis).toUTCString();

it.each<[what: string, header: string | undefined, seconds: number | null]>([
  ['none', undefined, null],
  ['empty', '', null],
  ['zero', '0', 0],
  ['seconds', '120', 120],
  ['seconds with white space', ' 120 ', 120],
  ['leading zeros', '007', 7],
  ['ten digits', '9999999999', 9_999_999_999],
  ['eleven digits', '99999999999', null],
  ['negative', '-1', null],
  ['a fraction', '1.5', null],
  ['an exponent', '1e3', null],
  ['hexadecimal', '0x10', null],
  ['two values', '1, 2', null],
  ['words', 'soon', null],
  ['a date', httpDate(NOW + 90_000), 90],
  ['a date of tomorrow', httpDate(NOW + 86_400_000), 86_400],
  ['a date that is past', httpDate(NOW - 90_000), 0],
  ['the old form of RFC 850', 'Thursday, 01-Jan-26 00:01:30 GMT', 90],
  ['the form of asctime, as GMT', 'Thu Jan  1 00:01:30 2026 GMT', 90],
  ['a date behind a word', `on ${httpDate(NOW + 90_000)}`, null],
  ['a date in another zone', `${httpDate(NOW + 90_000)}+0100`, null],
  ['a date that does not exist', 'Thu, 99 Foo 2026 00:00:00 GMT', null],
])('%s: %j', (_what, header, seconds) => {
  expect(retryAfterIn(header, NOW)).toBe(seconds);
});

it('rounds a date up: not a moment too early', () => {
  expect(retryAfterIn(httpDate(NOW + 90_000), NOW + 1)).toBe(90);
});
