import * as z from 'zod/mini';
import { type Job, type Millis, STATUSES, WEBHOOK_STATUSES, type Webhook } from '../job.ts';
import { LATEST_MILLIS, LIST_KEY, placeOf } from './list-cursor.ts';
import type { Fault } from './problem.ts';

export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 100;

export interface ListQuery {
  status: Job['status'] | null;
  webhookStatus: Webhook['status'] | null;
  limit: number;
  /** Only jobs below this place: the job at it was the last one on the previous page. */
  from: string;
  to: string;
}

/** A time with its zone, on a day that exists. */
export const DateTime = z.iso.datetime({ offset: true });
export const A_DATE_TIME = 'a date and time with its zone, such as 2026-01-31T12:00:00Z';
/** More than there are parameters; a hostile query must not cause thousands of faults. */
const FAULTS_MAX = 20;
const NAME_SHOWN_MAX = 64;

/** Reads the query string of `GET /v1/jobs`. An unknown parameter is a fault, as a typo would drop a filter. */
export function parseListQuery(queryString: string): ListQuery | { faults: Fault[] } {
  const faults: Fault[] = [];
  const given = new Map<string, string>();
  const refuse = (name: string, message: string) => {
    const shown = JSON.stringify(name.slice(0, NAME_SHOWN_MAX));
    if (faults.length < FAULTS_MAX)
      faults.push({ pointer: '', message: `The query parameter ${shown} ${message}` });
  };
  for (const [name, value] of new URLSearchParams(queryString)) {
    if (given.has(name)) refuse(name, 'must be given once');
    given.set(name, value);
  }
  const take = <T>(name: string, read: (text: string) => T | null, message: string): T | null => {
    const text = given.get(name);
    given.delete(name);
    if (text === undefined) return null;
    const value = read(text);
    const isPlusLost = value === null && read(text.replaceAll(' ', '+')) !== null;
    if (isPlusLost) refuse(name, 'has a blank where a + was: write the + as %2B');
    else if (value === null) refuse(name, message);
    return value;
  };
  const takeWord = <T extends string>(name: string, words: readonly T[]) =>
    take(name, (text) => words.find((word) => word === text) ?? null, `must be one of ${words.join(', ')}`);
  const status = takeWord('status', STATUSES);
  const webhookStatus = takeWord('webhook_status', WEBHOOK_STATUSES);
  const limit = take('limit', readLimit, `must be a whole number from 1 to ${LIMIT_MAX}`);
  const example = `must be ${A_DATE_TIME}`;
  const createdAfter = take('created_after', readDateTime, example);
  const createdBefore = take('created_before', readDateTime, example);
  if (given.get('cursor') === '') given.delete('cursor');
  const readCursor = (text: string) => (LIST_KEY.test(text) ? text : null);
  const after = take('cursor', readCursor, 'must be the next_cursor of an earlier answer');
  for (const name of given.keys()) refuse(name, 'is unknown');
  if (faults.length > 0) return { faults };
  const places = placesBetween(createdAfter, createdBefore, after);
  return { status, webhookStatus, limit: limit ?? LIMIT_DEFAULT, ...places };
}

/** Of the jobs that were created after and before these moments, those below a cursor. */
export function placesBetween(after: Millis | null, before: Millis | null, cursor: string | null) {
  // The place of a moment alone is below all jobs that were created in it.
  const newest = placeOf(before ?? LATEST_MILLIS);
  const from = cursor !== null && cursor < newest ? cursor : newest;
  return { from, to: after === null ? placeOf(0) : placeOf(after + 1) };
}

function readLimit(text: string): number | null {
  return /^[1-9]\d{0,2}$/.test(text) && Number(text) <= LIMIT_MAX ? Number(text) : null;
}

export function readDateTime(text: string): Millis | null {
  // RFC 3339 allows lower case, too.
  const moment = DateTime.safeParse(text.toUpperCase());
  return moment.success ? Date.parse(moment.data) : null;
}
