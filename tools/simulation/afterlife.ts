import { isFinished } from '../../functions/core/job.ts';
import { endOfLife } from '../../functions/core/retention.ts';
import type { Clients } from './clients.ts';
import { must } from './judge.ts';
import type { Simulation } from './simulation.ts';
import { isPace, type System, TTL_LATE_MAX_MILLIS } from './system.ts';

const SHARE = 0.03;
const HOUR = 3_600_000;
const LIFE_MILLIS = 6 * HOUR;

/**
 * In some of the seeds, time goes on until all jobs are past their time to live. Most of their rows are still there, as
 * DynamoDB takes up to two days to delete them, and yet nobody finds them, and their keys are free.
 */
export async function outlive(sim: Simulation, system: System, clients: Clients): Promise<void> {
  const { rows, cloud } = system;
  const { isLong, crowd, retentionDays } = sim.scene;
  if (isLong || crowd > 0 || !sim.chanceOf('afterlife').happens(SHARE)) return;
  const ends = [...rows.all(), ...rows.deleted.values()].map((job) => 1000 * endOfLife(job, retentionDays));
  await runUntil(sim, Math.max(sim.now, ...ends) + HOUR);
  clients.askForOutlived();
  await runUntil(sim, sim.now + LIFE_MILLIS);
  await runUntil(sim, sim.now + TTL_LATE_MAX_MILLIS);
  sim.judge(() => {
    const left = rows.all();
    for (const job of left) {
      must(isFinished(job), 'I1', () => `${job.jobId}, begun anew, is still ${job.status}`);
      must(rows.living(job.jobId) !== undefined, 'I1', () => `the row of ${job.jobId} is never deleted`);
    }
    const there = cloud.tables.jobs.keys.filter((key) => !isPace(key));
    must(there.length === left.length, 'I1', () => `the rows ${there} are there, not ${left.length}`);
  });
}

async function runUntil(sim: Simulation, until: number): Promise<void> {
  while (sim.violation === null && sim.now < until && (await sim.time.step()));
}
