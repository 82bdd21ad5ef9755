import type { Generation } from '../core/http/generation-request.ts';
import type { Job, Millis, SubmittingJob, WakeUp } from '../core/job.ts';
import { arrived, type Gate } from '../core/queue/gate.ts';
import { RETRY_AFTER_MAX_SECONDS } from '../core/queue/pace.ts';
import { nextWakeUp, queued } from '../core/transitions.ts';
import type { World } from '../ports.ts';

export type EnqueueWorld = Pick<
  World,
  'jobs' | 'queue' | 'requests' | 'wakeUps' | 'clock' | 'random' | 'log'
>;

/**
 * Lets a job wait until ModelStudio takes it. Its request is stored and the queue is awake before its row says so:
 * if this dies in between, the job was not accepted yet.
 * @param waitSeconds what ModelStudio has asked for
 * @returns null if it cannot wait, and nothing is stored
 */
export async function enqueue(
  job: SubmittingJob,
  generation: Generation,
  until: Millis,
  waitSeconds: number,
  world: EnqueueWorld,
): Promise<Job | null> {
  const turn = await prepare(job, generation, waitSeconds, world).catch(() => null);
  if (turn === null) {
    await world.requests.remove(job).catch(() => undefined);
    return null;
  }
  const waiting = queued(job, { until, turn }, world.clock.now());
  // If the answer to this write was lost, the queue may have taken the job before it was repeated.
  const row = (await world.jobs.replace(waiting)) ? waiting : await world.jobs.find(job.jobId);
  const { jobId: job_id, client, modelId: model_id, totalTasks: total_tasks } = job;
  world.log.event('submit', { outcome: 'queued', job_id, client, model_id, total_tasks }, { JobsQueued: 1 });
  return row;
}

async function prepare(
  job: SubmittingJob,
  generation: Generation,
  waitSeconds: number,
  world: EnqueueWorld,
): Promise<number> {
  await world.requests.save(job, generation);
  return joinQueue(job.client, waitSeconds, world);
}

/**
 * Wakes the queue: sends its wake-up, then records it. Of two workers that do so at once, one wins.
 * @returns the turn of a job of this client
 */
export async function joinQueue(
  client: string,
  waitSeconds: number,
  world: Omit<EnqueueWorld, 'jobs' | 'requests' | 'log'>,
): Promise<number> {
  const { turn, gate } = await world.queue.arrive(client);
  const now = world.clock.now();
  // A worker that has the queue would lose what it is about to write; it looks again for whoever has arrived.
  if (gate.phase === 'draining' || gate.leaseUntil > now) return turn;
  // A chain that lingers would look only later. Its own wake-up is stale then.
  const wakeUp = await wakeQueue(gate, waitSeconds, now, world);
  await world.queue.replaceGate(arrived(gate, waitSeconds, wakeUp, now));
  return turn;
}

async function wakeQueue(
  gate: Gate,
  waitSeconds: number,
  now: Millis,
  world: Pick<World, 'wakeUps' | 'random'>,
): Promise<WakeUp> {
  const seconds = Math.min(RETRY_AFTER_MAX_SECONDS, Math.ceil(Math.max(1, waitSeconds)));
  const wakeUp = nextWakeUp(gate.expectedWakeUp, now + seconds * 1000, world.random.bytes());
  await world.wakeUps.create({ wakeUp }, seconds);
  return wakeUp;
}
