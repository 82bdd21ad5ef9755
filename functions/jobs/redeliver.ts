import { readOptionalBody } from '../core/http/body.ts';
import { problem } from '../core/http/problem.ts';
import { redeliverable, redeliveryBody } from '../core/http/redelivery.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
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
    const may = redeliverable(job, world.settings.retentionDays, now);
    if ('code' in may) return problem(may.code, request.requestId, may.extras);
    const url = asked.webhook_url ?? may.webhook.url;
    const after = redelivered(may, { ...may.webhook, url }, world.random.bytes(), now);
    return (await begin(after, world)) ? { ...(await showJob(after, world)), status: 202 } : LOST;
  });
}

function noUrl(requestId: string): Answer {
  const message = 'Must not be given, as the job has a destination';
  return problem('invalid_request', requestId, { errors: [{ pointer: '/webhook_url', message }] });
}

/** Records, then sends: if this dies in between, the row is pending and the sweeper sends instead. */
export async function begin(after: ReturnType<typeof redelivered>, world: RedeliverWorld): Promise<boolean> {
  if (!(await world.jobs.replace(after))) return false;
  const { jobId, trace, webhook } = after;
  const { attempts, expectedWakeUp: wakeUp } = webhook;
  const delaySeconds = sqsDelaySeconds(wakeUp.dueAt, world.clock.now());
  await world.wakeUps.deliver({ jobId, trace, wakeUp, attempts }, delaySeconds);
  world.log.event('redeliver', { outcome: 'begun', ...aboutJob(after), attempt: attempts });
  return true;
}
