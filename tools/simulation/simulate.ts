import { isFinished, type Job } from '../../functions/core/job.ts';
import { SWEEP_MILLIS, TIMEOUT_SECONDS } from '../../functions/core/limits.ts';
import { nextPollSeconds, type PollForecast } from '../../functions/core/polling/next-poll.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { Clients } from './clients.ts';
import { Cloud, WEBHOOK_SCHEDULE } from './cloud.ts';
import { CANARY, must } from './judge.ts';
import { HEALS_AT, Simulation, START } from './simulation.ts';
import { Worker } from './worker.ts';

const MINUTE = 60_000;
/** One that was made two of goes on as two until the next one that is written down. */
const POLLS_UNTIL_CHAINS_MEET = 8;
/** Of a job that has ended with results missing, within the minute for which it is asked about. */
const POLLS_IN_DOUBT = 7;
const CHAINS_MEET_MILLIS = 25 * MINUTE;
/** The longest job, and the delivery of its webhook, and some. */
const LIFE_MILLIS = 4 * 3600_000;
/** By what has gone wrong. A claim whose reply was lost is in force, though nobody knows of it. */
const SECONDS_TO_DELIVER = { none: 2, error: 10, 'lost reply': 70 };

export interface Run {
  seed: number;
  isQuiet: boolean;
  /** The invariant that did not hold, and how. */
  violation: string | null;
  /** The last ones before the violation. */
  steps: readonly string[];
  counts: Record<string, number>;
}

/** One seed: apps submit, everything goes wrong that may, then the faults end and the promises are judged. */
export async function simulate(seed: number, onStep?: (step: string) => void): Promise<Run> {
  const sim = new Simulation(seed, onStep);
  const cloud = new Cloud(sim);
  const clients = new Clients(sim, cloud);
  const jobs = sim.random.between(1, 6);
  for (let index = 0; index < jobs; index++) clients.wish(index);
  sendPoison(sim, cloud);
  rotate(sim, cloud);
  sweepEveryMinute(sim, cloud);
  sim.timeline.after(HEALS_AT - START, () => {
    sim.heal();
    for (const queue of Object.values(cloud.queues)) queue.redrive();
  });
  const isOver = () =>
    sim.now >= HEALS_AT && clients.wishes.every((wish) => wish.isSettled) && allSettled(cloud);
  sim.timeline.after(HEALS_AT - START + CHAINS_MEET_MILLIS, () => sim.judge(() => judgeChains(cloud)));
  await runUntil(sim, isOver);
  sim.judge(() => judgeEnd(sim, cloud, clients));
  if (sim.violation === null) await judgeSilence(sim, cloud, clients);
  const { isQuiet, counts, violation } = sim;
  return {
    seed,
    isQuiet,
    counts,
    violation: violation?.message ?? null,
    steps: violation ? [...sim.lastSteps] : [],
  };
}

async function runUntil(sim: Simulation, isOver: () => boolean): Promise<void> {
  while (sim.violation === null && !isOver() && sim.now - START < LIFE_MILLIS) {
    if (!(await sim.timeline.step())) return;
  }
}

function allSettled({ rows }: Cloud): boolean {
  return [...rows.values()].every((job) => isFinished(job) && job.webhook?.status !== 'pending');
}

/** Long after the last fault, whatever chains there were have met. */
function judgeChains(cloud: Cloud): void {
  for (const { jobId, status } of cloud.rows.values()) {
    const messages = cloud.queues.poll.waitingOf(jobId) + cloud.queues.collect.waitingOf(jobId);
    must(status !== 'running' || messages <= 1, 'I19', () => `${jobId} has ${messages} chains of polls`);
  }
}

function sendPoison(sim: Simulation, cloud: Cloud): void {
  if (sim.isQuiet || !sim.random.happens(0.3)) return;
  const poison = sim.random.pick(['not json', '{}', '{"jobId":"job_none","upstreamJobId":"u","wake":{}}']);
  const queue = sim.random.pick(Object.values(cloud.queues));
  sim.timeline.after(sim.random.between(0, 600_000), () => queue.send(poison, 0));
}

/** In a rotation the two sides differ for a moment: ModelStudio may know the new key first, or we. */
function rotate(sim: Simulation, cloud: Cloud): void {
  if (!sim.faults.rotation) return;
  const { random, timeline } = sim;
  timeline.after(random.between(0, 900_000), () => {
    const key = `key-2-${CANARY}`;
    cloud.storedApiKey = key;
    cloud.modelStudio.apiKey = key;
    sim.note("ModelStudio's key is rotated");
  });
  timeline.after(random.between(0, 900_000), () => {
    const secret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
    cloud.signingSecrets = [secret, ...cloud.signingSecrets];
    sim.note('the signing secret is rotated');
  });
}

function sweepEveryMinute(sim: Simulation, cloud: Cloud): void {
  sim.timeline.after(MINUTE, () => {
    sweepEveryMinute(sim, cloud);
    if (!cloud.isAnyOverdue(sim.now)) return;
    const worker = new Worker(sim, 'sweep', 1000 * TIMEOUT_SECONDS.sweep);
    sweep(cloud.world(worker)).then(
      () => worker.end(),
      () => worker.end(),
    );
  });
}

function judgeEnd(sim: Simulation, cloud: Cloud, clients: Clients): void {
  for (const job of cloud.rows.values()) {
    must(isFinished(job), 'I1', () => `${job.jobId} is still ${job.status}`);
    const latest = Math.max(job.expiresAt, HEALS_AT) + MINUTE + SWEEP_MILLIS;
    must(
      job.finishedAt <= latest,
      'I1',
      () => `${job.jobId} ends ${(job.finishedAt - latest) / 1000} s too late`,
    );
    judgeWebhook(job, cloud);
    if (sim.isQuiet) judgePunctuality(job, sim, cloud);
    judgeCount(job, cloud, clients);
  }
  for (const { marker, jobId, isSettled } of clients.wishes) {
    must(isSettled, 'I10', () => `the app of ${marker} is still asking`);
    must(jobId === null || cloud.rows.has(jobId), 'I1', () => `${jobId} was accepted and is gone`);
  }
  const rescues = sim.counts['JobsRecovered'] ?? 0;
  must(
    !sim.isQuiet || rescues === 0,
    'I15',
    () => `without faults, the sweeper had to rescue ${rescues} times`,
  );
}

function judgeWebhook({ jobId, webhook }: Job, cloud: Cloud): void {
  if (webhook === null) return;
  const { successes = 0, posts = 0 } = cloud.receivers.received.get(webhook.id) ?? {};
  must(webhook.status !== 'pending', 'I2', () => `the webhook of ${jobId} is still pending`);
  must(webhook.status !== 'delivered' || successes > 0, 'I2', () => `${jobId} is delivered to nobody`);
  const attempts = WEBHOOK_SCHEDULE.length;
  const isEarly = webhook.status === 'exhausted' && webhook.attempts - webhook.attemptsBefore < attempts;
  must(!isEarly, 'I2', () => `the webhook of ${jobId} is given up after ${webhook.attempts} attempts`);
  const isDue = webhook.status === 'exhausted' && posts < attempts;
  must(!isDue, 'I2', () => `the webhook of ${jobId} is given up after ${posts} posts`);
}

/** Where one call at most has failed, a webhook whose receiver is up comes at once, or when the message has come again. */
function judgePunctuality({ jobId, webhook, ...job }: Job, sim: Simulation, cloud: Cloud): void {
  if (!webhook?.url.endsWith('/h') || !('finishedAt' in job)) return;
  const { firstSuccessAt = Number.POSITIVE_INFINITY } = cloud.receivers.received.get(webhook.id) ?? {};
  const seconds = (firstSuccessAt - job.finishedAt) / 1000;
  const allowed = SECONDS_TO_DELIVER[sim.struck ?? 'none'];
  must(seconds <= allowed, 'I2', () => `the webhook of ${jobId} comes after ${seconds} s, not ${allowed}`);
}

/** A repeat of a message may cost a poll and a send or two; it must not start a chain of its own. */
function judgeCount(job: Job, cloud: Cloud, clients: Clients): void {
  const wish = clients.wishes.find(({ jobId }) => jobId === job.jobId);
  if (!wish || !isFinished(job)) return;
  const repeats = Object.values(cloud.queues).reduce(
    (sum, queue) => sum + (queue.repeats.get(job.jobId) ?? 0),
    0,
  );
  const strays = 2 + repeats + (cloud.ledger.rescues.get(job.jobId) ?? 0);
  const slack = strays * POLLS_UNTIL_CHAINS_MEET;
  const { from = 0, to = 0 } = cloud.ledger.lives.get(job.jobId) ?? {};
  const planned = pollsWithin(to - from, job.totalTasks, cloud.forecast);
  const polls = planned + POLLS_IN_DOUBT + slack + cloud.pollsBySkew;
  const { asked, askedAgain } = cloud.modelStudio;
  const requests = (asked.get(wish.marker) ?? 0) - (askedAgain.get(wish.marker) ?? 0);
  must(requests <= polls, 'I19', () => `${job.jobId} is polled ${requests} times, not ${polls} at the most`);
  const { poll = 0, deliver = 0 } = cloud.ledger.sends.get(job.jobId) ?? {};
  must(poll <= polls, 'I19', () => `${poll} poll messages for ${job.jobId}, not ${polls} at the most`);
  const rounds = 1 + (job.webhook?.redelivered?.rounds ?? 0);
  const deliveries = rounds * hopsOfSchedule() + strays;
  must(deliver <= deliveries, 'I19', () => `${deliver} deliver messages for ${job.jobId}, not ${deliveries}`);
}

/** Those that the plan foresees, for as long as each number of finished tasks might last. */
function pollsWithin(millis: number, totalTasks: number, forecast: PollForecast): number {
  let polls = 0;
  for (let completedTasks = 0; completedTasks <= totalTasks; completedTasks++) {
    for (let age = 0; age <= millis; polls++) {
      const standing = {
        ageMillis: Math.max(age, 1),
        leftMillis: Number.MAX_SAFE_INTEGER,
        completedTasks,
        totalTasks,
      };
      age += 1000 * nextPollSeconds(standing, forecast);
    }
  }
  return polls;
}

/** Each retry may wait an hour, when the receiver asks for it, in hops of a quarter. */
function hopsOfSchedule(): number {
  return WEBHOOK_SCHEDULE.length * 5;
}

/** Nothing wakes a finished job, and what still comes changes nothing; asked again, it is the same. */
async function judgeSilence(sim: Simulation, cloud: Cloud, clients: Clients): Promise<void> {
  const before = JSON.stringify([...cloud.rows]);
  for (const queue of Object.values(cloud.queues)) queue.redrive();
  clients.askAgain();
  const quietAt = sim.now + 2 * 3600_000;
  while (sim.violation === null && sim.now < quietAt && (await sim.timeline.step()));
  sim.judge(() => {
    must(JSON.stringify([...cloud.rows]) === before, 'I13', () => 'late messages have changed a row');
    for (const { name, size } of Object.values(cloud.queues)) {
      must(size === 0, 'I12', () => `${size} messages are left in ${name}`);
    }
  });
}
