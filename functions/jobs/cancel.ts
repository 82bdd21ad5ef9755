import type { Admitted, Request } from '../admit/admit.ts';
import { isFinished } from '../core/job.ts';
import { NoMembers, readOptionalBody } from '../core/optional-body.ts';
import { type Answer, problem } from '../core/problem.ts';
import { cancelled } from '../core/report.ts';
import { type FinishWorld, finish } from '../finish/finish.ts';
import { findOwn, type ReadWorld, showJob } from './show.ts';

export type CancelWorld = FinishWorld & ReadWorld;

/** Losing a race means that a poll has just moved the job on; losing it this often means a fault. */
const RACES_MAX = 5;

/** `POST /v1/jobs/{job_id}/cancel`: ends a running job. ModelStudio has no cancel, so it is tracking that stops. */
export async function cancel(
  request: Request,
  { jobId, client }: Admitted,
  world: CancelWorld,
): Promise<Answer> {
  const asked = readOptionalBody(request, NoMembers);
  for (let race = 0; race < RACES_MAX; race++) {
    const job = await findOwn(jobId, client, world);
    if (job === null) return problem('not_found', request.requestId);
    if ('status' in asked) return asked;
    if (job.status === 'submitting') {
      const detail = 'The job is being submitted right now. Try again in a second.';
      return problem('not_cancellable', request.requestId, { detail, headers: { 'retry-after': '1' } });
    }
    if (job.status === 'cancelled') return showJob(job, world);
    if (isFinished(job)) {
      return problem('not_cancellable', request.requestId, { detail: `The job is already ${job.status}.` });
    }
    const finished = await finish(job, cancelled(job), world);
    if (finished !== null) return showJob(finished, world);
  }
  throw new Error(`The job ${jobId} changed under each of ${RACES_MAX} tries to cancel it`);
}
