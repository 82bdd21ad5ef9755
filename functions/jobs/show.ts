import { isFinished, type Job } from '../core/job.ts';
import type { Answer } from '../core/problem.ts';
import { jobJson, retryAfterSeconds } from '../core/view.ts';
import type { World } from '../ports.ts';

export type ReadWorld = Pick<World, 'documents' | 'clock'> & { settings: { apiUrl: string } };

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

export function okJson(body: string): Answer {
  return { status: 200, headers: JSON_HEADERS, body };
}

/** The public job, with its results when they are small enough to stand in its event. */
export async function showJob(job: Job, world: ReadWorld): Promise<Answer> {
  if (!isFinished(job)) {
    const answer = okJson(jobJson(job, { json: null, url: null }));
    const seconds = retryAfterSeconds(job, world.clock.now());
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } };
  }
  if (job.results === null) return okJson(jobJson(job, { json: null, url: null }));
  if (job.results !== 'in-event') {
    const url = `${world.settings.apiUrl}/v1/jobs/${job.jobId}/results`;
    return okJson(jobJson(job, { json: null, url }));
  }
  return okJson(jobJson(job, { json: resultsInEvent(await world.documents.load(job.event)), url: null }));
}

/** JSON text of the results in an event. */
export function resultsInEvent(event: string): string {
  const { data } = JSON.parse(event) as { data: { results: unknown } };
  return JSON.stringify(data.results);
}
