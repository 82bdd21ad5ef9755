import { unreadableKeyOf } from '../core/ids.ts';
import { classifyWakeUp, isFinished, type Job, type RunningJob, runningSince } from '../core/job.ts';
import type { LogFields } from '../core/log.ts';
import type { PollMessage } from '../core/messages.ts';
import { type MetricValues, upstreamMetrics } from '../core/metrics.ts';
import { isLarge, type LargeJob, OF_PARTS, partsInMind } from '../core/parts/parts.ts';
import { kindOf } from '../core/polling/lessons.ts';
import { sqsDelaySeconds } from '../core/sqs-delay.ts';
import { aboutJob, inTraceOf } from '../core/trace.ts';
import { adopted, isNews, nextWakeUp, polled } from '../core/transitions.ts';
import { type Next, nextStep } from '../core/upstream/next-step.ts';
import { outcomeOf, type Report } from '../core/upstream/report.ts';
import { leavePlace } from '../create/places.ts';
import { eraseIfOver, eraseLate, type FinishWorld, finish, startDelivery } from '../finish/finish.ts';
import type { ReportLimits, World } from '../ports.ts';
import { LOST, onConflict, record } from '../write-conflicts.ts';

export type PollWorld = FinishWorld &
  Pick<World, 'modelStudio' | 'durationStats' | 'places'> & {
    /** Of the collector alone: it has the memory and time that large jobs take. */
    advance?: (job: LargeJob) => Promise<Next>;
    /** The collector is a poller with the memory and time for large reports. */
    settings: { isCollector: boolean; reportLimits: ReportLimits };
  };

/** If one message ever becomes two chains, they meet in the row after this many polls at the latest. */
const POLLS_SINCE_RECORD_MAX = 6;

/**
 * Polls one job, then ends it or sends the next wake-up.
 * @param isRepeat the message was received before, by a worker that may have sent the next wake-up
 */
export async function poll(received: PollMessage, isRepeat: boolean, world: PollWorld): Promise<void> {
  let report: Report | null = null;
  return onConflict(received.jobId, async () => {
    const job = await world.jobs.find(received.jobId);
    const message = inTraceOf(job, received);
    const isOver = job === null || isFinished(job);
    if (isOver && received.upstreamJobId === OF_PARTS) await eraseLate(received, world);
    if (job === null) return logPoll(message, world, { outcome: 'no_job' });
    if (isFinished(job)) {
      await eraseIfOver(job, world);
      return startDelivery(job, world);
    }
    // Let back from the queue since, so the message is of a creation that was taken for unknown.
    if (job.status === 'queued') return logPoll(message, world, { outcome: 'stale' });
    const running = adopted(job, message);
    if (classifyWakeUp(message.wakeUp, running.expectedWakeUp) === 'stale')
      return logPoll(message, world, { outcome: 'stale' });

    // The worker that had it created died before it could do this.
    if (job.queueing && !job.parts) await world.requests.remove(job);
    // Polled once: losing a race does not make the report any less true.
    report ??= isLarge(running) ? PARTS : await ask(running, world);
    const next = isLarge(running)
      ? await nextOfParts(running, world)
      : await nextOf(running, message, report, world);
    if (next.step !== 'finish') {
      const mustRecord = isRepeat || job.status === 'submitting' || isForkedChain(message, running);
      return scheduleNextPoll(running, message, next, report, mustRecord, world);
    }
    const key = unreadableKeyOf(job.jobId);
    if (report.kind === 'unreadable') await world.documents.setAside(key, report.raw);
    // The row knows the recorded wake-ups; the message is the latest of all.
    if (next.end.status !== 'expired') await leavePlace(running, world);
    const ended = await finish({ ...running, expectedWakeUp: message.wakeUp }, next.end, world);
    return ended === null ? LOST : recordDuration(running, message, report, world);
  });
}

/** What stands for a report on a job whose ModelStudio is its parts. */
const PARTS: Report = { kind: 'running', completedTasks: null, unknownState: null };

function nextOfParts(job: LargeJob, { advance }: PollWorld): Promise<Next> | Next {
  return advance === undefined ? { step: 'collect' } : advance(job);
}

async function nextOf(
  job: RunningJob,
  { polledAt }: PollMessage,
  report: Report,
  world: PollWorld,
): Promise<Next> {
  const forecast = await world.durationStats.forecast(kindOf(job));
  const moments = { now: world.clock.now(), polledAt };
  return nextStep(job, report, moments, forecast, world.settings.isCollector);
}

/** Another chain has written the row since this one did. The one that writes next is further on and outlives the other. */
function isForkedChain(message: PollMessage, { expectedWakeUp }: RunningJob): boolean {
  return expectedWakeUp.token !== message.wakeUp.token && expectedWakeUp.token !== message.recordedToken;
}

async function ask(job: RunningJob, world: PollWorld): Promise<Report> {
  const report = await world.modelStudio.report(job, world.settings.reportLimits);
  if (report.kind === 'transient_error' && report.cause === 'unavailable')
    await world.durationStats.throttled();
  return report;
}

/** Only jobs that ModelStudio reported as ended tell how long such jobs take. */
async function recordDuration(
  job: RunningJob,
  message: PollMessage,
  report: Report,
  world: PollWorld,
): Promise<void> {
  const now = world.clock.now();
  // A job that was in doubt had ended earlier.
  const isReported = isEnd(report) && job.doubt === null;
  const metrics = {
    ...metricsOf(job, report),
    ...(isReported && { DetectionLagSeconds: (now - message.polledAt) / 1000 }),
  };
  logPoll(message, world, { outcome: 'finished' }, metrics);
  if (!isReported || message.slot === undefined) return;
  const since = runningSince(job);
  const from = Math.max(0, message.polledAt - since) / 1000;
  const to = Math.max(1, now - since) / 1000;
  await world.durationStats.record(kindOf(job), message.slot, since, { from, to });
}

/**
 * Sends, then records if there is anything to record. A crash in between leaves a message ahead of the row, which
 * continues the chain; the other order would leave a row that expects a message nobody sent.
 */
async function scheduleNextPoll(
  job: RunningJob,
  message: PollMessage,
  next: Exclude<Next, { step: 'finish' }>,
  report: Report,
  mustRecord: boolean,
  world: PollWorld,
): Promise<void> {
  const now = world.clock.now();
  const seconds = next.step === 'wait' ? next.seconds : 0;
  const wakeUp = nextWakeUp(message.wakeUp, now + seconds * 1000, world.random.bytes());
  const isSeen = job.isSeen || report.kind === 'running' || isEnd(report);
  const {
    completedTasks,
    doubt,
    parts = job.parts,
    totalTasks = job.totalTasks,
  } = next.step === 'wait' ? next : job;
  const known = { completedTasks, isSeen, doubt, totalTasks, ...(parts && { parts }) };
  const isWorthWriting = isNews(job, polled(job, known, wakeUp, now));
  const records = mustRecord || isWorthWriting || message.pollsSinceRecord >= POLLS_SINCE_RECORD_MAX;
  const chain = records
    ? { recordedToken: wakeUp.token, pollsSinceRecord: 0 }
    : { recordedToken: message.recordedToken, pollsSinceRecord: message.pollsSinceRecord + 1 };
  const ofParts = parts && { toBegin: partsInMind(parts) };
  // An answer that does not say whether the job runs leaves open when it ended.
  const polledAt = report.kind === 'running' ? now : message.polledAt;
  const following = { ...message, ...chain, wakeUp, polledAt, isSeen, ...ofParts };
  const delaySeconds = sqsDelaySeconds(wakeUp.dueAt, now);
  if (next.step === 'wait' && !parts) await world.wakeUps.poll(following, delaySeconds);
  else await world.wakeUps.collect(following, delaySeconds);

  // Of two chains, the one that is further on wins, as its row makes the other's messages stale. If the loser of a race
  // stopped here, its message could stay one place ahead of the row forever, as a chain of its own.
  const overtake = (row: Job) => {
    const before = isFinished(row) || row.status === 'queued' ? null : adopted(row, message);
    if (before === null || before.expectedWakeUp.seq >= wakeUp.seq) return null;
    return polled(before, known, wakeUp, world.clock.now());
  };
  const isOvertaken = records && !(await record(job, overtake, world));
  const fields = {
    outcome: isOvertaken ? 'overtaken' : outcomeOf(report),
    client: job.client,
    completed_tasks: completedTasks,
    total_tasks: totalTasks,
    wait_seconds: seconds,
    age_seconds: (now - job.createdAt) / 1000,
    ...(report.kind === 'transient_error' && { cause: report.cause }),
  };
  logPoll(message, world, fields, metricsOf(job, report));
}

function isEnd({ kind }: Report): boolean {
  return kind === 'completed' || kind === 'failed' || kind === 'unreadable';
}

function metricsOf(job: RunningJob, report: Report): MetricValues {
  if (job.parts) return {};
  const isUnknownState = report.kind === 'running' && report.unknownState !== null;
  return {
    Polls: 1,
    ...(isUnknownState && { UnknownUpstreamStates: 1 }),
    ...(report.kind === 'missing' && job.isSeen && { UpstreamJobsForgotten: 1 }),
    ...(report.kind === 'too_slow' && upstreamMetrics('timeout')),
    ...(report.kind === 'unreadable' && upstreamMetrics('invalid_response')),
    ...(report.kind === 'transient_error' && upstreamMetrics(report.cause)),
  };
}

function logPoll(message: PollMessage, world: PollWorld, fields: LogFields, metrics?: MetricValues): void {
  world.log.aggregate('poll', { ...aboutJob(message), poll: message.wakeUp.seq, ...fields }, metrics);
}
