import { jobIdOf } from '../../functions/core/ids.ts';
import { isFinished } from '../../functions/core/job.ts';
import { accepted } from '../../functions/core/transitions.ts';
import { outlive } from './afterlife.ts';
import { Callers } from './callers.ts';
import { Clients } from './clients.ts';
import { Deleters } from './deleters.ts';
import { judgeEnd } from './end.ts';
import type { Injection } from './injections.ts';
import { CANARY, must } from './judge.ts';
import { jobIn } from './ledger.ts';
import { keepOldJob } from './museum.ts';
import { Onlookers } from './onlookers.ts';
import { CLIENTS } from './signers.ts';
import { HEALS_AT, Simulation, START, type Watching } from './simulation.ts';
import { Strangers } from './strangers.ts';
import { System } from './system.ts';
import { inVirtualTime } from './virtual-time.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHAINS_MEET_MILLIS = 25 * MINUTE;
/** The longest job, and the delivery of its webhook, and some. */
const LIFE_MILLIS = 4 * HOUR;
const LONG_LIFE_MILLIS = 9 * 24 * HOUR;
/** What a release has left for later comes again after as long at the most. */
const LATER_MILLIS = 12 * HOUR;

export interface Run {
  seed: number;
  isQuiet: boolean;
  of: 'jobs' | 'queue' | 'parts';
  /** The invariant that did not hold, and how. */
  violation: string | null;
  /** Those that it met. */
  faults: readonly Injection[];
  counts: Record<string, number>;
}

/** One seed: apps submit, everything goes wrong that may, then the faults end and the promises are judged. */
export async function simulate(seed: number, watching?: Watching): Promise<Run> {
  const sim = new Simulation(seed, watching);
  return inVirtualTime(sim, () => runIn(sim));
}

async function runIn(sim: Simulation): Promise<Run> {
  const system = new System(sim);
  const clients = new Clients(sim, system);
  const jobs = sim.scene.isLong ? 1 : sim.random.pick([1, 1, 1, 2, 2, 4]);
  for (let index = 0; index < jobs; index++) clients.wish(index);
  abandonCrowd(sim, system);
  if (sim.random.happens(0.1)) clients.probe();
  listSometimes(sim, clients);
  new Strangers(sim, system);
  new Callers(sim, system);
  new Onlookers(sim, system);
  new Deleters(sim, system);
  keepOldJob(sim, system);
  system.hanging.begin(sim, system);
  sendPoison(sim, system);
  rotate(sim, system);
  sweepEveryMinute(sim, system);
  sim.time.after(HEALS_AT - START, () => {
    sim.heal();
    redrive(sim, system);
  });
  if (sim.settlesAt > HEALS_AT) sim.time.after(sim.settlesAt - START, () => redrive(sim, system));
  const isOver = () =>
    sim.now >= sim.settlesAt && clients.wishes.every(({ asking }) => asking === 0) && allSettled(system);
  sim.time.after(sim.settlesAt - START + CHAINS_MEET_MILLIS, () => sim.judge(() => judgeChains(sim, system)));
  await runUntil(sim, isOver);
  sim.judge(() => judgeEnd(sim, system, clients));
  if (sim.violation === null) await judgeSilence(sim, system, clients);
  if (sim.violation === null) await outlive(sim, system, clients);
  const { seed, isQuiet, counts, violation } = sim;
  return {
    seed,
    isQuiet,
    of: 'jobs',
    counts,
    violation: violation?.message ?? null,
    faults: sim.injections.all,
  };
}

async function runUntil(sim: Simulation, isOver: () => boolean): Promise<void> {
  const latest = START + sim.settlesAt - HEALS_AT + (sim.scene.isLong ? LONG_LIFE_MILLIS : LIFE_MILLIS);
  while (sim.violation === null && !isOver() && sim.now < latest) {
    if (!(await sim.time.step())) return;
  }
}

/** As the operator does, once all is well. */
function redrive(sim: Simulation, { cloud, keeping }: System): void {
  sim.judge(() => keeping.judgeDeadLetters());
  for (const queue of Object.values(cloud.queues)) queue.redrive();
}

function allSettled({ rows }: System): boolean {
  const isDone = rows.all().every((job) => isFinished(job) && job.webhook?.status !== 'pending');
  return isDone && [...rows.deleted.values()].every(({ leftovers }) => leftovers === undefined);
}

/** Long after the last fault, whatever chains there were have met. */
function judgeChains({ now }: Simulation, { rows, cloud }: System): void {
  const waiting = [...cloud.queues.poll.waiting, ...cloud.queues.collect.waiting]
    // What was left for later, and is stale when it comes.
    .filter(({ hiddenUntil }) => hiddenUntil < now + HOUR)
    .map(({ body }) => jobIn(body));
  for (const { jobId, status } of rows.all()) {
    const messages = waiting.filter((each) => each === jobId).length;
    must(status !== 'running' || messages <= 1, 'I19', () => `${messages} chains of polls for ${jobId}`);
  }
}

/** A message whose row is gone. */
const OUTLIVED = {
  jobId: 'job_none',
  upstreamJobId: 'u',
  wakeUp: { seq: 0, token: 'none', dueAt: START },
  polledAt: START,
  recordedToken: 'none',
  pollsSinceRecord: 0,
  attempts: 0,
};

function listSometimes({ random, time, isQuiet }: Simulation, clients: Clients): void {
  if (isQuiet) return;
  for (const client of [0, 1]) {
    if (random.happens(0.3)) time.after(random.between(300, 1100) * 1000, () => clients.listNow(client));
  }
}

/** Their submitters died one after the other, in front of ModelStudio or behind it. */
function abandonCrowd({ scene, random, now }: Simulation, { jobs }: System): void {
  for (let i = 0; i < scene.crowd; i++) {
    const job = {
      jobId: jobIdOf(random.bytes(16)),
      client: 'crowd',
      modelId: 'm',
      totalTasks: 1,
      metadata: {},
    };
    const given = { ...job, fingerprint: 'f', expiresAt: now + HOUR, webhook: null };
    void jobs.insert(accepted(given, now - HOUR - i * MINUTE));
  }
}

/** A message that no version can read must not hold up its neighbours. */
function sendPoison(sim: Simulation, { cloud }: System): void {
  if (sim.isQuiet || !sim.random.happens(0.3)) return;
  const poison = sim.random.pick([
    'not json',
    '{}',
    JSON.stringify(OUTLIVED),
    JSON.stringify({ ...OUTLIVED, wakeUp: {} }),
  ]);
  const queue = sim.random.pick(Object.values(cloud.queues));
  const millis = sim.random.between(0, 600_000);
  if (sim.injects('poison', queue.name)) sim.time.after(millis, () => queue.send(poison, 0));
}

/** In a rotation the two sides differ for a moment: ModelStudio may know the new key first, or we. */
function rotate(sim: Simulation, system: System): void {
  if (!sim.faults.rotation) return;
  const { time } = sim;
  const random = sim.chanceOf('rotation');
  time.after(random.between(0, 900_000), () => {
    const key = `key-2-${CANARY}`;
    system.rotateApiKey(key);
    system.modelStudio.apiKey = key;
    sim.note("ModelStudio's key is rotated");
  });
  time.after(random.between(0, 900_000), () => {
    system.rotateWebhookSecret();
    sim.note('the root of the signing secrets is rotated');
  });
  for (const client of CLIENTS) rotateSecrets(sim, system, client);
}

/** Perhaps not at all, perhaps twice within the week in which the one before signs along. */
function rotateSecrets(sim: Simulation, system: System, client: string): void {
  const random = sim.chanceOf(`secret of ${client}`);
  for (let times = random.between(0, 2); times > 0; times--) {
    sim.time.after(random.between(0, 900_000), () => {
      system.rotateSecretOf(client);
      sim.note(`the secret of ${client} is rotated`);
    });
  }
}

function sweepEveryMinute(sim: Simulation, system: System): void {
  const next = system.cloud.tables.jobs.firstIn('sweep') ?? Number.POSITIVE_INFINITY;
  // With jobs of days, most sweeps would find nothing.
  const isIdle = sim.now > HEALS_AT + HOUR && next > sim.now + 10 * MINUTE;
  sim.time.after(isIdle ? 10 * MINUTE : MINUTE, () => {
    sweepEveryMinute(sim, system);
    const first = system.cloud.tables.jobs.firstIn('sweep');
    if (first === null || first > sim.now) return;
    void system.lambda
      .invoke('sweep', (handlers) => handlers.sweep())
      .then((outcome) => {
        if (typeof outcome === 'string') system.ledger.failedSweeps += 1;
      });
  });
}

/** Nothing wakes a finished job, and what still comes changes nothing; asked again, it is the same. */
async function judgeSilence(sim: Simulation, system: System, clients: Clients): Promise<void> {
  const { rows } = system;
  // Those past their time may be deleted at any moment.
  const kept = () => JSON.stringify(rows.all().filter(({ jobId }) => rows.living(jobId) !== undefined));
  const before = kept();
  const queues = Object.values(system.cloud.queues);
  redrive(sim, system);
  clients.askAgain();
  const quietAt = sim.now + 2 * HOUR;
  // What nobody can read is tried until it is among the dead letters.
  const isQuiet = () => sim.now >= quietAt && queues.every(({ messages }) => messages.size === 0);
  const latest = sim.now + 5 * HOUR + (sim.rollout ? LATER_MILLIS : 0);
  while (sim.violation === null && sim.now < latest && !isQuiet() && (await sim.time.step()));
  sim.judge(() => {
    must(kept() === before, 'I13', () => 'late messages have changed a row');
    for (const { name, messages } of queues) {
      must(messages.size === 0, 'I12', () => `${messages.size} messages are left in ${name}`);
    }
  });
}
