import { isFinished, isPending } from '../../../functions/core/job.ts';
import { type Faults, healed } from '../faults.ts';
import { redrive, sweepEveryMinute } from '../queueing/simulate.ts';
import { QueueSystem } from '../queueing/system.ts';
import type { Run } from '../simulate.ts';
import { HEALS_AT, Simulation, START, type Watching } from '../simulation.ts';
import { inVirtualTime } from '../virtual-time.ts';
import { Apps } from './apps.ts';
import { judgeEndOfRun } from './end.ts';
import { PartsJudge } from './judge.ts';
import { PartsUpstream } from './upstream.ts';

const MINUTE = 60_000;
const LIFE_MILLIS = 4 * 60 * MINUTE;
const CALM_SHARE = 0.3;
const FOCUS_SHARE = 0.4;
const INDEX_LAG_MAX_MILLIS = 15_000;

/** One run of large jobs alone, without another release. */
class PartsSimulation extends Simulation {
  override readonly rollout = null;
}

/** Apps submit what ModelStudio takes in parts only, everything goes wrong that may, then the faults end. */
export async function simulateParts(seed: number, watching?: Watching): Promise<Run> {
  const sim = new PartsSimulation(seed, watching);
  return inVirtualTime(sim, () => runIn(sim));
}

async function runIn(sim: Simulation): Promise<Run> {
  const isCalm = sim.chanceOf('calm').happens(CALM_SHARE);
  sim.faults = isCalm ? healed() : faultsOf(sim);
  const system = new QueueSystem(sim, drawSettings(sim), new PartsUpstream(sim));
  const judge = new PartsJudge(system, isCalm);
  const apps = new Apps(system);
  sweepEveryMinute(system);
  sim.time.after(HEALS_AT - START, () => {
    sim.heal();
    system.upstream.outages.length = 0;
    redrive(system);
  });
  const isOver = () =>
    sim.now > HEALS_AT + 5 * MINUTE &&
    apps.wishes.every(({ tries }) => tries > 0) &&
    [...judge.jobs.values()].every(
      (job) => isFinished(job) && !isPending(job) && !job.partOf && !job.queueing,
    ) &&
    [...judge.deleted.values()].every(({ leftovers }) => !leftovers) &&
    // The message of a worker that has died comes again, and with it the end of what it has left.
    [...system.messagesOf('create'), ...system.messagesOf('collect')].length === 0;
  while (sim.violation === null && !isOver() && sim.now < START + LIFE_MILLIS) {
    // For what is streamed.
    await new Promise((resolve) => setImmediate(resolve));
    await sim.time.step();
  }
  sim.judge(() => judgeEndOfRun(system, apps, judge, isCalm));
  const { seed, counts, violation } = sim;
  const faults = sim.injections.all;
  return { seed, isQuiet: isCalm, of: 'parts', counts, violation: violation?.message ?? null, faults };
}

function drawSettings(sim: Simulation) {
  const chance = sim.chanceOf('settings');
  return {
    queueForSeconds: 3600,
    allowResubmit: chance.happens(0.5),
    jobsAtOnce: chance.pick([null, null, null, 2, 5]),
    partLimits: {
      conversations: chance.pick([1, 2, 3, 3, 5]),
      bytes: chance.pick([100_000, 100_000, 1000]),
    },
  };
}

/** Those of the simulation; in some runs, one kind of fault strikes those most who have to do with parts. */
function faultsOf(sim: Simulation): Faults {
  const chance = sim.chanceOf('focus');
  const { focus, indexLagMillis } = sim.faults;
  const fault = chance.pick(['crash', 'crash', 'error', 'lostReply', 'duplicate'] as const);
  const who = chance.pick(['collect', 'collect', 'create', 'poll', 'submit', 'jobs', 'sweep'] as const);
  return {
    ...sim.faults,
    upstream: chance.pick([0, 0.02, 0.1]),
    indexLagMillis: Math.min(INDEX_LAG_MAX_MILLIS, indexLagMillis),
    rotation: false,
    olderRelease: 0,
    focus: chance.happens(FOCUS_SHARE) ? { fault, who } : focus,
  };
}
