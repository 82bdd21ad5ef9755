import type { Admitted, Request } from '../admit/admit.ts';
import { isFinished } from '../core/job.ts';
import { type Answer, problem } from '../core/problem.ts';
import type { World } from '../ports.ts';
import { okJson, type ReadWorld, resultsInEvent, showJob } from './show.ts';

/** Answers the calls that change nothing. */
export async function read(
  request: Request,
  { operation, jobId, client }: Admitted,
  world: ReadWorld & Pick<World, 'jobs'>,
): Promise<Answer> {
  if (operation === 'health') return okJson('{"status":"ok"}');
  const job = await world.jobs.find(jobId);
  // Somebody else's job answers like one that never was.
  if (job === null || job.client !== client) return problem('not_found', request.requestId);
  if (operation === 'job') return showJob(job, world);
  if (!isFinished(job)) return problem('not_finished', request.requestId);
  if (job.results === null) return okJson('[]');
  if (job.results === 'in-event') return okJson(resultsInEvent(await world.documents.load(job.event)));
  const location = await world.documents.link(job.results);
  return { status: 307, headers: { location, 'cache-control': 'no-store' }, body: '' };
}
