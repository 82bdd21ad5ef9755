import { isFinished, type Job, type RunningJob, standing } from '../core/job.ts';
import type { PollMessage } from '../core/messages.ts';
import { type Measured, upstreamMeasured } from '../core/metrics.ts';
import { drawDuration, kindOf } from '../core/polling/forecast.ts';
import { hopSeconds } from '../core/sqs-delay.ts';
import { adopted, isNews, nextWakeUp, polled } from '../core/transitions.ts';
import { afterReport, type Next, outcomeOf, type Report } from '../core/upstream/report.ts';
import { announce, type FinishWorld, finish } from '../finish/finish.ts';
import type { Facts, ReportLimits, World } from '../ports.ts';
import { LOST, onConflict, record } from '../races.ts';

export type PollWorld = FinishWorld &
  Pick<World, 'modelStudio' | 'experience'> & {
    /** The collector is a poller with the memory and the time for reports of any size. */
    settings: PollSettings;
  };

export interface PollSettings {
  isCollector: boolean;
  reportLimits: ReportLimits;
}

/** Should one message ever become two chains, they meet in the row after so many polls at the latest. */
const UNRECORDED_MAX = 6;

/**
 * Asks ModelStudio about one job, then ends the job or sends the next wake-up.
 * @param isRepeat the message has been received before, by a worker that may have sent its next wake-up
 */
export async function poll(message: PollMessage, isRepeat: boolean, world: PollWorld): Promise<void> {
  let report: Report | null = null;
  return onConflict(message.jobId, async () => {
    const job = await world.jobs.find(message.jobId);
    if (job === null) return tally(message, world, { outcome: 'no_job' });
    if (isFinished(job)) return announce(job, world);
    const running = adopted(job, message);
    if (standing(message.wake, running.awaited) === 'stale')
      return tally(message, world, { outcome: 'stale' });

    // Asked once: a race lost does not make the report any less true.
    report ??= await ask(running, world);
    const outlook = await world.experience.outlook(kindOf(running.modelId, running.totalTasks));
    const { isCollector } = world.settings;
    const next = afterReport(running, report, world.clock.now(), outlook, isCollector);
    if (next.step !== 'finish') {
      const mustRecord = isRepeat || job.status === 'submitting' || isCrossed(message, running);
      return carryOn(running, message, next, report, mustRecord, world);
    }
    // Where an operator finds what ModelStudio said in place of results.
    const key = `unreadable/${job.jobId}.json`;
    if (report.kind === 'unreadable') await world.documents.setAside(key, report.raw);
    // The row knows of the wake-ups that were written down; the message is the latest of all.
    const ended = await finish({ ...running, awaited: message.wake }, next.end, world);
    return ended === null ? LOST : learn(running, message, report, world);
  });
}

/** Another chain has written the row since this one did. The one that writes next, further on, outlives the other. */
function isCrossed(message: PollMessage, { awaited }: RunningJob): boolean {
  return awaited.token !== message.wake.token && awaited.token !== message.recorded;
}

async function ask(job: RunningJob, world: PollWorld): Promise<Report> {
  const report = await world.modelStudio.report(job, world.settings.reportLimits);
  if (report.kind === 'trouble' && report.cause === 'unavailable') await world.experience.refused();
  return report;
}

/** Only what ModelStudio reported as ended tells how long such jobs take. */
async function learn(job: RunningJob, message: PollMessage, report: Report, world: PollWorld): Promise<void> {
  const now = world.clock.now();
  // One that was in doubt had ended before.
  const isReported = isEnd(report) && job.doubt === null;
  const measured = {
    ...measuredOf(job, report),
    ...(isReported && { DetectionLagSeconds: (now - message.lookedAt) / 1000 }),
  };
  tally(message, world, { outcome: 'finished' }, measured);
  if (!isReported) return;
  const kind = kindOf(job.modelId, job.totalTasks);
  const { durations } = await world.experience.outlook(kind);
  const from = Math.max(0, message.lookedAt - job.createdAt) / 1000;
  const to = Math.max(1, now - job.createdAt) / 1000;
  await world.experience.learn(kind, drawDuration(from, to, world.chance.fraction(), durations));
}

/**
 * Sends, then records if there is anything to record. A crash in between leaves a message ahead of its row, which
 * carries on; the other order would leave a row that awaits a message nobody sent.
 */
async function carryOn(
  job: RunningJob,
  message: PollMessage,
  next: Exclude<Next, { step: 'finish' }>,
  report: Report,
  mustRecord: boolean,
  world: PollWorld,
): Promise<void> {
  const now = world.clock.now();
  const seconds = next.step === 'wait' ? next.seconds : 0;
  const wake = nextWakeUp(message.wake, now + seconds * 1000, world.chance.bytes());
  const isSeen = job.isSeen || report.kind === 'running' || isEnd(report);
  const { completedTasks, doubt } = next.step === 'wait' ? next : job;
  const known = { completedTasks, isSeen, doubt };
  const isWorthWriting = isNews(job, polled(job, known, wake, now));
  const records = mustRecord || isWorthWriting || message.unrecorded >= UNRECORDED_MAX;
  const chain = records
    ? { recorded: wake.token, unrecorded: 0 }
    : { recorded: message.recorded, unrecorded: message.unrecorded + 1 };
  const following = { ...message, ...chain, wake, lookedAt: now, isSeen };
  const delaySeconds = hopSeconds(wake.dueAt, now);
  if (next.step === 'wait') await world.wakeUps.poll(following, delaySeconds);
  else await world.wakeUps.collect(following, delaySeconds);

  // Of two chains, the one that is further on wins: its row makes the other's messages stale. Were the loser of a race to
  // leave it at that, its message could stay one place ahead of the row for ever, and be a chain of its own.
  const overtake = (row: Job) => {
    const before = isFinished(row) ? null : adopted(row, message);
    if (before === null || before.awaited.seq >= wake.seq) return null;
    return polled(before, known, wake, world.clock.now());
  };
  const isOvertaken = records && !(await record(job, overtake, world));
  const facts = {
    outcome: isOvertaken ? 'overtaken' : outcomeOf(report),
    client: job.client,
    completed_tasks: completedTasks,
    total_tasks: job.totalTasks,
    wait_seconds: seconds,
    age_seconds: (now - job.createdAt) / 1000,
    ...(report.kind === 'trouble' && { cause: report.cause }),
  };
  tally(message, world, facts, measuredOf(job, report));
}

function isEnd({ kind }: Report): boolean {
  return kind === 'completed' || kind === 'failed' || kind === 'unreadable';
}

function measuredOf(job: RunningJob, report: Report): Measured {
  const isUnknownState = report.kind === 'running' && report.unknownState !== null;
  return {
    Polls: 1,
    ...(isUnknownState && { UnknownUpstreamStates: 1 }),
    ...(report.kind === 'missing' && job.isSeen && { UpstreamJobsForgotten: 1 }),
    ...(report.kind === 'too_slow' && upstreamMeasured('timeout')),
    ...(report.kind === 'unreadable' && upstreamMeasured('nonsense')),
    ...(report.kind === 'trouble' && upstreamMeasured(report.cause)),
  };
}

function tally(message: PollMessage, world: PollWorld, facts: Facts, measured?: Measured): void {
  world.log.tally('poll', { job_id: message.jobId, poll: message.wake.seq, ...facts }, measured);
}
