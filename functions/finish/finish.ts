import { EVENT_MAX_BYTES, eventJson } from '../core/http/view.ts';
import { nonceOf } from '../core/ids.ts';
import { type FinishedJob, isFinished, type PendingWebhook, type UnfinishedJob } from '../core/job.ts';
import { ANSWER_MAX_BYTES, FORGET_MILLIS, RETRIES_MAX } from '../core/limits.ts';
import type { PollMessage } from '../core/messages.ts';
import type { MetricName, MetricValues } from '../core/metrics.ts';
import { linesIn } from '../core/parts/merging.ts';
import { partIds, partIdsOf, planKeyOf, withFirst } from '../core/parts/parts.ts';
import type { DocumentRef, Parts } from '../core/parts/row.ts';
import { deleted, documentsOf, linesKeyOf } from '../core/retention.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob } from '../core/trace.ts';
import { ended, finished, forgotten, nextWakeUp } from '../core/transitions.ts';
import { cancelled, type End, type Results } from '../core/upstream/report.ts';
import { firstWaitMillis } from '../core/webhook/attempt.ts';
import { DESTINATION_EXTRA_BYTES } from '../core/webhook/destination.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { LOST, onConflict, record } from '../write-conflicts.ts';
import { erase } from './erase.ts';

export type FinishWorld = Pick<
  World,
  'jobs' | 'documents' | 'requests' | 'wakeUps' | 'clock' | 'random' | 'log'
> & {
  settings: {
    /** Base of the absolute URLs that the public job holds, without a trailing slash. */
    apiUrl: string;
    webhookSchedule: readonly number[];
  };
};

/**
 * Ends a job: first its event is written, then its row points to it, then the delivery starts.
 * @returns null if the job has moved on since it was read: the worker that moved it continues it
 */
export async function finish(job: UnfinishedJob, end: End, world: FinishWorld): Promise<FinishedJob | null> {
  const ending = ended(job, end, world.clock.now());
  const maxBytes = EVENT_MAX_BYTES - (job.webhook?.destination ? DESTINATION_EXTRA_BYTES : 0);
  const documents = await write(ending, end, maxBytes, world);
  const after = finished(ending, documents, job.webhook && awaitingFirstAttempt(job.webhook, world));
  if (!(await world.jobs.replace(after))) return discard(after, world);
  logFinished(job, after, end, world);
  await startDelivery(after, world);
  if (after.queueing) await forget(after, world);
  else await eraseIfOver(after, world);
  return after;
}

/** Deletes the documents of a worker that lost a race: the job may be deleted, and nobody would find them. */
async function discard(lost: FinishedJob, { jobs, documents }: FinishWorld): Promise<null> {
  const row = await jobs.findRow(lost.jobId);
  // The write may have succeeded after all, and another worker may have written since.
  const isKept = row !== null && 'event' in row && row.event.key === lost.event.key;
  if (!isKept) for (const ref of documentsOf(lost)) await documents.remove(ref);
  return null;
}

/**
 * Deletes the request of a job that has ended before ModelStudio took it, or all that is stored of its parts.
 * @returns false if that takes longer: the sweeper goes on
 */
export async function forget(job: FinishedJob, world: FinishWorld): Promise<boolean> {
  const left = await erasePartsOf(job, world);
  await world.requests.remove(job);
  if (await eraseIfOver(job, world)) return true;
  const now = world.clock.now();
  await record(job, (row) => (isFinished(row) && row.queueing ? forgotten(row, now, left) : null), world);
  return left === null;
}

/** Deletes what is stored of a part that has ended after its job. Whoever comes upon one later does so, too. */
export async function eraseIfOver(
  { jobId, createdAt, partOf }: FinishedJob,
  world: FinishWorld,
): Promise<boolean> {
  const isLate = partOf !== undefined && (await isOver(partOf, world));
  if (isLate) await erasePart(jobId, createdAt, world);
  return isLate;
}

/** Whether nobody needs a job's parts any longer. */
export async function isOver(jobId: string, { jobs }: Pick<World, 'jobs'>): Promise<boolean> {
  const job = await jobs.find(jobId);
  return job === null || isFinished(job);
}

/** So many calls at once are as fast as it gets. */
const ERASED_AT_ONCE = 20;

async function eraseEach(ids: readonly string[], erase: (id: string) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < ids.length; i += ERASED_AT_ONCE)
    await waitForAll(ids.slice(i, i + ERASED_AT_ONCE).map(erase));
}

/**
 * The last ones first: those that are open have requests.
 * @returns those that are left
 */
async function erasePartsOf(job: FinishedJob, world: FinishWorld): Promise<Parts | null> {
  const ids = partIds(job);
  const until = world.clock.now() + FORGET_MILLIS;
  while (ids.length > 0) {
    if (job.parts && world.clock.now() >= until) return withFirst(job.parts, ids.length);
    await eraseEach(ids.splice(-ERASED_AT_ONCE), (id) => erasePart(id, job.createdAt, world));
  }
  for (const { plan } of job.parts?.rounds ?? []) await world.documents.remove(plan);
  return null;
}

/** What a worker has saved that did not know that the job was over. Its message, or the one that it has sent, comes again. */
export async function eraseLate({ jobId, toBegin }: PollMessage, world: FinishWorld): Promise<void> {
  const job = await world.jobs.findRow(jobId);
  if (job === null) return;
  for (let round = 0; round <= RETRIES_MAX; round++)
    for (const store of ['table', 'bucket'] as const)
      await world.documents.remove({ store, key: planKeyOf(job, round) });
  const { createdAt } = job;
  const ids = toBegin ? partIdsOf(job, toBegin) : [];
  // A part that has a row is erased by the function create, when its turn comes.
  await eraseEach(ids, (id) => world.requests.remove({ jobId: id, createdAt }));
}

/** One that ModelStudio is asked to create right now is erased when it ends. Its place stays known until ModelStudio says that it has ended. */
async function erasePart(jobId: string, createdAt: number, world: FinishWorld): Promise<void> {
  await onConflict(jobId, async () => {
    const part = await world.jobs.findRow(jobId);
    if (part === null || part.status === 'submitting') return world.requests.remove({ jobId, createdAt });
    if (part.status === 'deleted') return part.leftovers && erase(part, world);
    // It is erased by that.
    if (!isFinished(part)) return (await finish(part, cancelled(part), world)) === null ? LOST : undefined;
    const tombstone = deleted(part, world.clock.now());
    return (await world.jobs.replace(tombstone)) ? erase(tombstone, world) : LOST;
  });
}

/**
 * Starts the delivery. Also called for a finished job whose first attempt is still to come when a
 * message arrives, as its sender may have died just before this. The repeat is the same wake-up, so it counts once.
 */
export async function startDelivery(
  job: FinishedJob,
  world: Pick<World, 'wakeUps' | 'clock'>,
): Promise<void> {
  const { webhook } = job;
  if (webhook?.status !== 'pending' || webhook.expectedWakeUp?.seq !== 1) return;
  const message = { jobId: job.jobId, trace: job.trace, wakeUp: webhook.expectedWakeUp, attempts: 0 };
  await world.wakeUps.deliver(message, sqsDelaySeconds(webhook.expectedWakeUp.dueAt, world.clock.now()));
}

/** Two workers that finish the same job write under different keys; the row then names one of these. */
async function write(job: Parameters<typeof eventJson>[0], end: End, maxBytes: number, world: FinishWorld) {
  const name = `${job.jobId}/${nonceOf(world.random.bytes())}.json`;
  const { results } = end;
  const { json = null, document } = results ?? {};
  if (results === null || (json !== null && json.length <= maxBytes)) {
    const whole = eventJson(job, { json, url: null });
    if (results === null || Buffer.byteLength(whole) <= maxBytes) {
      const event = await world.documents.save(`events/${name}`, whole);
      return { event, results: results && ('in-event' as const) };
    }
  }
  const url = `${world.settings.apiUrl}/v1/jobs/${job.jobId}/results`;
  const [event, apart] = await waitForAll([
    world.documents.save(`events/${name}`, eventJson(job, { json: null, url })),
    document ? Promise.resolve(document) : saveApart(`results/${name}`, json ?? '[]', world),
  ]);
  return { event, results: apart };
}

/** Those that no answer has room for are read where they lie, as an array or one a line. */
async function saveApart(key: string, json: string, { documents }: FinishWorld): Promise<DocumentRef> {
  const document = await documents.save(key, json);
  if (Buffer.byteLength(json) <= ANSWER_MAX_BYTES) return { ...document, isShort: true };
  let bytes = 0;
  for (const line of linesIn(json)) bytes += Buffer.byteLength(line);
  await documents.saveAll(linesKeyOf(key), bytes, linesIn(json));
  return { ...document, hasLines: true };
}

function awaitingFirstAttempt(webhook: PendingWebhook, world: FinishWorld): PendingWebhook {
  const wait = firstWaitMillis(world.settings.webhookSchedule, world.random.fraction());
  return { ...webhook, expectedWakeUp: nextWakeUp(null, world.clock.now() + wait, world.random.bytes()) };
}

function logFinished(before: UnfinishedJob, job: FinishedJob, { results }: End, world: FinishWorld): void {
  const fields = {
    outcome: job.status,
    ...aboutJob(job),
    model_id: job.modelId,
    total_tasks: job.totalTasks,
    completed_tasks: job.completedTasks,
    failed_tasks: job.failedTasks,
    age_seconds: (job.finishedAt - job.createdAt) / 1000,
    ...(job.error && { cause: job.error.code }),
  };
  // An operator counts jobs, not their parts.
  world.log.event('finish', fields, job.partOf ? {} : metricsOf(before, job, results));
}

const ENDED = {
  completed: 'JobsCompleted',
  failed: 'JobsFailed',
  cancelled: 'JobsCancelled',
  expired: 'JobsExpired',
} as const satisfies Record<FinishedJob['status'], MetricName>;

function metricsOf(before: UnfinishedJob, job: FinishedJob, results: Results | null): MetricValues {
  return {
    [ENDED[job.status]]: 1,
    JobSeconds: (job.finishedAt - job.createdAt) / 1000,
    ...(before.status === 'running' && { PollsPerJob: before.expectedWakeUp.seq }),
    ...(job.error?.code === 'submission_unknown' && { UnknownSubmissions: 1 }),
    ...(job.error?.code === 'never_submitted' && { JobsNeverSubmitted: 1 }),
    ...(job.error?.code === 'results_too_large' && { ResultsTooLarge: 1 }),
    ...(job.error?.code === 'results_unreadable' && { ResultsUnreadable: 1 }),
    ...(results && results.missing > 0 && { ResultsMissing: results.missing }),
    ...(results && results.surplus > 0 && { ResultsSurplus: results.surplus }),
  };
}
