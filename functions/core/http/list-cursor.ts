import type { Job, Millis } from '../job.ts';

/** Milliseconds since the epoch have this many digits until the year 2286. */
const MILLIS_DIGITS = 13;
export const LATEST_MILLIS = 10 ** MILLIS_DIGITS - 1;

/**
 * A job's place among its client's jobs: by creation, and of two that were created in the same millisecond, by
 * id. No two jobs share one, so a list that goes on after a job's place neither repeats nor leaves out any.
 */
export type ListKey = string;

/** What a place looks like, be it a job's or just a moment's. */
export const LIST_KEY = /^\d{13}(_[A-Za-z0-9_-]{1,64})?$/;

export function listKeyOf({ jobId, createdAt }: Pick<Job, 'jobId' | 'createdAt'>): ListKey {
  return `${placeOf(createdAt)}_${jobId}`;
}

export function placeOf(millis: Millis): string {
  return String(Math.min(Math.max(Math.floor(millis), 0), LATEST_MILLIS)).padStart(MILLIS_DIGITS, '0');
}
