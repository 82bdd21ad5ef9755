import type { Job, Millis } from '../job.ts';

/** Milliseconds since the epoch have this many digits until the year 2286. */
const MILLIS_DIGITS = 13;
export const LATEST_MILLIS = 10 ** MILLIS_DIGITS - 1;

/** The form of a place, which may be a job's or only a moment's. */
export const LIST_KEY = /^\d{13}(_[A-Za-z0-9_-]{1,64})?$/;

/** A job's place among its client's: no two jobs share one, so a list that continues after it neither repeats nor skips a job. */
export function listKeyOf({ jobId, createdAt }: Pick<Job, 'jobId' | 'createdAt'>): string {
  return `${placeOf(createdAt)}_${jobId}`;
}

export function placeOf(millis: Millis): string {
  return String(Math.min(Math.max(Math.floor(millis), 0), LATEST_MILLIS)).padStart(MILLIS_DIGITS, '0');
}
