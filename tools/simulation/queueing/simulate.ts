import { isFinished, isPending } from '../../../functions/core/job.ts';
import { type Faults, healed } from '../faults.ts';
import { openedMessage } from '../releases.ts';
import { drawRollout, type Rollout } from '../rollout.ts';
import type { Run } from '../simulate.ts';
import { HEALS_AT, Simulation, START, type Watching } from '../simulation.ts';
import { inVirtualTime } from '../virtual-time.ts';
import { Apps } from './apps.ts';
import { judgeEndOfRun } from './end.ts';
import { type Calm, QueueJudge, RESCUE_MILLIS } from './judge.ts';
import { type AnySystem, QueueSystem } from './system.ts';
import { QueueUpstream } from './upstream.ts';

const MINUTE = 60_000;
const LOOK_MILLIS = 5000;
const LIFE_MILLIS = 4 * 60 * MINUTE;
/** A message of a worker that died is hidden for minutes, and so is one that has failed often. */
const RECOVERY_MILLIS = 10 * MINUTE;
const LOST_SHARE = 0.2;
const CALM_SHARE = 0.3;
/** Of the calls in a run that is calm otherwise. */
const SLOW_SHARE = 0.3;
const FOCUS_SHARE = 0.3;
const ROLLOUT_SHARE = 0.08;
/** Of the environments, while a rollout is all that goes wrong. */
const OLDER_SHARE = 0.3;
/** An index that is further behind than a job takes to get into it loses the job for its chain. */
const INDEX_LAG_MAX_MILLIS = 15_000;

/** One run of the queue alone. In some of them, a later release comes and goes. */
class QueueSimulation extends Simulation {
  override readonly rollout: Rollout | null;

  constructor(seed: number, watching?: Watching) {
    super(seed, watching);
    const chance = this.chanceOf("the queue's next release");
    const isDrawn = chance.happens(ROLLOUT_SHARE);
    const isIn = isDrawn && this.injects('a later release comes, goes and returns', 'the queue');
    this.rollout = isIn ? drawRollout(chance, START) : null;
  }
}

/** Apps submit what ModelStudio does not take at once, everything goes wrong that may, then the faults end. */
export async function simulateQueue(seed: number, watching?: Watching): Promise<Run> {
  const sim = new QueueSimulation(seed, watching);
  return inVirtualTime(sim, () => runIn(sim));
}

async function runIn(sim: Simulation): Promise<Run> {
  const isAlone = sim.rollout?.isAlone === true;
  const isCalm = sim.chanceOf('calm').happens(CALM_SHARE) || isAlone;
  const slow = sim.chanceOf('slow').pick([0, 0, SLOW_SHARE]);
  sim.faults = isCalm ? { ...healed(), slow, olderRelease: isAlone ? OLDER_SHARE : 0 } : faultsOf(sim);
  const calm: Calm = isCalm
    ? { since: START, afterMillis: 0, isSlow: slow > 0 }
    : { since: Number.POSITIVE_INFINITY, afterMillis: RECOVERY_MILLIS, isSlow: false };
  const system = systemIn(sim);
  if (isCalm && sim.chanceOf('chain').happens(LOST_SHARE)) loseChain(system, calm);
  const judge = new QueueJudge(system, calm);
  const apps = new Apps(system);
  apps.onRefused = (marker, askedAt) => judge.refused(marker, askedAt);
  lookAgain(sim, () => judge.look());
  sweepEveryMinute(system);
  sim.time.after(HEALS_AT - START, () => {
    sim.heal();
    system.upstream.outages.length = 0;
    redrive(system);
    calm.since = Math.min(calm.since, sim.now);
  });
  if (sim.settlesAt > HEALS_AT) sim.time.after(sim.settlesAt - START, () => redrive(system));
  const isOver = () =>
    sim.now > sim.settlesAt + 5 * MINUTE &&
    apps.wishes.every(({ tries }) => tries > 0) &&
    [...judge.jobs.values()].every((job) => isFinished(job) && !isPending(job)) &&
    system.messagesOf('create').length === 0;
  while (sim.violation === null && !isOver() && sim.now < START + LIFE_MILLIS) await sim.time.step();
  sim.judge(() => judgeEndOfRun(system, apps, isCalm));
  const { seed, counts, violation } = sim;
  const faults = sim.injections.all;
  return { seed, isQuiet: isCalm, of: 'queue', counts, violation: violation?.message ?? null, faults };
}

function systemIn(sim: Simulation): QueueSystem {
  const chance = sim.chanceOf('settings');
  const settings = {
    queueForSeconds: chance.pick([0, 300, 3600, 3600, 3600]),
    allowResubmit: chance.happens(0.5),
    jobsAtOnce: chance.pick([null, null, null, null, 1, 2, 3, 5]),
  };
  return new QueueSystem(sim, settings, new QueueUpstream(sim, settings.jobsAtOnce));
}

/** As the operator does. */
export function redrive({ sim, cloud, keeping }: AnySystem): void {
  sim.judge(() => keeping.judgeDeadLetters());
  for (const queue of Object.values(cloud.queues)) queue.redrive();
}

/** Those of the simulation; in some runs, one kind of fault strikes the queue's own function most. */
function faultsOf(sim: Simulation): Faults {
  const chance = sim.chanceOf('focus');
  const { focus, indexLagMillis } = sim.faults;
  const fault = chance.pick(['crash', 'error', 'lostReply', 'duplicate'] as const);
  const who = chance.pick(['create', 'create', 'submit', 'sweep'] as const);
  return {
    ...sim.faults,
    upstream: chance.pick([0, 0.02, 0.1]),
    indexLagMillis: Math.min(INDEX_LAG_MAX_MILLIS, indexLagMillis),
    rotation: false,
    focus: chance.happens(FOCUS_SHARE) ? { fault, who } : focus,
  };
}

/** Whatever is to wake the queue is gone, as if an operator had purged it. */
function loseChain({ sim, cloud }: QueueSystem, calm: Calm): void {
  const millis = sim.chanceOf('chain').between(0, 15) * MINUTE;
  if (!sim.injects('lost', 'the chain')) return;
  calm.afterMillis = millis + RESCUE_MILLIS;
  sim.time.after(millis, () => {
    for (const message of cloud.queues.create.messages) {
      message.isDeleted = true;
      // Nobody misses it before.
      const { dueAt } = JSON.parse(openedMessage(message.body)).wakeUp;
      calm.afterMillis = Math.max(calm.afterMillis, dueAt - START + RESCUE_MILLIS);
    }
    cloud.queues.create.messages.clear();
  });
}

export function lookAgain(sim: Simulation, run: () => void): void {
  sim.time.after(LOOK_MILLIS, () => {
    lookAgain(sim, run);
    sim.judge(run);
  });
}

export function sweepEveryMinute(system: AnySystem): void {
  system.sim.time.after(MINUTE, () => {
    sweepEveryMinute(system);
    void system.lambda.invoke('sweep', (handlers) => handlers.sweep());
  });
}
