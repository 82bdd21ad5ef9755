import { LaterFormat } from '../core/format.ts';
import type { Answer } from '../core/http/request-answer.ts';
import { jobJson, retryAfter } from '../core/http/view.ts';
import { isFinished, type Job } from '../core/job.ts';
import { Json } from '../core/json/scan.ts';
import type { World } from '../ports.ts';
import type { Authorized } from './authorize.ts';

export type ReadWorld = Pick<World, 'jobs' | 'documents' | 'clock'> & { settings: { apiUrl: string } };

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

export function okJson(body: string): Answer {
  return { status: 200, headers: JSON_HEADERS, body };
}

/** The public job, with its results if they are small enough to be part of its event. */
export async function showJob(job: Job, world: ReadWorld): Promise<Answer> {
  if (!isFinished(job)) {
    const answer = okJson(withoutResults(job, world));
    return { ...answer, headers: { ...answer.headers, ...retryAfter(job, world.clock.now()) } };
  }
  if (job.results !== 'in-event') return okJson(withoutResults(job, world));
  return okJson(jobJson(job, { json: resultsInEvent(await world.documents.load(job.event)), url: null }));
}

/** The public job as JSON text, with the URL of its results. */
export function withoutResults(job: Job, { settings }: Pick<ReadWorld, 'settings'>): string {
  const hasResults = isFinished(job) && job.results !== null;
  const url = hasResults ? `${settings.apiUrl}/v1/jobs/${job.jobId}/results` : null;
  return jobJson(job, { json: null, url });
}

/** One of the client's own jobs. Another client's job is treated as if it never existed: null. */
export async function findOwn({ jobId, client }: Authorized, world: ReadWorld): Promise<Job | null> {
  const job = await world.jobs.find(jobId).catch((error: unknown) => {
    if (error instanceof LaterFormat && error.client !== client) return null;
    throw error;
  });
  // Nobody sees the parts of a job.
  return job?.client === client && job.partOf === undefined ? job : null;
}

/** JSON text of an event's results, in the bytes that ModelStudio sent: parsing would cut the digits of long numbers. */
export function resultsInEvent(event: string): string {
  return memberOf(memberOf(new Json(Buffer.from(event)), 'data'), 'results').text;
}

function memberOf(object: Json, name: string): Json {
  for (const [key, value] of object.members()) if (key === name) return value;
  throw new Error(`The event has no ${name}`);
}
