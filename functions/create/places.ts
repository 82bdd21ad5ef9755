import { LaterFormat } from '../core/format.ts';
import { base32 } from '../core/ids.ts';
import type { Job, SubmittingJob } from '../core/job.ts';
import { REPORT_LIMITS } from '../core/limits.ts';
import { kindOf } from '../core/polling/lessons.ts';
import { roused } from '../core/queue/gate.ts';
import { isOverThere, reviewed } from '../core/queue/places.ts';
import type { Places, World } from '../ports.ts';
import { wakeQueue } from './enqueue.ts';

/** Without a free place in the index, so many others are tried: it may lag, and has none that was never taken. */
const GUESSES = 3;
const REVIEWED_MAX = 10;

/** Gives a job a place at ModelStudio, if their number is bounded. Null: there is none. */
export async function takePlace(
  job: SubmittingJob,
  { places, random }: Pick<World, 'places' | 'random'>,
): Promise<SubmittingJob | null> {
  if (places === null) return job;
  const free = await places.free();
  const numbers = free.length > 0 ? free : someOf(places, GUESSES, random.fraction());
  const token = base32(random.bytes());
  for (const number of numbers) {
    const place = { number, token };
    if (await places.take(place, job.jobId)) return { ...job, place };
  }
  return null;
}

/** ModelStudio does not work on the job, or no longer. If this fails, a review finds it. */
export async function leavePlace(job: Job, { places }: Pick<World, 'places'>): Promise<void> {
  if (job.place) await places?.release(job.place).catch(() => undefined);
}

/**
 * A job that may not wait was refused for want of a place. Where none waits, nobody looks whether one is free, so this
 * wakes the queue, whose worker does. Not here, as ModelStudio may take longer to answer than a submission has, and
 * of any number of workers that refuse jobs at once, only one is to ask it.
 */
export async function reviewSoon(
  world: Pick<World, 'queue' | 'wakeUps' | 'clock' | 'random'>,
): Promise<void> {
  const gate = await world.queue.gate();
  // A chain that goes on looks anyway. A paused one makes all jobs wait, which is not the operator's wish if none does so far.
  if (gate.phase !== 'idle' || gate.isPaused) return;
  const expectedWakeUp = await wakeQueue(gate.expectedWakeUp, world.clock.now(), world);
  await world.queue.replaceGate({ ...roused(gate), expectedWakeUp });
}

type ReviewWorld = Pick<World, 'jobs' | 'modelStudio' | 'durationStats' | 'clock' | 'random'>;

/**
 * Finds places that are free although nobody has said so: a job that was cancelled or has expired here is over at
 * ModelStudio, too, or a worker died with a place. It is done only while jobs wait for one, or were refused for want of one.
 */
export async function reviewPlaces(places: Places, world: ReviewWorld): Promise<void> {
  const numbers = someOf(places, REVIEWED_MAX, world.random.fraction());
  await Promise.allSettled(numbers.map((number) => review(number, places, world)));
}

async function review(number: number, places: Places, world: ReviewWorld): Promise<void> {
  const place = await places.find(number);
  if (place === null) return places.list(number);
  const job = await world.jobs.findRow(place.jobId).catch((error: unknown) => {
    if (error instanceof LaterFormat) return 'unreadable' as const;
    throw error;
  });
  const isUnread = job === 'unreadable' || job === null;
  const known = isUnread ? { jobId: place.jobId, modelId: '', totalTasks: 1 } : job;
  const { durations } = await world.durationStats.forecast(kindOf(known));
  const now = world.clock.now();
  const verdict = reviewed(place, job, now, durations);
  if (verdict === 'held') return;
  if (verdict !== 'free') {
    const report = await world.modelStudio.report({ ...known, ...verdict }, REPORT_LIMITS.poll);
    if (!isOverThere(report, place, now, durations)) return;
  }
  await places.release(place);
}

/** Consecutive ones, from a random one on. */
function someOf({ count }: Places, most: number, random: number): number[] {
  const first = Math.floor(random * count);
  return Array.from({ length: Math.min(most, count) }, (_, i) => ((first + i) % count) + 1);
}
