import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { retryAfter, retryIn } from '../core/http/view.ts';
import { isFinished, isPending } from '../core/job.ts';
import { deleted } from '../core/retention.ts';
import { aboutJob } from '../core/trace.ts';
import { erase } from '../finish/erase.ts';
import { type FinishWorld, forget } from '../finish/finish.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, type ReadWorld } from '../http/show.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type DeleteWorld = FinishWorld & ReadWorld;

/** From one sweep to the next. */
const SWEEP_SECONDS = 60;

/** Few attempts take longer. */
const ATTEMPT_SECONDS = 5;

/** `DELETE /v1/jobs/{job_id}`: from the first write on, nobody finds the job; then, or else by the sweeper, its documents are deleted. */
export async function deleteJob(request: Request, call: Authorized, world: DeleteWorld): Promise<Answer> {
  return onConflict(call.jobId, async () => {
    const job = await findOwn(call, world);
    if (job === null) return problem('not_found', request.requestId);
    const now = world.clock.now();
    if (!isFinished(job)) {
      const detail =
        'The job has not finished. It can be deleted once it has, or once you have cancelled it.';
      return problem('not_deletable', request.requestId, { detail, headers: retryAfter(job, now) });
    }
    if (isPending(job)) {
      const seconds = ((job.webhook.expectedWakeUp?.dueAt ?? now) - now) / 1000;
      const detail = 'Attempts to deliver its webhook are still to come.';
      return problem('not_deletable', request.requestId, {
        detail,
        headers: retryIn(seconds, ATTEMPT_SECONDS),
      });
    }
    // Whoever ended it has died before it could do this, or is about to.
    if (job.queueing) {
      if (await forget(job, world)) return LOST;
      const detail = 'Its parts are still being deleted.';
      return problem('not_deletable', request.requestId, { detail, headers: retryIn(SWEEP_SECONDS) });
    }
    const tombstone = deleted(job, now);
    if (!(await world.jobs.replace(tombstone))) return LOST;
    await erase(tombstone, world);
    world.log.event('delete', { outcome: 'deleted', ...aboutJob(job) });
    return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
  });
}
