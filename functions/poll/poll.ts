import { base32 } from '../core/ids.ts';
import { isFinished, nextVersion, type RunningJob, standing, type UnfinishedJob } from '../core/job.ts';
import type { PollMessage } from '../core/messages.ts';
import { type Measured, upstreamMeasured } from '../core/metrics.ts';
import { afterReport, type Next, type Report } from '../core/report.ts';
import { hopSeconds } from '../core/wait.ts';
import { announce, type FinishWorld, finish } from '../finish/finish.ts';
import type { Facts, World } from '../ports.ts';

export type PollWorld = FinishWorld &
  Pick<World, 'modelStudio'> & {
    /** The collector is a poller with the memory and the time for reports of any size. */
    settings: { isCollector: boolean };
  };

/** Losing a race means that somebody else has just moved the job on; losing it this often means a fault. */
const RACES_MAX = 3;

/** Asks ModelStudio about one job, then ends the job or sends the next wake-up. */
export async function poll(message: PollMessage, world: PollWorld): Promise<void> {
  let report: Report | null = null;
  for (let race = 0; race < RACES_MAX; race++) {
    const job = await world.jobs.find(message.jobId);
    if (job === null) return tally(message, world, { outcome: 'no_job' });
    if (isFinished(job)) return announce(job, world);
    const running = asRunning(job, message);
    if (standing(message.wake, running.awaited) === 'stale')
      return tally(message, world, { outcome: 'stale' });

    // Asked once: a race lost does not make the report any less true.
    report ??= await world.modelStudio.report(running.upstreamJobId);
    const next = afterReport(running, report, world.clock.now(), world.settings.isCollector);
    if (next.step !== 'finish') return carryOn(running, message, next, report, world);
    if (await finish(running, next.end, world)) return;
  }
  throw new Error(`The job ${message.jobId} changed under each of ${RACES_MAX} tries to finish it`);
}

/** The submit function may have died after ModelStudio created the job: then the message knows what the row does not. */
function asRunning(job: UnfinishedJob, message: PollMessage): RunningJob {
  if (job.status === 'running') return job;
  const { leaseUntil, ...kept } = job;
  const { upstreamJobId, wake } = message;
  return { ...kept, status: 'running', upstreamJobId, completedTasks: 0, awaited: wake, missingSince: null };
}

/**
 * Sends, then records. A crash in between leaves a message ahead of its row, which carries on; the other
 * order would leave a row that awaits a message nobody sent.
 */
async function carryOn(
  job: RunningJob,
  message: PollMessage,
  next: Exclude<Next, { step: 'finish' }>,
  report: Report,
  world: PollWorld,
): Promise<void> {
  const now = world.clock.now();
  const seconds = next.step === 'wait' ? next.seconds : 0;
  const token = base32(world.chance.bytes());
  const wake = { seq: message.wake.seq + 1, token, dueAt: now + seconds * 1000 };
  const delaySeconds = hopSeconds(wake.dueAt, now);
  if (next.step === 'wait') await world.wakeUps.poll({ ...message, wake }, delaySeconds);
  else await world.wakeUps.collect({ ...message, wake }, delaySeconds);

  const { completedTasks, missingSince } = next.step === 'wait' ? next : job;
  const isRecorded = await record(job, { completedTasks, missingSince, awaited: wake }, message, world);
  const facts = {
    outcome: isRecorded ? report.kind : 'overtaken',
    client: job.client,
    completed_tasks: completedTasks,
    total_tasks: job.totalTasks,
    wait_seconds: seconds,
    age_seconds: (now - job.createdAt) / 1000,
    ...(report.kind === 'trouble' && { cause: report.cause }),
  };
  tally(message, world, facts, measuredOf(report));
}

/**
 * Of two chains, the one that is further on wins: its row makes the other's messages stale. Were the loser of a race
 * to leave it at that, its message could stay one place ahead of the row for ever, and be a chain of its own.
 */
async function record(
  job: RunningJob,
  change: Pick<RunningJob, 'completedTasks' | 'missingSince' | 'awaited'>,
  message: PollMessage,
  world: PollWorld,
): Promise<boolean> {
  let before = job;
  for (let race = 0; race < RACES_MAX; race++) {
    const version = nextVersion(before, world.clock.now());
    if (await world.jobs.replace({ ...before, ...version, ...change })) return true;
    const found = await world.jobs.find(job.jobId);
    if (found === null || isFinished(found)) return false;
    before = asRunning(found, message);
    if (before.awaited.seq >= change.awaited.seq) return false;
  }
  return false;
}

function measuredOf(report: Report): Measured {
  const isUnknownState = report.kind === 'running' && !report.isKnownState;
  return {
    Polls: 1,
    ...(isUnknownState && { UnknownUpstreamStates: 1 }),
    ...(report.kind === 'trouble' && upstreamMeasured(report.cause)),
  };
}

function tally(message: PollMessage, world: PollWorld, facts: Facts, measured?: Measured): void {
  world.log.tally('poll', { job_id: message.jobId, poll: message.wake.seq, ...facts }, measured);
}
