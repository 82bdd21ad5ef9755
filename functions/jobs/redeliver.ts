import { readOptionalBody } from '../core/http/optional-body.ts';
import { problem } from '../core/http/problem.ts';
import { ROUND_GAP_SECONDS, ROUNDS_MAX, redeliveryBody, waitForRound } from '../core/http/redelivery.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { retryAfter } from '../core/http/view.ts';
import { endOfLife, isClaimed, isFinished } from '../core/job.ts';
import { aboutJob } from '../core/trace.ts';
import { redelivered } from '../core/transitions.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, type ReadWorld, showJob } from '../http/show.ts';
import type { World } from '../ports.ts';
import { LOST, onConflict } from '../write-conflicts.ts';

export type RedeliverWorld = ReadWorld &
  Pick<World, 'wakeUps' | 'random' | 'log'> & {
    settings: { webhookRules: WebhookRules; retentionDays: number };
  };

/**
 * `POST /v1/jobs/{job_id}/redeliver`: the whole schedule of attempts once more, from now on, with the same
 * webhook-id and body. A webhook that waits for its next attempt may be redelivered, too, without the wait.
 */
export async function redeliver(request: Request, call: Authorized, world: RedeliverWorld): Promise<Answer> {
  const asked = readOptionalBody(request, redeliveryBody(world.settings.webhookRules));
  return onConflict(call.jobId, async () => {
    const job = await findOwn(call, world);
    if (job === null) return problem('not_found', request.requestId);
    if ('status' in asked) return asked;
    if (job.webhook?.destination && asked.webhook_url !== undefined) return noUrl(request.requestId);
    const now = world.clock.now();
    if (!isFinished(job))
      return problem('not_finished', request.requestId, { headers: retryAfter(job, now) });
    const { webhook } = job;
    // The row is kept for the current round only: it and the event would be deleted before another one ends.
    const isKept = endOfLife({ ...job, webhook: null }, world.settings.retentionDays) * 1000 > now;
    if (webhook === null || !isKept) return problem('not_redeliverable', request.requestId);
    if (isClaimed(webhook, now)) {
      const detail = 'An attempt to deliver the webhook is under way right now.';
      return problem('not_redeliverable', request.requestId, { detail, headers: { 'retry-after': '5' } });
    }
    const seconds = waitForRound(webhook, now);
    if (seconds !== 0) return tooMany(seconds, request.requestId);
    const url = asked.webhook_url ?? webhook.url;
    const after = redelivered(job, { ...webhook, url }, world.random.bytes(), now);
    return (await begin(after, world)) ? { ...(await showJob(after, world)), status: 202 } : LOST;
  });
}

function noUrl(requestId: string): Answer {
  const message = 'Must not be given, as the job has a destination';
  return problem('invalid_request', requestId, { errors: [{ pointer: '/webhook_url', message }] });
}

function tooMany(seconds: number | null, requestId: string): Answer {
  const code = 'too_many_redeliveries';
  const never = `The webhook has been redelivered ${ROUNDS_MAX} times, which is the most for a job.`;
  if (seconds === null) return problem(code, requestId, { detail: never });
  const detail = `The webhook was redelivered less than ${ROUND_GAP_SECONDS} seconds ago. Try again in ${seconds}.`;
  return problem(code, requestId, { detail, headers: { 'retry-after': String(seconds) } });
}

/** Records, then sends: if this dies in between, the row is pending and the sweeper sends instead. */
async function begin(after: ReturnType<typeof redelivered>, world: RedeliverWorld): Promise<boolean> {
  if (!(await world.jobs.replace(after))) return false;
  const { jobId, trace, webhook } = after;
  const { attempts, expectedWakeUp } = webhook;
  await world.wakeUps.deliver({ jobId, trace, wakeUp: expectedWakeUp, attempts }, 0);
  world.log.event('redeliver', { outcome: 'begun', ...aboutJob(after), attempt: attempts });
  return true;
}
