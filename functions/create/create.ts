import type { Generation } from '../core/http/generation-request.ts';
import type { Job, SubmittingJob } from '../core/job.ts';
import { type MetricValues, upstreamMetrics } from '../core/metrics.ts';
import { kindOf } from '../core/polling/lessons.ts';
import { nextPollSeconds, type PollForecast } from '../core/polling/next-poll.ts';
import { aboutJob } from '../core/trace.ts';
import { nextWakeUp, started } from '../core/transitions.ts';
import type { CreateResult } from '../core/upstream/create-result.ts';
import { quotes } from '../core/upstream/error-sentence.ts';
import { progressOf } from '../core/upstream/next-step.ts';
import type { FinishWorld } from '../finish/finish.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { leavePlace } from './places.ts';

export type CreateWorld = FinishWorld & Pick<World, 'modelStudio' | 'durationStats' | 'places'>;

/** `unsent`: our own fault, and nothing was created. */
export type Creation =
  | { kind: 'created'; job: Job }
  | { kind: 'unsent'; error: unknown }
  | Exclude<CreateResult, { kind: 'created' }>;

/** Asks ModelStudio once to create a job whose row is `submitting`, and begins to poll it. */
export async function create(
  job: SubmittingJob,
  generation: Generation,
  world: CreateWorld,
): Promise<Creation> {
  const askedAt = world.clock.now();
  const [result, forecast] = await waitForAll([
    world.modelStudio.create(generation, job).catch((error: unknown) => ({ kind: 'unsent', error }) as const),
    world.durationStats.forecast(kindOf(job)),
  ]);
  if (result.kind !== 'created' && result.kind !== 'unknown') await leavePlace(job, world);
  if (result.kind === 'unsent') return result;
  logCreation(job, generation, result, askedAt, world);
  // A job that waits is tried at the queue's own pace, whatever polls may do.
  if (result.kind === 'unavailable' && !job.queueing) await world.durationStats.throttled();
  if (result.kind !== 'created') return result;
  return { kind: 'created', job: await begin(job, result.upstreamJobId, forecast, world) };
}

/** Before the deadline of a submission, so that the message comes before the sweeper gives up the job. */
export const FIRST_WAIT_MAX_SECONDS = 600;

/**
 * Sends the first wake-up, then records it: if this dies in between, the message knows the upstream job
 * and the poller records it instead. A job whose wake-up cannot be sent has been created anyway, so the row
 * keeps it for the sweeper.
 */
async function begin(
  job: SubmittingJob,
  upstreamJobId: string,
  forecast: PollForecast,
  world: CreateWorld,
): Promise<Job> {
  const now = world.clock.now();
  const polledAt = job.queueing ? now : job.createdAt;
  const progress = { ...progressOf(job, 0, now), ageMillis: now - polledAt };
  const seconds = Math.min(FIRST_WAIT_MAX_SECONDS, nextPollSeconds(progress, forecast));
  const wakeUp = nextWakeUp(null, now + seconds * 1000, world.random.bytes());
  const slot = (await world.durationStats.enroll(kindOf(job), polledAt)) ?? undefined;
  const known = { jobId: job.jobId, trace: job.trace, upstreamJobId, wakeUp, polledAt, isSeen: false, slot };
  const start = job.queueing && { startedAt: polledAt };
  const message = { ...known, ...start, recordedToken: wakeUp.token, pollsSinceRecord: 0 };
  const isSent = await world.wakeUps.poll(message, seconds).then(
    () => true,
    () => false,
  );
  if (!isSent) world.log.event('submit', { outcome: 'wake_up_unsent', ...aboutJob(job) });
  // Before the row no longer says that the request may be stored.
  if (job.queueing) await world.requests.remove(job);
  const running = started(job, message, isSent, now);
  if (await world.jobs.replace(running)) return running;
  return (await world.jobs.find(job.jobId).catch(() => null)) ?? running;
}

function logCreation(
  job: SubmittingJob,
  generation: Generation,
  result: CreateResult,
  askedAt: number,
  world: CreateWorld,
): void {
  const sentence = result.kind !== 'invalid' && 'sentence' in result ? result.sentence : null;
  const isQuoting = sentence && quotes(sentence.replaceAll(job.modelId, ''), Object.values(generation));
  const fields = {
    outcome: result.kind,
    ...aboutJob(job),
    model_id: job.modelId,
    total_tasks: job.totalTasks,
    duration_ms: world.clock.now() - (job.queueing ? askedAt : job.createdAt),
    ...('cause' in result && { cause: result.cause }),
    // A sentence about the request may quote it, so only one about the deployment is logged.
    ...(sentence && !isQuoting && { said: sentence }),
  };
  world.log.event(job.queueing ? 'create' : 'submit', fields, metricsOf(result, job));
}

function metricsOf(result: CreateResult, job: SubmittingJob): MetricValues {
  if (result.kind === 'created') return { JobsCreated: 1 };
  // That jobs wait is no trouble of ModelStudio's, and has an alarm of its own.
  if (result.kind === 'unavailable' && job.queueing) return {};
  if (result.kind === 'invalid' || result.kind === 'model_not_found') return {};
  return upstreamMetrics(result.kind === 'unknown' ? result.cause : result.kind);
}
