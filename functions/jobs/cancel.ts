import { NoMembers, readOptionalBody } from '../core/http/body.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { isFinished } from '../core/job.ts';
import { cancelled } from '../core/upstream/report.ts';
import { type FinishWorld, finish } from '../finish/finish.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, type ReadWorld, showJob } from '../http/show.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type CancelWorld = FinishWorld & ReadWorld;

/** `POST /v1/jobs/{job_id}/cancel`: ends a running job. ModelStudio cannot cancel, so only the polling stops. */
export async function cancel(request: Request, call: Authorized, world: CancelWorld): Promise<Answer> {
  const asked = readOptionalBody(request, NoMembers);
  return onConflict(call.jobId, async () => {
    const job = await findOwn(call, world);
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
    return finished === null ? LOST : showJob(finished, world);
  });
}
