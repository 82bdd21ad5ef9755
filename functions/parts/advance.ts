import { type FinishedJob, givenUpAt, isFinished, type Job, type JobError } from '../core/job.ts';
import {
  holdsForAll,
  type LargeJob,
  mayBeTaken,
  type Plan,
  pack,
  partIdOf,
  partIdsOf,
  partsToBegin,
} from '../core/parts/parts.ts';
import type { Parts } from '../core/parts/row.ts';
import type { Next } from '../core/upstream/next-step.ts';
import { expired, failed, notTaken } from '../core/upstream/report.ts';
import type { World } from '../ports.ts';
import { waitForAll } from '../wait-for-all.ts';
import { type BeginWorld, beginPart } from './begin.ts';
import { type MergeWorld, merge } from './merge.ts';
import { type Ends, endsOf, resultsOf, rowsOf } from './results.ts';
import { type SplitWorld, savePlan, split } from './split.ts';

export type PartsWorld = SplitWorld &
  BeginWorld &
  MergeWorld & { partsAtOnce: number } & Pick<World, 'documents'>;

/** The rows of a job's parts are looked at more often than ModelStudio is: that costs next to nothing, and each look may begin some. */
const LOOK_SECONDS = { min: 2, max: 20, ageShare: 0.1 };
/** Not at once: what was decided would be decided again by a wake-up that comes before it is recorded. */
const SOON_SECONDS = 1;

/** What a large job does next. Whatever it does can be done twice, as its row is written only after that. */
export async function advance(job: LargeJob, world: PartsWorld): Promise<Next> {
  const now = world.clock.now();
  if (job.parts.rounds.length === 0) {
    if (now >= givenUpAt(job)) return { step: 'finish', end: notTaken(job) };
    const read = await split(job, world);
    if ('code' in read) return { step: 'finish', end: failed(read) };
    return { step: 'wait', seconds: SOON_SECONDS, completedTasks: 0, doubt: null, ...read };
  }
  const { parts, completedTasks, refusal } = await look(job, world);
  if (refusal) return { step: 'finish', end: failed(refusal) };
  const { begun, open, rounds, isTaken } = parts;
  const isOver = open.length === 0 && begun === rounds.at(-1)?.parts;
  // Before one is taken, they end by themselves, and say that nothing was created.
  const isExpired = now >= job.expiresAt && (isTaken || open.length === 0);
  if (!isOver && !isExpired) return begin({ ...job, parts }, completedTasks, world);
  const plans = await plansOf(job, world);
  const ends = await endsOf({ ...job, parts }, plans, world);
  if (isExpired) return end({ ...job, parts, completedTasks }, plans, ends, true, world);
  const tasks = rounds.length <= parts.retries ? await failedIn(plans, ends, world) : [];
  if (tasks.length === 0) return end({ ...job, parts, completedTasks }, plans, ends, false, world);
  const round = await retry({ ...job, parts }, tasks, plans, world);
  const more = { ...parts, rounds: [...rounds, round], begun: 0 };
  const { totalTasks } = job;
  return { step: 'wait', seconds: SOON_SECONDS, completedTasks, doubt: null, parts: more, totalTasks };
}

function plansOf({ parts }: LargeJob, { documents }: PartsWorld): Promise<Plan[]> {
  return waitForAll(parts.rounds.map(async ({ plan }) => JSON.parse(await documents.load(plan))));
}

interface Look {
  parts: Parts;
  completedTasks: number;
  /** Before any part was taken, one has ended for a reason that holds for all. */
  refusal: JobError | null;
}

/** Which of the open parts have ended, and how far the others are. */
async function look(job: LargeJob, world: PartsWorld): Promise<Look> {
  const { parts } = job;
  const round = parts.rounds.length - 1;
  const mayRetry = round < parts.retries;
  const rows = await rowsOf(
    parts.open.map((part) => partIdOf(job, round, part)),
    world,
  );
  const ended = rows.flatMap((row) => (row && isFinished(row) ? row : []));
  const done = ended.map((row) => doneTasksOf(row, mayRetry));
  const doneTasks = done.reduce((sum, tasks) => sum + tasks, parts.doneTasks);
  const open = parts.open.filter((_, i) => !isEnded(rows[i]));
  const refusal = ended.find(({ error }) => holdsForAll(error))?.error ?? null;
  // What says that none was created must hold of those, too, that ended before.
  const inQuestion =
    refusal && !parts.isTaken
      ? await rowsOf(partIdsOf(job, { round, from: 0, to: parts.begun }), world)
      : rows;
  const isTaken = parts.isTaken || inQuestion.some(mayBeTaken);
  const underWay = rows.reduce((sum, row) => sum + (row?.status === 'running' ? row.completedTasks : 0), 0);
  const isNews = open.length !== parts.open.length || isTaken !== parts.isTaken;
  return {
    parts: isNews ? { ...parts, open, doneTasks, isTaken } : parts,
    completedTasks: Math.min(job.totalTasks, doneTasks + underWay),
    refusal: isTaken ? null : refusal,
  };
}

/** Of a part that has run out of time together with its job, the other conversations have not ended. */
function doneTasksOf({ status, error, ...tasks }: FinishedJob, mayRetry: boolean): number {
  if (status === 'expired' || error?.code === 'never_submitted') return tasks.completedTasks;
  return mayRetry && tasks.results ? tasks.totalTasks - tasks.failedTasks : tasks.totalTasks;
}

const isEnded = (row: Job | null | undefined) => row != null && isFinished(row);

async function begin(job: LargeJob, completedTasks: number, world: PartsWorld): Promise<Next> {
  const { begun, open, rounds } = job.parts;
  const now = world.clock.now();
  const room = partsToBegin(job.parts, world.partsAtOnce);
  const last = now >= job.expiresAt ? begun : Math.min(begun + room, rounds.at(-1)?.parts ?? 0);
  const more = Array.from({ length: last - begun }, (_, i) => begun + i);
  if (more.length > 0) await beginParts(job, more, world);
  // Each part has what it asks, and none is asked again.
  const isStoredForNothing = last === rounds.at(-1)?.parts && job.parts.retries === 0 && !job.parts.upload;
  if (more.length > 0 && isStoredForNothing) await world.requests.remove(job);
  const parts = more.length > 0 ? { ...job.parts, begun: last, open: [...open, ...more] } : job.parts;
  const left = Math.ceil((job.expiresAt - now) / 1000);
  const { min, max, ageShare } = LOOK_SECONDS;
  const planned = Math.round((ageShare * (now - job.createdAt)) / 1000);
  const seconds = Math.max(min, Math.min(max, planned, left));
  return { step: 'wait', seconds, completedTasks, doubt: null, parts, totalTasks: job.totalTasks };
}

async function beginParts(job: LargeJob, more: readonly number[], world: PartsWorld): Promise<void> {
  const plans = await plansOf(job, world);
  const plan = plans.at(-1);
  const { ranges = [] } = plans[0] ?? {};
  if (plan) for (const part of more) await beginPart(job, part, plan, ranges, world);
}

/** The conversations of the latest round that ModelStudio itself reports as failed. */
async function failedIn(plans: readonly Plan[], ends: Ends, world: PartsWorld): Promise<number[]> {
  const plan = plans.at(-1);
  const failed: number[] = [];
  if (plan === undefined) return failed;
  for await (const { task, hasFailed } of resultsOf(plan, ends.at(-1) ?? [], world))
    if (hasFailed) failed.push(task);
  return failed;
}

function retry(job: LargeJob, failed: number[], [first]: readonly Plan[], world: PartsWorld) {
  const { ranges = [] } = first ?? {};
  const bytesOf = (task: number) => (ranges[2 * task + 1] ?? 0) - (ranges[2 * task] ?? 0);
  return savePlan(job, { parts: pack(failed, bytesOf, job.parts.limits) }, world);
}

/** A job of which every part has failed as a whole has failed like the first of those that may have been created, or of all. */
async function end(
  job: LargeJob,
  plans: readonly Plan[],
  ends: Ends,
  isExpired: boolean,
  world: PartsWorld,
): Promise<Next> {
  const results = await merge(job, plans, ends, world);
  if (isExpired) {
    const said = `${job.completedTasks} of its ${job.totalTasks} conversations had ended.`;
    return { step: 'finish', end: { ...expired(job, said), results } };
  }
  if (results !== null) {
    const { totalTasks: completedTasks } = job;
    return { step: 'finish', end: { status: 'completed', completedTasks, results, error: null } };
  }
  const parts = ends.flat();
  const telling = parts.find((part) => part?.mayBeTaken) ?? parts[0];
  return { step: 'finish', end: failed(telling?.error ?? null) };
}
