import { describe, expect, it } from 'vitest';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import {
  type AttemptOutcome,
  afterAttempt,
  firstWaitMillis,
  isSuccess,
  readOutcome,
} from '../../functions/core/webhook/attempt.ts';

/** The contract's schedule. */
const SCHEDULE = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
const MIDDLE = 0.5;
const ALMOST_ONE = 1 - Number.EPSILON;

const answered = (status: number, retryAfterSeconds: number | null = null): AttemptOutcome => ({
  kind: 'answered',
  status,
  retryAfterSeconds,
});
type Failed = Extract<AttemptOutcome, { kind: 'failed' }>;
const failed = (error: Failed['error']): Failed => ({ kind: 'failed', error });
/** Of a round that has days left. */
const LEFT = 86_400_000;
const settle = (status: string) => ({ step: 'settle', status });
const retry = (seconds: number) => ({ step: 'retry', waitMillis: seconds * 1000 });

describe('afterAttempt', () => {
  it.each<[what: string, exchange: AttemptOutcome, attempts: number, verdict: object]>([
    ['200', answered(200), 1, settle('delivered')],
    ['204', answered(204), 1, settle('delivered')],
    ['299', answered(299), 1, settle('delivered')],
    ['200 at last', answered(200), 8, settle('delivered')],
    ['200 with Retry-After', answered(200, 60), 1, settle('delivered')],
    ['200 beyond the schedule, redelivered', answered(200), 9, settle('delivered')],
    ['410', answered(410), 1, settle('gone')],
    ['410 at last', answered(410), 8, settle('gone')],
    ['a blocked address', { kind: 'blocked' }, 1, settle('blocked')],
    ['a blocked address at last', { kind: 'blocked' }, 8, settle('blocked')],
    ['a queue or bus that takes it', { kind: 'accepted' }, 1, settle('delivered')],
    ['one that takes it at last', { kind: 'accepted' }, 8, settle('delivered')],
    ['one that refuses for good', { kind: 'blocked', error: 'denied' }, 1, settle('blocked')],
    ['one that is gone', { kind: 'blocked', error: 'gone' }, 1, settle('blocked')],

    ['199', answered(199), 1, retry(5)],
    ['300', answered(300), 1, retry(5)],
    ['301: a redirect is a failure', answered(301), 1, retry(5)],
    ['400: a receiver may be mended', answered(400), 1, retry(5)],
    ['401', answered(401), 1, retry(5)],
    ['404', answered(404), 1, retry(5)],
    ['500', answered(500), 1, retry(5)],
    ['no answer in time', failed('timeout'), 1, retry(5)],
    ['a connection that broke', failed('connection_reset'), 1, retry(5)],
    ['no connection', failed('connection_failed'), 1, retry(5)],
    ['no name', failed('dns'), 1, retry(5)],
    ['a bad certificate', failed('tls'), 1, retry(5)],
    ['an answer that is not HTTP', failed('invalid_response'), 1, retry(5)],
    ['a throttled queue or bus', failed('throttled'), 1, retry(5)],
    ['one that is not available', failed('unavailable'), 1, retry(5)],

    ['the second failure', answered(500), 2, retry(300)],
    ['the third', answered(500), 3, retry(1800)],
    ['the fourth', answered(500), 4, retry(7200)],
    ['the fifth', answered(500), 5, retry(18_000)],
    ['the sixth', answered(500), 6, retry(36_000)],
    ['the seventh', answered(500), 7, retry(36_000)],
    ['the eighth', answered(500), 8, settle('exhausted')],
    ['one beyond the schedule, redelivered', answered(500), 9, settle('exhausted')],

    ['429 that asks for a minute', answered(429, 60), 1, retry(60)],
    ['503 that asks for less than is scheduled', answered(503, 60), 2, retry(300)],
    ['503 that asks for no wait at all', answered(503, 0), 1, retry(5)],
    ['503 that asks for a day gets an hour', answered(503, 86_400), 1, retry(3600)],
    ['429 that asks for nothing', answered(429), 1, retry(5)],
    ['503 that asks at last', answered(503, 60), 8, settle('exhausted')],
    ['500 may not ask', answered(500, 60), 1, retry(5)],
    ['302 may not ask', answered(302, 60), 1, retry(5)],
  ])('follows its table of outcomes: %s', (_what, exchange, attempts, verdict) => {
    expect(afterAttempt(exchange, attempts, SCHEDULE, MIDDLE, LEFT)).toEqual(verdict);
  });

  it.each([
    ['the least', 0, 240],
    ['the middle', 0.5, 300],
    ['the most', ALMOST_ONE, 360],
  ])('spreads a wait by up to 20 %% to either side: %s', (_what, random, seconds) => {
    expect(afterAttempt(answered(500), 2, SCHEDULE, random, LEFT)).toEqual(retry(seconds));
  });

  it('bounds the attempts by the length of the schedule', () => {
    expect(afterAttempt(answered(500), 1, [0], MIDDLE, LEFT)).toEqual(settle('exhausted'));
    expect(afterAttempt(answered(500), 1, [0, 1], MIDDLE, LEFT)).toEqual(retry(1));
  });

  it('plans no attempt after the end of the round', () => {
    expect(afterAttempt(answered(500), 1, SCHEDULE, MIDDLE, 5000)).toEqual(retry(5));
    expect(afterAttempt(answered(500), 1, SCHEDULE, MIDDLE, 4999)).toEqual(settle('exhausted'));
    expect(afterAttempt(answered(503, 60), 1, SCHEDULE, MIDDLE, 59_999)).toEqual(settle('exhausted'));
  });

  it('waits whole milliseconds', () => {
    const verdict = afterAttempt(answered(500), 1, SCHEDULE, 0.123456789, LEFT);
    expect(verdict).toEqual({ step: 'retry', waitMillis: 4247 });
  });
});

describe('firstWaitMillis', () => {
  it.each([
    ['at once', SCHEDULE, MIDDLE, 0],
    ['at once, whatever the chance', SCHEDULE, ALMOST_ONE, 0],
    ['later, if the deployment says so', [10, 20], MIDDLE, 10_000],
    ['later, spread', [10, 20], 0, 8000],
    ['at once without a schedule', [], MIDDLE, 0],
  ])('is the first entry of the schedule, spread: %s', (_what, schedule, random, millis) => {
    expect(firstWaitMillis(schedule, random)).toBe(millis);
  });
});

it.each<[exchange: AttemptOutcome, success: boolean]>([
  [answered(199), false],
  [answered(200), true],
  [answered(299), true],
  [answered(300), false],
  [failed('timeout'), false],
  [{ kind: 'blocked' }, false],
])('whether an attempt counts as a success: %j: %s', (exchange, success) => {
  expect(isSuccess(exchange)).toBe(success);
});

describe('readOutcome', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const head = (status: number, headers: Record<string, string> = {}): HttpOutcome => ({
    kind: 'answered',
    status,
    headers,
    body: Buffer.from('ok'),
    isTruncated: false,
  });
  const notConnected = (code: string): HttpOutcome => ({ kind: 'not_connected', code });
  const noTls = (code: string): HttpOutcome => ({ kind: 'not_connected', code, isTls: true });
  const cut = (code: string): HttpOutcome => ({ kind: 'cut', code });

  it.each<[what: string, outcome: HttpOutcome, exchange: object]>([
    ['an answer', head(204), answered(204)],
    ['one that asks to wait', head(503, { 'retry-after': '60' }), answered(503, 60)],
    ['one that asks to wait to the millisecond', head(429, { 'retry-after-ms': '1500' }), answered(429, 2)],
    [
      'a redirect',
      head(301, { location: 'https://b.example.com/h' }),
      { ...answered(301), location: 'https://b.example.com/h' },
    ],
    ['a redirect to nowhere', head(302), answered(302)],
    ['the first redirect', head(300, { location: '/h' }), { ...answered(300), location: '/h' }],
    ['the last redirect', head(399, { location: '/h' }), { ...answered(399), location: '/h' }],
    ['a location of an error, which is no redirect', head(400, { location: '/h' }), answered(400)],
    ['a location that is no redirect', head(201, { location: '/jobs/1' }), answered(201)],
    [
      'a location that is not plain text',
      head(307, { location: '/a\tb\u00e9\u00e8' }),
      { ...answered(307), location: '/a?b?' },
    ],
    [
      'a location without an end',
      head(308, { location: `/${'a'.repeat(60_000)}` }),
      { ...answered(308), location: `/${'a'.repeat(499)}` },
    ],
    ['no end in time', { kind: 'timeout', isConnected: true }, failed('timeout')],
    ['no connection in time', { kind: 'timeout', isConnected: false }, failed('timeout')],
    ['no name', notConnected('ENOTFOUND'), failed('dns')],
    ['a name server that is down', notConnected('EAI_AGAIN'), failed('dns')],
    ['a name without addresses', notConnected('ENODATA'), failed('dns')],
    [
      'a look-up that fails for want of means, not of a name',
      notConnected('EMFILE'),
      failed('connection_failed'),
    ],
    [
      'a code that only ends like that of a missing name',
      notConnected('ERR_ENOTFOUND'),
      failed('connection_failed'),
    ],
    ['nobody who listens', notConnected('ECONNREFUSED'), failed('connection_failed')],
    ['no way there', notConnected('EHOSTUNREACH'), failed('connection_failed')],
    ['a silent address', notConnected('ETIMEDOUT'), failed('connection_failed')],
    ['a handshake that is hung up on', notConnected('ECONNRESET'), failed('connection_failed')],
    ['an address that is not public', notConnected('ERR_ADDRESS_NOT_PUBLIC'), { kind: 'blocked' }],
    ['one that the socket has refused', notConnected('ERR_IP_BLOCKED'), { kind: 'blocked' }],
    ['a certificate of another name', noTls('ERR_TLS_CERT_ALTNAME_INVALID'), failed('tls')],
    ['a certificate for another purpose', noTls('INVALID_PURPOSE'), failed('tls')],
    ['TLS in words that nobody has listed', noTls('UNSPECIFIED'), failed('tls')],
    ['an alert', noTls('EPROTO'), failed('tls')],
    ['an alert after the handshake', cut('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), failed('tls')],
    ['a record that is not TLS', cut('EPROTO'), failed('tls')],
    ['an answer that is not HTTP', cut('HPE_INVALID_CONSTANT'), failed('invalid_response')],
    ['more headers than are taken', cut('HPE_HEADER_OVERFLOW'), failed('invalid_response')],
    ['a code that only begins like that of a record', cut('EPROTONOSUPPORT'), failed('connection_reset')],
    ['a code that only ends like one of TLS', cut('ERR_HTTP_ERR_SSL_CLOSED'), failed('connection_reset')],
    ['a connection that broke', cut('ECONNRESET'), failed('connection_reset')],
    ['a connection that broke while it was written to', cut('EPIPE'), failed('connection_reset')],
  ])('says what came of an HTTP exchange: %s', (_what, outcome, exchange) => {
    expect(readOutcome(outcome, NOW)).toEqual(exchange);
  });
});
