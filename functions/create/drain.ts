import { LaterFormat } from '../core/format.ts';
import { base32 } from '../core/ids.ts';
import {
  classifyWakeUp,
  givenUpAt,
  type Millis,
  mayResubmit,
  type QueuedJob,
  type TakenJob,
} from '../core/job.ts';
import { DRAIN_LEASE_MILLIS, DRAIN_MILLIS } from '../core/limits.ts';
import type { CreateMessage } from '../core/messages.ts';
import { claimedGate, type Gate, LINGER_MILLIS, type Pass, passed } from '../core/queue/gate.ts';
import { afterRound, roundSize, unasked } from '../core/queue/pace.ts';
import type { Waiting } from '../core/queue/queue-keys.ts';
import { aboutJob } from '../core/trace.ts';
import { queued, taken, uncounted } from '../core/transitions.ts';
import { cancelled, notTaken, refusedRequest, submissionUnknown } from '../core/upstream/report.ts';
import { finish, isOver } from '../finish/finish.ts';
import type { World } from '../ports.ts';
import { type CreateWorld, type Creation, create } from './create.ts';
import { wakeQueue } from './enqueue.ts';
import { leavePlace, reviewPlaces } from './places.ts';

/** So many of up to 20 MiB have room in memory, several times over, beside a round of others. */
const OVERSIZED_AT_ONCE = 3;

export type DrainWorld = CreateWorld & Pick<World, 'queue' | 'sleep'>;

/**
 * Lets queued jobs through to ModelStudio for a few seconds, then sends the next wake-up of the queue's chain.
 * @returns when the message must come back, as another worker has the queue; null if it is done
 */
export async function drain(message: CreateMessage, world: DrainWorld): Promise<Millis | null> {
  const gate = await world.queue.gate();
  const now = world.clock.now();
  const place = classifyWakeUp(message.wakeUp, gate.expectedWakeUp);
  if (place === 'stale') return null;
  // One that is ahead has overtaken what its sender is about to record, unless that died.
  if (gate.leaseUntil > now) return Math.min(gate.leaseUntil, place === 'ahead' ? now + 5000 : Infinity);
  const held = claimedGate(gate, now);
  if (!(await world.queue.replaceGate(held))) return now + 1000;

  const pass = held.isPaused
    ? { ...held, isEmpty: false, isFull: false, isStuck: false, isLeft: false }
    : await letThrough(held, now + DRAIN_MILLIS, world);
  await hold(message, held, pass, world);
  return null;
}

/** Sends the next wake-up, then records it, as every chain does. The chain ends when none has come for a while. */
async function hold(message: CreateMessage, held: Gate, pass: Pass, world: DrainWorld): Promise<void> {
  const now = world.clock.now();
  const { after, dueAt } = passed(held, pass, now);
  if (now - (after.emptySince ?? now) >= LINGER_MILLIS) {
    const idle = { ...after, phase: 'idle', expectedWakeUp: message.wakeUp } as const;
    if (await world.queue.replaceGate(idle, now - LINGER_MILLIS)) return;
  }
  const expectedWakeUp = await wakeQueue(message.wakeUp, dueAt, world);
  const lookedSince = held.leaseUntil - DRAIN_LEASE_MILLIS;
  const unlessArrivedAfter = pass.isEmpty ? lookedSince - 1 : undefined;
  const isRecorded = await world.queue.replaceGate({ ...after, expectedWakeUp }, unlessArrivedAfter);
  // Whoever came meanwhile has left it to this worker to look again.
  if (pass.isEmpty && !isRecorded) await hold(message, held, { ...pass, isEmpty: false }, world);
}

async function letThrough(gate: Gate, until: Millis, world: DrainWorld): Promise<Pass> {
  const { clock, places, queue, random, sleep } = world;
  let { pace, virtualTime } = gate;
  const outcomes: Outcome[] = [];
  let [isAnyWaiting, isEmpty, isFull, isReviewed] = [false, false, false, false];
  let [oldestSeconds, left, unread] = [0, 0, 0];
  // The index may still show those that are gone.
  const done = new Set<string>();
  while (pace.nextAt < until && clock.now() < until) {
    await sleep(Math.max(0, pace.nextAt - clock.now()));
    const waiting = (await queue.next(left + unread)).filter(({ jobId }) => !done.has(jobId));
    isEmpty = waiting.length === 0 && !isAnyWaiting;
    const free = places && (await places.free());
    const isNoneFree = free?.length === 0;
    // Also if nobody waits: a job that may not was refused for want of one.
    if (places && isNoneFree && !isReviewed) await reviewPlaces(places, world);
    isReviewed ||= isNoneFree;
    if (waiting.length === 0) break;
    oldestSeconds = Math.max(oldestSeconds, ...waiting.map((job) => (clock.now() - job.since) / 1000));
    isFull = isNoneFree;
    isAnyWaiting ||= isFull;
    if (isFull) {
      pace = unasked(pace, clock.now());
      continue;
    }
    const jobs = waiting.slice(0, Math.min(roundSize(pace), free?.length ?? Infinity));
    const startedAt = clock.now();
    const { rate } = pace;
    let oversized = 0;
    const hasRoom = ({ queueing }: QueuedJob) => !queueing.isOversized || ++oversized <= OVERSIZED_AT_ONCE;
    const round = await Promise.all(
      jobs.map(async ({ jobId }, index) => {
        // One after the other, as a burst is what a limit of so many a second refuses.
        await sleep((index * 1000) / rate);
        const outcome = await createQueued(jobId, free?.[index] ?? null, hasRoom, world);
        if (outcome.kind !== 'refused' && outcome.kind !== 'no_place') done.add(jobId);
        return outcome;
      }),
    );
    const counts = countsOf(round);
    left += counts.left;
    if (counts.left === jobs.length) {
      left += await skipLater(waiting.slice(jobs.length), done, world);
      continue;
    }
    isAnyWaiting = true;
    unread += counts.unread;
    // They would take the pass from those behind them if each had to be waited for.
    if (counts.left + counts.unread === jobs.length) continue;
    pace = afterRound(pace, { startedAt, ...counts }, clock.now(), random.fraction());
    virtualTime = Math.max(virtualTime, ...jobs.map(({ turn }) => turn));
    outcomes.push(...round);
  }
  const { answered, refused, failed } = countsOf(outcomes);
  const outcome = isEmpty ? 'empty' : isFull ? 'full' : 'drained';
  const fields = { outcome, answered, refused, rate: pace.rate, ...(left > 0 && { left_for_later: left }) };
  world.log.event('create', fields, { CreatesRefused: refused, OldestQueuedSeconds: oldestSeconds });
  const isStuck = failed + unread > 0 && answered + refused === 0;
  return { pace, virtualTime, isEmpty, isFull, isStuck, isLeft: left > 0 };
}

/** Reads ahead, past any number of jobs that only a later release can read. @returns how many are left to it */
async function skipLater(waiting: Waiting[], done: Set<string>, { jobs }: DrainWorld): Promise<number> {
  const before = done.size;
  const skip = async ({ jobId }: Waiting) => {
    const error = await jobs.find(jobId).catch((thrown: unknown) => thrown);
    if (error instanceof LaterFormat) done.add(jobId);
  };
  await Promise.all(waiting.map(skip));
  return done.size - before;
}

function countsOf(outcomes: Outcome[]) {
  const counts = { answered: 0, refused: 0, gone: 0, no_place: 0, failed: 0, unread: 0, left: 0 };
  for (const { kind } of outcomes) counts[kind]++;
  return { ...counts, retryAfterSeconds: Math.max(...outcomes.map((each) => each.retryAfterSeconds ?? 0)) };
}

interface Outcome {
  /**
   * `answered`: ModelStudio took the job or found fault with it. `refused`: too much was asked of it.
   * `gone`: it was not asked, as the job no longer waits. `no_place`: nor was it here, as others have taken the place or the memory.
   * `unread`: nor was it here, as the job or its request could not be read, so it waits for the next pass. `left`: nor was it here, as the
   * job is of a later release. `failed`: a fault of ours or of AWS, and it may have been asked.
   */
  kind: 'answered' | 'refused' | 'gone' | 'no_place' | 'unread' | 'left' | 'failed';
  retryAfterSeconds?: number | null;
}

async function createQueued(
  jobId: string,
  number: number | null,
  hasRoom: (job: QueuedJob) => boolean,
  world: DrainWorld,
): Promise<Outcome> {
  let about: Partial<ReturnType<typeof aboutJob>> = { job_id: jobId };
  let isTaken = false;
  try {
    const job = await world.jobs.find(jobId);
    if (job?.status !== 'queued') return { kind: 'gone' };
    about = aboutJob(job);
    const now = world.clock.now();
    if (now >= givenUpAt(job)) {
      await finish(job, notTaken(job), world);
      return { kind: 'gone' };
    }
    if (job.partOf && (await isOver(job.partOf, world))) {
      await finish(job, cancelled(job), world);
      return { kind: 'gone' };
    }
    if (!hasRoom(job)) return { kind: 'no_place' };
    const generation = await world.requests.load(job).catch(async (error: Error) => {
      // It was deleted when ModelStudio had taken the job, and the worker died before the row said so.
      if (job.submissions && error.name === 'AccessDenied') await finish(job, submissionUnknown, world);
      throw error;
    });
    const place = number === null ? null : { number, token: base32(world.random.bytes()) };
    if (place && !(await world.places?.take(place, jobId))) return { kind: 'no_place' };
    // From here on, if the worker dies, nobody knows whether ModelStudio was asked.
    isTaken = true;
    const submitting = taken(job, place, now);
    if (!(await world.jobs.replace(submitting))) {
      await leavePlace(submitting, world);
      return { kind: 'gone' };
    }
    return await settle(submitting, await create(submitting, generation, world), world);
  } catch (error) {
    if (error instanceof LaterFormat) return { kind: 'left' };
    const cause = error instanceof Error ? error.name : 'unknown';
    world.log.event('create', { outcome: 'failed', ...about, cause });
    return { kind: isTaken ? 'failed' : 'unread' };
  }
}

async function settle(job: TakenJob, creation: Creation, world: DrainWorld): Promise<Outcome> {
  const { jobs, clock } = world;
  switch (creation.kind) {
    case 'created':
      return { kind: 'answered' };
    case 'invalid':
    case 'model_not_found':
      await finish(job, refusedRequest(creation), world);
      return { kind: 'answered' };
    case 'unknown':
      if (mayResubmit(job, clock.now())) await jobs.replace(queued(job, job.queueing, clock.now()));
      else await finish(job, submissionUnknown, world);
      // The next one would be as much in danger.
      return { kind: 'refused' };
  }
  await jobs.replace(queued(uncounted(job), job.queueing, clock.now()));
  const retryAfterSeconds = 'retryAfterSeconds' in creation ? creation.retryAfterSeconds : 0;
  return { kind: 'refused', retryAfterSeconds };
}
