import type { Millis } from '../job.ts';

/** The three forms of RFC 9110, 5.6.7 (asctime's has no zone), but no other text that `Date.parse` takes for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? [^:]{1,20} \d{2}:\d{2}:\d{2} (GMT|\d{4}( GMT)?)$/;

/** Three centuries, which is what any number with more digits is cut to. */
const MAX_SECONDS = 9_999_999_999;

/** Whole seconds that an answer asks us to wait, by `retry-after-ms`, which is finer, or `retry-after`; null if neither can be read. */
export function retryAfterOf(headers: Record<string, string | undefined>, now: Millis): number | null {
  const millis = numberIn(headers['retry-after-ms']);
  if (millis !== null) return wholeSeconds(millis / 1000);
  // RFC 9110, 10.2.3: a date, or seconds, which some servers give as a fraction.
  const value = headers['retry-after']?.trim() ?? '';
  const seconds = numberIn(value);
  if (seconds !== null) return wholeSeconds(seconds);
  const at = HTTP_DATE.test(value) ? Date.parse(`${value.replace(/ GMT$/, '')} GMT`) : Number.NaN;
  return Number.isNaN(at) ? null : wholeSeconds((at - now) / 1000);
}

function numberIn(header = ''): number | null {
  return /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : null;
}

/** Rounded up, so that it is never too early. */
function wholeSeconds(seconds: number): number {
  return Math.min(Math.max(0, Math.ceil(seconds)), MAX_SECONDS);
}
