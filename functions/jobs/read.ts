import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { deliveriesJson, retryAfter } from '../core/http/view.ts';
import { isFinished } from '../core/job.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, okJson, type ReadWorld, resultsInEvent, showJob } from '../http/show.ts';

const LINK_SECONDS = 900;

/** `GET /v1/jobs/{job_id}` and the paths below it. */
export async function read(request: Request, call: Authorized, world: ReadWorld): Promise<Answer> {
  const job = await findOwn(call, world);
  if (job === null) return problem('not_found', request.requestId);
  if (call.operation === 'job') return showJob(job, world);
  if (call.operation === 'deliveries') return okJson(deliveriesJson(job.webhook));
  if (!isFinished(job))
    return problem('not_finished', request.requestId, { headers: retryAfter(job, world.clock.now()) });
  if (job.results === null) return okJson('[]');
  if (job.results === 'in-event') return okJson(resultsInEvent(await world.documents.load(job.event)));
  const second = Math.floor(world.clock.now() / 1000);
  const location = await world.documents.link(job.results, LINK_SECONDS);
  if (/(^|&)redirect=false(&|$)/i.test(request.query)) {
    const expires_at = new Date((second + LINK_SECONDS) * 1000).toISOString();
    return okJson(JSON.stringify({ url: location, expires_at }));
  }
  return { status: 307, headers: { location, 'cache-control': 'no-store' }, body: '' };
}
