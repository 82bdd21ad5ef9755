import { isFinished, type Job } from '../../functions/core/job.ts';
import { SWEEP_MILLIS } from '../../functions/core/limits.ts';
import { kindOf } from '../../functions/core/polling/lessons.ts';
import { nextPollSeconds, type PollForecast } from '../../functions/core/polling/next-poll.ts';
import type { Clients } from './clients.ts';
import { isUp } from './destinations.ts';
import { must } from './judge.ts';
import type { Scene } from './scene.ts';
import type { Simulation } from './simulation.ts';
import type { System } from './system.ts';
import { judgeTimes } from './times.ts';

const MINUTE = 60_000;
/** One that was made two of goes on as two until the next one that is written down. */
const POLLS_UNTIL_CHAINS_MEET = 8;
/** Of a job that has ended with results missing, within the minute for which it is asked about. */
const POLLS_IN_DOUBT = 7;
/** By what has gone wrong. A claim whose reply was lost is in force, though nobody knows of it. */
const SECONDS_TO_DELIVER = {
  none: 2,
  repeated: 3,
  fails: 10,
  hangs: 20,
  'reply lost': 70,
  'hangs, done': 80,
};

/** What must have become of each job, and of each app, when all has settled. */
export function judgeEnd(sim: Simulation, system: System, clients: Clients): void {
  for (const job of system.rows.all()) {
    must(isFinished(job), 'I1', () => `${job.jobId} is still ${job.status}`);
    const latest = Math.max(job.expiresAt, sim.settlesAt) + MINUTE + SWEEP_MILLIS;
    must(
      job.finishedAt <= latest,
      'I1',
      () => `${job.jobId} ends ${(job.finishedAt - latest) / 1000} s too late`,
    );
    judgeWebhook(job, sim, system);
    const isUnknown = job.error?.code === 'submission_unknown';
    must(!sim.isQuiet || !isUnknown, 'I15', () => `without faults, nobody knows what became of ${job.jobId}`);
    if (sim.isQuiet) judgePunctuality(job, sim, system);
    if (system.isPunctual) judgeTimes(job, sim, system);
    judgeCount(job, sim, system, clients);
  }
  for (const { marker, jobId, asking } of clients.wishes) {
    must(asking === 0, 'I10', () => `the app of ${marker} is still asking`);
    must(
      jobId === null || system.rows.get(jobId) !== undefined || system.rows.deleted.has(jobId),
      'I1',
      () => `${jobId} was accepted and is gone`,
    );
  }
  system.lanes.judgeEnd();
  judgeDocuments(sim, system);
  const rescues = sim.counts['JobsRecovered'] ?? 0;
  must(
    !sim.isQuiet || rescues === 0,
    'I15',
    () => `without faults, the sweeper had to rescue ${rescues} times`,
  );
}

/** A deleted job has none, and no other job has lost any. */
function judgeDocuments({ isQuiet, struck }: Simulation, { rows, contents, cloud }: System): void {
  for (const job of rows.all()) {
    if (!isFinished(job) || !rows.finishers.has(job.jobId)) continue;
    const { key } = job.event;
    must(contents.get(key) !== undefined, 'I3', () => `the event of ${job.jobId} is gone`);
  }
  for (const { jobId, leftovers } of rows.deleted.values()) {
    must(
      leftovers === undefined,
      'I17',
      () => `${jobId} is deleted, and ${leftovers?.length} documents are left`,
    );
    // Only a worker that died may have left behind what no row has named.
    const left = [...contents.keys(), ...cloud.objects.keys()].find((key) => key.includes(jobId));
    must(
      !isQuiet || struck !== null || left === undefined,
      'I17',
      () => `${jobId} is deleted, and ${left} is there`,
    );
  }
}

function judgeWebhook({ jobId, webhook }: Job, { scene }: Simulation, system: System): void {
  if (webhook === null) return;
  const { successes = 0, posts = 0 } = system.receivers.received.get(webhook.id) ?? {};
  must(webhook.status !== 'pending', 'I2', () => `the webhook of ${jobId} is still pending`);
  must(webhook.status !== 'delivered' || successes > 0, 'I2', () => `${jobId} is delivered to nobody`);
  const attempts = scene.webhookSchedule.length;
  const isEarly = webhook.status === 'exhausted' && webhook.attempts - webhook.attemptsBefore < attempts;
  must(!isEarly, 'I2', () => `the webhook of ${jobId} is given up after ${webhook.attempts} attempts`);
  if (webhook.destination) {
    const isRefused = webhook.status === 'blocked';
    must(isRefused !== isUp(webhook.url), 'I2', () => `${jobId} for ${webhook.url} is ${webhook.status}`);
  }
  const isDue = webhook.status === 'exhausted' && posts < attempts;
  must(!isDue, 'I2', () => `the webhook of ${jobId} is given up after ${posts} posts`);
}

/** Where one call at most has failed, a webhook whose receiver is up comes at once, or when the message has come again. */
function judgePunctuality({ jobId, webhook, ...job }: Job, sim: Simulation, system: System): void {
  if (!(webhook && (webhook.destination ? isUp(webhook.url) : webhook.url.endsWith('/h')))) return;
  if (!('finishedAt' in job)) return;
  const { firstSuccessAt = Number.POSITIVE_INFINITY } = system.receivers.received.get(webhook.id) ?? {};
  const seconds = (firstSuccessAt - job.finishedAt) / 1000;
  const allowed = SECONDS_TO_DELIVER[sim.struck ?? 'none'] + 2 * (sim.scene.webhookSchedule[0] ?? 0);
  must(seconds <= allowed, 'I2', () => `the webhook of ${jobId} comes after ${seconds} s, not ${allowed}`);
}

/** A repeat of a message may cost a poll and a send or two; it must not start a chain of its own. */
function judgeCount(job: Job, sim: Simulation, system: System, clients: Clients): void {
  const wish = clients.wishes.find(({ jobId }) => jobId === job.jobId);
  if (!wish || !isFinished(job)) return;
  const { webhook_url = sim.scene.defaultWebhookUrl, destination: url = webhook_url } = wish.body;
  const isWanted = url !== null;
  must((job.webhook !== null) === isWanted, 'I2', () => `${job.jobId} has ${isWanted ? 'no' : 'a'} webhook`);
  const { poll: polled, collect, deliver: delivered } = system.ledger.repeats(job.jobId);
  const repeats = polled + collect + delivered;
  const strays = 2 + repeats + (system.ledger.rescues.get(job.jobId) ?? 0);
  const { asked, askedAgain } = system.modelStudio;
  const requests = (asked.get(wish.marker) ?? 0) - (askedAgain.get(wish.marker) ?? 0);
  const { poll = 0, deliver = 0 } = system.ledger.sends.get(job.jobId) ?? {};
  const unplanned = POLLS_IN_DOUBT + strays * POLLS_UNTIL_CHAINS_MEET + system.pollsBySkew;
  const planned = Math.max(requests, poll) - unplanned;
  if (planned > 0) {
    const { from = 0, to = 0 } = system.ledger.lives.get(job.jobId) ?? {};
    const forecasts = system.ledger.forecastsOf(kindOf(job));
    const polls = unplanned + pollsWithin(to - from, job.totalTasks, forecasts, planned);
    must(
      requests <= polls,
      'I19',
      () => `${job.jobId} is polled ${requests} times, not ${polls} at the most`,
    );
    must(poll <= polls, 'I19', () => `${poll} poll messages for ${job.jobId}, not ${polls} at the most`);
  }
  const rounds = 1 + (job.webhook?.redelivered?.rounds ?? 0);
  const deliveries = rounds * hopsOf(sim.scene) + strays;
  must(deliver <= deliveries, 'I19', () => `${deliver} deliver messages for ${job.jobId}, not ${deliveries}`);
}

/**
 * Those that the plan foresees at the most, for as long as each number of finished tasks might last.
 * @param enough of them are not counted any further: a plan is slow to ask
 */
function pollsWithin(millis: number, totalTasks: number, forecasts: PollForecast[], enough: number): number {
  let polls = 0;
  for (let completedTasks = 0; completedTasks <= totalTasks; completedTasks++) {
    for (let age = 0; age <= millis && polls < enough; polls++) {
      const standing = {
        ageMillis: Math.max(age, 1),
        leftMillis: Number.MAX_SAFE_INTEGER,
        completedTasks,
        totalTasks,
      };
      age += 1000 * Math.min(...forecasts.map((forecast) => nextPollSeconds(standing, forecast)));
    }
  }
  return polls;
}

/** Each retry may wait an hour, when the receiver asks for it, in hops of a quarter. */
function hopsOf({ webhookSchedule }: Scene): number {
  return webhookSchedule.length * 5;
}
