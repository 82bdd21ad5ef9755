import type { FinishedJob } from '../../functions/core/job.ts';
import { must } from './judge.ts';
import { jobIn } from './ledger.ts';
import type { Simulation } from './simulation.ts';
import type { System } from './system.ts';

/** Of a message: until it is received, handled, and the next has been sent, by clocks that disagree. */
const HANDLING_SECONDS = 30;
/** What one more failure may take: six times as long as the function may run, or until the sweeper comes. */
const FAILURE_SECONDS = { poll: 130, collect: 1090, deliver: 190, rescue: 1000 };
/** From one sweep to the next. */
const SWEEP_SECONDS = 60;
const JITTER = 1.2;
/** What it may take each time that it is held, which is not late, but why it is not sent. */
const HELD_SECONDS = 60 + HANDLING_SECONDS;

/**
 * Where messages come on time, so do the end of a job and its webhook: as planned, and what each fault may take on top.
 * A fault that nobody met explains no delay.
 */
export function judgeTimes(job: FinishedJob, sim: Simulation, system: System): void {
  judgeDetection(job, system);
  judgeArrival(job, sim, system);
}

function faultSeconds(jobId: string, system: System): number {
  const { ledger } = system;
  const { poll, collect, deliver } = ledger.failures(jobId);
  const rescues = ledger.rescues.get(jobId) ?? 0;
  return (
    poll * FAILURE_SECONDS.poll +
    collect * FAILURE_SECONDS.collect +
    deliver * FAILURE_SECONDS.deliver +
    rescues * rescueSeconds(system)
  );
}

function rescueSeconds({ ledger }: System): number {
  return FAILURE_SECONDS.rescue + ledger.failedSweeps * SWEEP_SECONDS;
}

/** Whether who ended the job could still send its delivery; if not, a late message or the sweeper does. */
function isSetOff(jobId: string, { rows }: System): boolean {
  const sent = rows.finishers.get(jobId)?.sent;
  return !sent || sent.some(({ queue, body }) => queue === 'deliver' && jobIn(body) === jobId);
}

/** ModelStudio's end is seen by the next poll, or by a later one if that was told something else. */
function judgeDetection({ jobId, finishedAt, createdAt }: FinishedJob, system: System): void {
  const { ledger } = system;
  const endedAt = ledger.endsAt.get(jobId);
  if (endedAt === undefined) return;
  const seconds = (finishedAt - Math.max(endedAt, createdAt)) / 1000;
  const { polls, longestSeconds } = ledger.waits.get(jobId) ?? { polls: 0, longestSeconds: 0 };
  const most = (1 + polls) * (longestSeconds + HANDLING_SECONDS) + faultSeconds(jobId, system);
  must(seconds <= most, 'I1', () => `the end of ${jobId} is seen after ${seconds} s, not ${most}`);
}

function judgeArrival({ jobId, finishedAt, webhook }: FinishedJob, sim: Simulation, system: System): void {
  const received = webhook && system.receivers.received.get(webhook.id);
  // Where an app has had it sent elsewhere, nothing was to arrive until then.
  if (!received || received.successes === 0 || webhook?.redelivered) return;
  const { posts, askedSeconds } = received.before;
  const { webhookSchedule } = sim.scene;
  // A bus that could not be looked at is an attempt that nothing was sent with.
  const tries = webhook.destination && webhook.url === 'bus' ? Math.max(posts, webhook.attempts - 1) : posts;
  let most = (1 + tries) * HANDLING_SECONDS + JITTER * askedSeconds + faultSeconds(jobId, system);
  for (let i = 0; i <= tries; i++) most += JITTER * (webhookSchedule[i] ?? 0);
  most += HELD_SECONDS * system.lanes.holdsOf(jobId);
  if (!isSetOff(jobId, system)) most += rescueSeconds(system);
  const seconds = (received.firstSuccessAt - finishedAt) / 1000;
  must(seconds <= most, 'I2', () => `the webhook of ${jobId} comes after ${seconds} s, not ${most}`);
}
