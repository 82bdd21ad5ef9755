import type { Millis } from './job.ts';

/** What came of one delivery attempt. */
export type Exchange =
  | { kind: 'answered'; status: number; retryAfterSeconds: number | null }
  /** The URL, or an address that its host resolved to, is not one we may call. */
  | { kind: 'blocked' }
  | { kind: 'failed'; error: 'timeout' | 'cut' | 'not_connected' | 'dns' | 'tls' };

export type Verdict =
  | { step: 'settle'; status: 'delivered' | 'gone' | 'blocked' | 'exhausted' }
  | { step: 'retry'; waitMillis: Millis };

const RETRY_AFTER_MAX_SECONDS = 3600;
const JITTER = 0.2;

/**
 * Decides what follows from an attempt.
 * @param attempts made in this round so far, this one included
 * @param scheduleSeconds the wait before each attempt, the first one's included; its length bounds the attempts
 * @param chance 0 to 1, spreads the retries of many jobs
 */
export function afterAttempt(
  exchange: Exchange,
  attempts: number,
  scheduleSeconds: readonly number[],
  chance: number,
): Verdict {
  if (exchange.kind === 'blocked') return { step: 'settle', status: 'blocked' };
  if (isSuccess(exchange)) return { step: 'settle', status: 'delivered' };
  if (exchange.kind === 'answered' && exchange.status === 410) return { step: 'settle', status: 'gone' };
  const scheduled = scheduleSeconds[attempts];
  if (scheduled === undefined) return { step: 'settle', status: 'exhausted' };
  // Never sooner than scheduled: a receiver that says «in a second» all day would use up its attempts in seconds.
  const waitMillis = Math.max(jittered(scheduled, chance), askedWaitSeconds(exchange) * 1000);
  return { step: 'retry', waitMillis };
}

/** The wait before the first attempt. */
export function firstWaitMillis(scheduleSeconds: readonly number[], chance: number): Millis {
  return jittered(scheduleSeconds[0] ?? 0, chance);
}

export function isSuccess(exchange: Exchange): boolean {
  return exchange.kind === 'answered' && exchange.status >= 200 && exchange.status < 300;
}

function askedWaitSeconds(exchange: Exchange): number {
  const mayAsk = exchange.kind === 'answered' && (exchange.status === 429 || exchange.status === 503);
  return mayAsk ? Math.min(exchange.retryAfterSeconds ?? 0, RETRY_AFTER_MAX_SECONDS) : 0;
}

function jittered(seconds: number, chance: number): Millis {
  return Math.round(seconds * 1000 * (1 - JITTER + 2 * JITTER * chance));
}
