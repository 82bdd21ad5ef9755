import { expect, it, vi } from 'vitest';
import { retryAfterOf } from '../../functions/core/http/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1);
const retryAfterIn = (header: string | undefined, now: number) =>
  retryAfterOf({ 'retry-after': header }, now);
const httpDate = (millis: number) => new Date(millis).toUTCString();

it.each<[what: string, header: string | undefined, seconds: number | null]>([
  ['none', undefined, null],
  ['empty', '', null],
  ['zero', '0', 0],
  ['seconds', '120', 120],
  ['seconds with white space', ' 120 ', 120],
  ['leading zeros', '007', 7],
  ['ten digits', '9999999999', 9_999_999_999],
  ['eleven digits, of which the most that counts is left', '99999999999', 9_999_999_999],
  ['four hundred digits', '9'.repeat(400), 9_999_999_999],
  ['negative', '-1', null],
  ['a fraction, rounded up', '1.5', 2],
  ['half a fraction', '1.', null],
  ['the smallest fraction', '0.001', 1],
  ['an exponent', '1e3', null],
  ['hexadecimal', '0x10', null],
  ['two values', '1, 2', null],
  ['words', 'soon', null],
  ['a date', httpDate(NOW + 90_000), 90],
  ['a date of tomorrow', httpDate(NOW + 86_400_000), 86_400],
  ['a date that is past', httpDate(NOW - 90_000), 0],
  ['the old form of RFC 850', 'Thursday, 01-Jan-26 00:01:30 GMT', 90],
  ['the form of asctime', 'Thu Jan  1 00:01:30 2026', 90],
  ['the form of asctime, with two digits for the day', 'Thu Nov 26 12:01:00 2026', 28_468_860],
  ['the form of asctime, as GMT', 'Thu Jan  1 00:01:30 2026 GMT', 90],
  ['a date behind a word', `on ${httpDate(NOW + 90_000)}`, null],
  ['a date in another zone', `${httpDate(NOW + 90_000)}+0100`, null],
  ['a date without a zone', httpDate(NOW + 90_000).replace(' GMT', ''), null],
  ['a date that does not exist', 'Thu, 99 Foo 2026 00:00:00 GMT', null],
])('a Retry-After header is read as a number of seconds or not at all: %s: %j', (_what, header, seconds) => {
  expect(retryAfterIn(header, NOW)).toBe(seconds);
});

it('a date in Retry-After is rounded up, so that nothing is asked too early', () => {
  expect(retryAfterIn(httpDate(NOW + 90_000), NOW + 1)).toBe(90);
});

it.each<[what: string, headers: Record<string, string>, seconds: number | null]>([
  ['neither', {}, null],
  ['the standard one alone', { 'retry-after': '7' }, 7],
  ['milliseconds alone', { 'retry-after-ms': '1500' }, 2],
  ['milliseconds as a fraction', { 'retry-after-ms': '0.5' }, 1],
  ['both: the finer one counts', { 'retry-after': '2', 'retry-after-ms': '250' }, 1],
  ['milliseconds that cannot be read', { 'retry-after': '2', 'retry-after-ms': 'soon' }, 2],
])('the wait is read from an answer with %s', (_what, headers, seconds) => {
  expect(retryAfterOf(headers, NOW)).toBe(seconds);
});

it.each(['America/New_York', 'Asia/Kolkata'])(
  'a date in the asctime format is read as GMT, even in the time zone %s',
  (zone) => {
    vi.stubEnv('TZ', zone);
    expect(retryAfterIn('Thu Jan  1 00:01:30 2026', NOW)).toBe(90);
    vi.unstubAllEnvs();
  },
);
