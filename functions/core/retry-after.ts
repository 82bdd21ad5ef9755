import type { Millis } from './job.ts';

/** All three forms of RFC 9110, and no other text that `Date.parse` would make a date of. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? [^:]{1,20} \d{2}:\d{2}:\d{2}( \d{4})? GMT$/;

/**
 * Reads a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date.
 * @returns whole seconds, never negative; null when there is none that can be read
 */
export function retryAfterIn(header: string | undefined, now: Millis): number | null {
  const value = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(value)) return Number(value);
  const at = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}
