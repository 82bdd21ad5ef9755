import type { Generation } from '../core/http/generation-request.ts';
import type { Job, Millis, SubmittingJob, WakeUp } from '../core/job.ts';
import { arrived } from '../core/queue/gate.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob } from '../core/trace.ts';
import { nextWakeUp, queued } from '../core/transitions.ts';
import type { World } from '../ports.ts';

type WakeWorld = Pick<World, 'wakeUps' | 'clock' | 'random'>;
type QueueWorld = WakeWorld & Pick<World, 'queue'>;

/**
 * Lets a job wait until ModelStudio takes it. Its request is stored and the queue is awake before its row says so:
 * if this dies in between, the job was not accepted yet.
 * @param queueSeconds how long it may wait
 * @param askedSeconds what ModelStudio has asked for
 * @returns null if it cannot wait, and nothing is stored
 */
export async function enqueue(
  job: SubmittingJob,
  generation: Generation,
  queueSeconds: number,
  askedSeconds: number,
  world: QueueWorld & Pick<World, 'jobs' | 'requests' | 'log'>,
): Promise<Job | null> {
  if (queueSeconds === 0) return null;
  const until = job.createdAt + queueSeconds * 1000;
  let turn: number;
  try {
    await world.requests.save(job, generation);
    turn = await joinQueue(job.client, askedSeconds, world);
  } catch {
    await world.requests.remove(job).catch(() => undefined);
    return null;
  }
  const waiting = queued(job, { until, turn }, world.clock.now());
  // If the answer to this write was lost, the queue may have taken the job before it was repeated.
  const row = (await world.jobs.replace(waiting)) ? waiting : await world.jobs.find(job.jobId);
  const facts = { outcome: 'queued', ...aboutJob(job), model_id: job.modelId, total_tasks: job.totalTasks };
  world.log.event('submit', facts, { JobsQueued: 1 });
  return row;
}

/** Wakes the queue; of two workers that do so at once, one wins. @returns the turn of a job of this client */
export async function joinQueue(client: string, askedSeconds: number, world: QueueWorld): Promise<number> {
  const { turn, gate } = await world.queue.arrive(client);
  const now = world.clock.now();
  // A worker that has the queue would lose what it is about to write; it looks again for whoever has arrived.
  if (gate.phase === 'draining' || gate.leaseUntil > now) return turn;
  const after = arrived(gate, askedSeconds, now);
  // A chain that lingers would look only later. Its own wake-up is stale then.
  const expectedWakeUp = await wakeQueue(gate.expectedWakeUp, after.pace.nextAt, world);
  await world.queue.replaceGate({ ...after, expectedWakeUp });
  return turn;
}

/** Sends the queue's next wake-up, which the gate expects only then. */
export async function wakeQueue(last: WakeUp, dueAt: Millis, world: WakeWorld): Promise<WakeUp> {
  const wakeUp = nextWakeUp(last, dueAt, world.random.bytes());
  await world.wakeUps.create({ wakeUp }, sqsDelaySeconds(dueAt, world.clock.now()));
  return wakeUp;
}
