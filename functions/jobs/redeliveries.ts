import { readBody } from '../core/http/body.ts';
import { RedeliveriesBody, redeliverable, redeliveriesQuery } from '../core/http/redelivery.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import type { Job, Millis } from '../core/job.ts';
import { redelivered } from '../core/transitions.ts';
import type { Authorized } from '../http/authorize.ts';
import { okJson } from '../http/show.ts';
import type { World } from '../ports.ts';
import { LOST, onConflict } from '../write-conflicts.ts';
import { pageOf } from './list.ts';
import { begin, type RedeliverWorld } from './redeliver.ts';

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
