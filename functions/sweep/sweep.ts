import { assert } from '../core/assert.ts';
import { LaterFormat } from '../core/format.ts';
import {
  type FinishedJob,
  isFinished,
  isPending,
  type JobRow,
  type Millis,
  mayResubmit,
  type RunningJob,
} from '../core/job.ts';
import { SWEEP_MILLIS } from '../core/limits.ts';
import { brokenOff, partsInMind } from '../core/parts/parts.ts';
import { overdueAt, SHARDS } from '../core/polling/overdue.ts';
import { GATE_ID, gateOverdueAt, rescuedGate } from '../core/queue/gate.ts';
import { aboutJob } from '../core/trace.ts';
import { awaiting, nextWakeUp, queued, rescued } from '../core/transitions.ts';
import { cleared, clientOfRow, leftoversDue, looked, type Upload, uploadsToLookAt } from '../core/uploads.ts';
import { expired, notTaken } from '../core/upstream/report.ts';
import { joinQueue, wakeQueue } from '../create/enqueue.ts';
import { erase } from '../finish/erase.ts';
import { type FinishWorld, finish, forget } from '../finish/finish.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';

export type SweepWorld = FinishWorld & SweepUploadsWorld & Pick<World, 'overdue' | 'queue'>;

/** After this time, a large job that has expired ends without its results. */
const MERGING_MAX_MILLIS = 6 * 3_600_000;

const ERASING = 'erasing_parts';

/**
 * Rescues jobs whose wake-up is lost. It keeps nothing between two sweeps, and two at once do no harm: each
 * rescue is a link in the job's chain of wake-ups like any other, so only one of them counts.
 */
export async function sweep(world: SweepWorld): Promise<void> {
  // Whatever is not swept by then is left to the next sweep.
  const until = world.clock.now() + SWEEP_MILLIS;
  const found: Found = { failures: [], oldestMillis: 0 };
  const shards = Array.from({ length: SHARDS }, (_, shard) => sweepShard(shard, until, found, world));
  const outcomes = await Promise.allSettled(shards);
  const unread = reasonsOf(outcomes);
  const reasons = [...unread, ...found.failures];
  const failures = reasons.filter((reason) => !(reason instanceof LaterFormat));
  const left_for_later = reasons.length - failures.length;
  const outcome = failures.length === 0 ? 'swept' : 'failed';
  // A heartbeat while a shard cannot be read would claim that its jobs are looked after.
  const Sweeps = unread.length === 0 ? 1 : 0;
  const facts = { outcome, ...(left_for_later > 0 && { left_for_later }) };
  world.log.event('sweep', facts, { Sweeps, OldestOverdueSeconds: found.oldestMillis / 1000 });
  if (failures.length === 0) return;
  throw new Error(`${failures.length} overdue jobs or shards failed`, { cause: failures[0] });
}

interface Found {
  failures: unknown[];
  /** How long the longest overdue job has been overdue. */
  oldestMillis: Millis;
}

/** A job that fails holds up no other; the next sweep tries it again. */
async function sweepShard(shard: number, until: Millis, found: Found, world: SweepWorld): Promise<void> {
  for await (const jobIds of world.overdue.pages(shard, world.clock.now())) {
    const rescues = await Promise.allSettled(jobIds.map((jobId) => rescue(jobId, found, world)));
    found.failures.push(...reasonsOf(rescues));
    if (world.clock.now() >= until) break;
  }
}

function reasonsOf(outcomes: PromiseSettledResult<unknown>[]): unknown[] {
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
}

async function rescue(jobId: string, found: Found, world: SweepWorld): Promise<void> {
  if (jobId === GATE_ID) return rescueQueue(found, world);
  const uploader = clientOfRow(jobId);
  if (uploader !== null) return sweepUploads(uploader, world);
  const job = await world.jobs.findRow(jobId);
  const now = world.clock.now();
  // The index may lag behind the row.
  const at = job && overdueAt(job);
  if (job === null || at === null || at > now) return;
  found.oldestMillis = Math.max(found.oldestMillis, now - at);
  const outcome = await recover(job, now, world);
  const fields = { outcome, ...aboutJob(job), age_seconds: (now - job.createdAt) / 1000 };
  // A job that has waited too long is ended by the sweeper in any case, and many parts are erased by several sweeps.
  const isUsual = job.status === 'queued' || outcome === ERASING;
  world.log.event('sweep', fields, isUsual ? {} : { JobsRecovered: 1 });
}

async function recover(job: JobRow, now: Millis, world: SweepWorld): Promise<string> {
  if (job.status === 'deleted') {
    await erase(job, world);
    return 'unfinished_deletion';
  }
  if (job.status === 'queued') {
    await finish(job, notTaken(job), world);
    return 'given_up';
  }
  if (job.status === 'submitting') {
    if (mayResubmit(job, now)) {
      const turn = await joinQueue(job.client, 0, world);
      await world.jobs.replace(queued(job, { ...job.queueing, turn }, now));
      return 'resubmitted';
    }
    // Its worker may have died between storing the request and saying so in the row; one that says so loses it at its end.
    if (!job.queueing) await world.requests.remove(job);
    await finish(job, brokenOff(job), world);
    return 'abandoned_submission';
  }
  if (isFinished(job)) {
    // First, as what is stored may refuse to go.
    const isLost = !job.queueing || (isPending(job) && now >= job.wakeUpDeadline);
    if (isLost) await deliverAgain(job, now, world);
    const isGone = !job.queueing || (await forget(job, world));
    if (!isGone) return ERASING;
    return isLost ? 'lost_delivery' : 'kept_request';
  }
  // A large job's own chain ends it, with the results that there are, for as long as that has a chance.
  if (now >= job.expiresAt + (job.parts ? MERGING_MAX_MILLIS : 0)) {
    await finish(job, expired(job), world);
    return 'lost_expiry';
  }
  await pollAgain(job, now, world);
  return 'lost_poll';
}

async function pollAgain(job: RunningJob, now: Millis, world: SweepWorld): Promise<void> {
  const { jobId, trace, upstreamJobId, updatedAt: polledAt } = job;
  const wakeUp = nextWakeUp(job.expectedWakeUp, now, world.random.bytes());
  const ofParts = job.parts && { toBegin: partsInMind(job.parts) };
  const message = { jobId, trace, upstreamJobId, wakeUp, polledAt, recordedToken: wakeUp.token, ...ofParts };
  // The row need not know everything that the lost message knew.
  await world.wakeUps.poll({ ...message, pollsSinceRecord: 0, isSeen: true }, 0);
  await world.jobs.replace(rescued(job, wakeUp, now));
}

async function deliverAgain(job: FinishedJob, now: Millis, world: SweepWorld): Promise<void> {
  assert(isPending(job), 'A finished job is overdue for the sake of its webhook');
  const { jobId, trace, webhook } = job;
  const wakeUp = nextWakeUp(webhook.expectedWakeUp, now, world.random.bytes());
  await world.wakeUps.deliver({ jobId, trace, wakeUp, attempts: webhook.attempts }, 0);
  await world.jobs.replace(awaiting(job, wakeUp, now));
}

async function rescueQueue(found: Found, world: SweepWorld): Promise<void> {
  const gate = await world.queue.gate();
  const now = world.clock.now();
  const at = gateOverdueAt(gate);
  if (at === null || at > now) return;
  found.oldestMillis = Math.max(found.oldestMillis, now - at);
  await world.queue.replaceGate(rescuedGate(gate, await wakeQueue(gate.expectedWakeUp, now, world)));
  world.log.event('sweep', { outcome: 'lost_queue' }, { JobsRecovered: 1 });
}

export type SweepUploadsWorld = Pick<World, 'uploads' | 'jobs' | 'clock' | 'log'>;

/** What else is due is left to the next sweep. */
const AT_ONCE_MAX = 50;

/**
 * Deletes the files of a client that nothing needs any longer: each becomes a leftover, which no job can name, then its object is
 * deleted, then it is forgotten. Whoever writes the row in between leaves the rest to the next sweep.
 */
export async function sweepUploads(client: string, world: SweepUploadsWorld): Promise<void> {
  const row = await world.uploads.find(client);
  const now = world.clock.now();
  const looks = uploadsToLookAt(row, now)
    .slice(0, AT_ONCE_MAX)
    .map(async (upload) => ({ upload, endedAt: await lastEndOf(upload, world) }));
  const after = looked(row, await waitForAll(looks), now);
  if (after !== row && !(await world.uploads.replace(after))) return;
  const due = leftoversDue(after, now).slice(0, AT_ONCE_MAX);
  if (due.length === 0) return;
  await waitForAll(due.map((key) => world.uploads.remove(key)));
  await world.uploads.replace(cleared(after, due));
  world.log.event('upload', { outcome: 'removed', client });
}

/** When the last of the jobs that have named the upload ended; null if one has not. */
async function lastEndOf({ jobs }: Upload, world: SweepUploadsWorld): Promise<Millis | null> {
  const ends = await waitForAll(jobs.map((jobId) => endOf(jobId, world)));
  return ends.includes(null) ? null : Math.max(0, ...ends.map(Number));
}

async function endOf(jobId: string, world: SweepUploadsWorld): Promise<Millis | null> {
  const job = await world.jobs.findRow(jobId).catch((error: unknown) => {
    if (error instanceof LaterFormat) return undefined;
    throw error;
  });
  // A job that is gone has ended, unless only a later release can read it.
  if (job === null) return 0;
  return job && 'finishedAt' in job ? job.finishedAt : null;
}
