import type { HttpOutcome } from '../http/http-outcome.ts';
import { retryAfterOf } from '../http/retry-after.ts';
import type { Millis } from '../job.ts';

const FOR_GOOD = ['blocked', 'denied', 'gone', 'refused'] as const;
/** Why an attempt had no answer, in the API's words. docs/webhooks.md explains each. */
export const DELIVERY_ERRORS = [
  'dns',
  'connection_failed',
  'tls',
  'connection_reset',
  'invalid_response',
  'timeout',
  'throttled',
  'unavailable',
  ...FOR_GOOD,
] as const;

export type DeliveryError = (typeof DELIVERY_ERRORS)[number];
type ForGood = (typeof FOR_GOOD)[number];

export type AttemptOutcome =
  | { kind: 'answered'; status: number; retryAfterSeconds: number | null; location?: string }
  /** By a queue or a bus. */
  | { kind: 'accepted' }
  /** The URL, or an address that its host resolved to, is not one we may call; or a queue or a bus refuses for good. */
  | { kind: 'blocked'; error?: ForGood }
  | { kind: 'failed'; error: Exclude<DeliveryError, ForGood> };

export type Verdict =
  | { step: 'settle'; status: 'delivered' | 'gone' | 'blocked' | 'exhausted' }
  | { step: 'retry'; waitMillis: Millis };

const RETRY_AFTER_MAX_SECONDS = 3600;
const JITTER = 0.2;

/** Kept in the job's row with each attempt, and rarely longer than the webhook's own URL. */
export const LOCATION_MAX_LENGTH = 500;

/** The code of a lookup that gave an address that is not public. */
export const ADDRESS_NOT_PUBLIC = 'ERR_ADDRESS_NOT_PUBLIC';

export function readOutcome(outcome: HttpOutcome, now: Millis): AttemptOutcome {
  if (outcome.kind === 'timeout') return { kind: 'failed', error: 'timeout' };
  if (outcome.kind === 'answered') {
    const { status, headers } = outcome;
    const isRedirect = status >= 300 && status < 400 && headers['location'] !== undefined;
    const location = isRedirect && { location: plainText(headers['location'] ?? '') };
    return { kind: 'answered', status, retryAfterSeconds: retryAfterOf(headers, now), ...location };
  }
  const { kind, code } = outcome;
  if (code === ADDRESS_NOT_PUBLIC || code === 'ERR_IP_BLOCKED') return { kind: 'blocked' };
  if (kind === 'not_connected') {
    const isDns = /^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code);
    return { kind: 'failed', error: isDns ? 'dns' : outcome.isTls ? 'tls' : 'connection_failed' };
  }
  if (code.startsWith('HPE_')) return { kind: 'failed', error: 'invalid_response' };
  // In TLS 1.3, a server may ask for a client certificate once the connection is established.
  return { kind: 'failed', error: /^(EPROTO$|ERR_SSL_)/.test(code) ? 'tls' : 'connection_reset' };
}

function plainText(header: string): string {
  return header.replace(/[^ -~]+/g, '?').slice(0, LOCATION_MAX_LENGTH);
}

/**
 * Decides what follows from the latest of the `attempts` in this round, which has `leftMillis` left; `scheduleSeconds` are the waits
 * before each of them.
 */
export function afterAttempt(
  exchange: AttemptOutcome,
  attempts: number,
  scheduleSeconds: readonly number[],
  random: number,
  leftMillis: Millis,
): Verdict {
  if (exchange.kind === 'blocked') return { step: 'settle', status: 'blocked' };
  if (isSuccess(exchange)) return { step: 'settle', status: 'delivered' };
  if (exchange.kind === 'answered' && exchange.status === 410) return { step: 'settle', status: 'gone' };
  const scheduled = scheduleSeconds[attempts];
  if (scheduled === undefined) return { step: 'settle', status: 'exhausted' };
  // Never sooner than scheduled: a receiver that always says "in a second" would use up its attempts in seconds.
  const waitMillis = Math.max(jittered(scheduled, random), askedWaitSeconds(exchange) * 1000);
  return waitMillis > leftMillis ? { step: 'settle', status: 'exhausted' } : { step: 'retry', waitMillis };
}

export function firstWaitMillis(scheduleSeconds: readonly number[], random: number): Millis {
  return jittered(scheduleSeconds[0] ?? 0, random);
}

export function isSuccess(exchange: AttemptOutcome): boolean {
  if (exchange.kind === 'accepted') return true;
  return exchange.kind === 'answered' && exchange.status >= 200 && exchange.status < 300;
}

function askedWaitSeconds(exchange: AttemptOutcome): number {
  const mayAsk = exchange.kind === 'answered' && (exchange.status === 429 || exchange.status === 503);
  return mayAsk ? Math.min(exchange.retryAfterSeconds ?? 0, RETRY_AFTER_MAX_SECONDS) : 0;
}

function jittered(seconds: number, random: number): Millis {
  return Math.round(seconds * 1000 * (1 - JITTER + 2 * JITTER * random));
}
