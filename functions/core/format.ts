import type { JobRow } from './job.ts';

/** What no mark means. All messages and documents have this one so far. See docs/decisions/formats.md. */
export const FIRST_FORMAT = 1;
/** The latest format of a row that this release knows. */
export const ROW_FORMAT = 4;

/**
 * A release without a queue would take a job that waits for one whose worker died; one without destinations, a destination's name
 * for a URL that may not be called; one without parts, a part for a job of its client's.
 */
export function formatOf(job: JobRow): number {
  if ('parts' in job || 'partOf' in job) return ROW_FORMAT;
  if (job.status === 'deleted' || job.webhook?.destination) return 3;
  return job.queueing ? 2 : FIRST_FORMAT;
}

/** Thrown on meeting what a later release wrote. It is not touched: the message comes back later, and so may the request. */
export class LaterFormat extends Error {
  readonly client: unknown;

  constructor(what: string, client?: unknown) {
    super(`${what} was written by a later release`);
    this.name = 'LaterFormat';
    this.client = client;
  }
}

export function isLaterFormat(format: unknown = FIRST_FORMAT, latest = FIRST_FORMAT): boolean {
  return !(Number(format) <= latest);
}
