import { listKeyOf } from '../core/http/list-cursor.ts';
import { type ListQuery, parseListQuery } from '../core/http/list-query.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { statusOf } from '../core/http/view.ts';
import type { Job } from '../core/job.ts';
import type { Authorized } from '../http/authorize.ts';
import { okJson, type ReadWorld, withoutResults } from '../http/show.ts';
import type { World } from '../ports.ts';

export type ListWorld = Pick<World, 'clientJobs'> & Pick<ReadWorld, 'settings'>;

/** Rows per page when searching; without a filter, a page has exactly the jobs that were requested. */
const PAGE_MAX = 100;
/** A rare status may be far down: the next call, with its cursor, continues the search. */
const PAGES_MAX = 2;

/** `GET /v1/jobs`: a client's jobs, newest first. */
export async function list(request: Request, { client }: Authorized, world: ListWorld): Promise<Answer> {
  const query = parseListQuery(request.query);
  if ('faults' in query) return problem('invalid_request', request.requestId, { errors: query.faults });
  const { jobs, next } = await pageOf(client, query, world);
  const shown = jobs.map((job) => withoutResults(job, world));
  return okJson(`{"jobs":[${shown.join(',')}],"next_cursor":${JSON.stringify(next)}}`);
}

/** Reads page after page for as many jobs as were requested. `next`: where to continue; null if there are no more. */
export async function pageOf(client: string, query: ListQuery, world: Pick<World, 'clientJobs'>) {
  const isFiltered = query.status !== null || query.webhookStatus !== null;
  const jobs: Job[] = [];
  let from = query.from;
  for (let page = 0; page < PAGES_MAX && jobs.length < query.limit; page++) {
    const pageSize = isFiltered ? PAGE_MAX : query.limit - jobs.length;
    const found = await world.clientJobs.page(client, from, query.to, pageSize);
    for (const job of found.jobs) {
      if (!isMatch(job, query)) continue;
      const last = jobs.at(-1);
      if (jobs.length === query.limit && last) return { jobs, next: listKeyOf(last) };
      jobs.push(job);
    }
    if (found.end === null) return { jobs, next: null };
    from = found.end;
  }
  return { jobs, next: from };
}

function isMatch(job: Job, { status, webhookStatus }: ListQuery): boolean {
  const isStatus = status === null || statusOf(job) === status;
  return isStatus && (webhookStatus === null || job.webhook?.status === webhookStatus);
}
