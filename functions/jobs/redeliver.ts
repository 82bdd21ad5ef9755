import { readBody, readOptionalBody } from '../core/http/body.ts';
import { problem } from '../core/http/problem.ts';
import {
  RedeliveriesBody,
  redeliverable,
  redeliveriesQuery,
  redeliveryBody,
} from '../core/http/redelivery.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import type { Job, Millis } from '../core/job.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob } from '../core/trace.ts';
import { redelivered } from '../core/transitions.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, okJson, type ReadWorld, showJob } from '../http/show.ts';
import type { World } from '../ports.ts';
import { LOST, onConflict } from '../write-conflicts.ts';
import { pageOf } from './list.ts';

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

export type RedeliveriesWorld = RedeliverWorld & Pick<World, 'clientJobs' | 'pacer'>;

/**
 * Half as many as the ten a second that a host is promised: SQS delays by whole seconds, so a message comes up to a second
 * after its moment, and those of two seconds may come within one.
 */
const GAP_MILLIS = 200;

/**
 * `POST /v1/redeliveries`: begins a new round for a page of a client's webhooks that have ended in one way, one after the other:
 * whenever this dies, at most one is left to the sweeper, which knows of no pace.
 */
export async function redeliverMany(
  request: Request,
  { client }: Authorized,
  world: RedeliveriesWorld,
): Promise<Answer> {
  const asked = readBody(request, RedeliveriesBody);
  if ('status' in asked) return asked;
  const { jobs, next } = await pageOf(client, redeliveriesQuery(asked), world);
  let count = 0;
  for (const job of jobs) if (await beginPaced(job, asked.webhook_status, world)) count++;
  return { ...okJson(JSON.stringify({ count, next_cursor: next })), status: 202 };
}

/** @returns false if it may not be redelivered now, or was meanwhile */
async function beginPaced(listed: Job, status: string, world: RedeliveriesWorld): Promise<boolean> {
  let dueAt: Millis | null = null;
  let job: Job | null = listed;
  return onConflict(listed.jobId, async () => {
    const may = job && redeliverable(job, world.settings.retentionDays, world.clock.now());
    if (may === null || 'code' in may || may.webhook.status !== status) return false;
    const { url, destination } = may.webhook;
    const host = destination ? url : new URL(url).host;
    dueAt ??= await world.pacer.next(`${may.client}/${host}`, GAP_MILLIS);
    const round = redelivered(may, may.webhook, world.random.bytes(), world.clock.now(), dueAt);
    if (await begin(round, world)) return true;
    job = await world.jobs.find(listed.jobId);
    return LOST;
  });
}
