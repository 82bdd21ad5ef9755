import { Random } from '../../simulation/random.ts';
import type { Row } from './experiments.ts';
import { asPolled, atBest, atBestOfReference, type CostOfJob, judge } from './judge.ts';
import { LOADS, type MeasuredLoad } from './loads.ts';
import { costFor } from './optimum.ts';
import { type PolledJob, play } from './play.ts';
import { SCHEDULES, type Schedule } from './schedules.ts';
import { traceOf } from './trace.ts';

/** J of a burst, or of the singles after the bursts, as a multiple of J*. */
export interface BurstRow {
  distribution: string;
  /** Of a burst. */
  jobs: number;
  burst: number | string;
  policy: string;
  lagPerPoll: number;
  ratio: number;
}

/** What was found by having the deployed code submit and poll. */
export interface Played {
  rows: Row[];
  bursts: BurstRow[];
  references: Row[];
  /** Lines of JSON, one for each job. */
  trace: string[];
}

export interface Playing {
  lagPerPoll: number;
  /** The planner's name in the rows. */
  planner: string;
  seed: number;
  isTraced: boolean;
}

/** All loads at one λ: in a thread of its own. */
export async function playAllAt(playing: Playing): Promise<Played> {
  const each: Played[] = [];
  for (const [index, load] of LOADS.entries())
    each.push(await playOne(load, { ...playing, seed: playing.seed * 1000 + index }));
  return {
    rows: each.flatMap(({ rows }) => rows),
    bursts: each.flatMap(({ bursts }) => bursts),
    references: each.flatMap(({ references }) => references),
    trace: each.flatMap(({ trace }) => trace),
  };
}

/** One load. */
export async function playOne(load: MeasuredLoad, playing: Playing): Promise<Played> {
  const { lagPerPoll, planner, isTraced } = playing;
  const jobs: PolledJob[] = [];
  const trace: string[] = [];
  for (let life = 0; life < load.lives; life++) {
    const seed = playing.seed * 100 + life;
    const random = new Random(seed);
    const lived = await play(
      load.loadOf(() => random.fraction()),
      lagPerPoll,
      seed,
    );
    for (const job of lived) jobs.push(job);
    const of = { load: load.rows[0].name, policy: planner, lagPerPoll, life };
    if (isTraced) for (const line of traceOf(lived, of)) trace.push(line);
  }
  const policies: Record<string, CostOfJob> = {
    [planner]: asPolled,
    ...Object.fromEntries(SCHEDULES.map((schedule) => [schedule.name, asScheduled(schedule, playing.seed)])),
  };
  const references = {
    optimum: atBest,
    ...(load.reference && { [load.reference]: atBestOfReference }),
  };
  return {
    rows: rowsOf(load, jobs, lagPerPoll, policies),
    references: rowsOf(load, jobs, lagPerPoll, references),
    bursts: burstRowsOf(load, jobs, lagPerPoll, policies),
    trace,
  };
}

/** What a usual schedule does does not depend on what happens: for a job of a known duration, it is arithmetic. */
function asScheduled({ waitBefore }: Schedule, seed: number): CostOfJob {
  const random = new Random(seed);
  const waits = (_age: number, nth: number) => waitBefore(nth, () => random.fraction());
  return ({ seconds }, lagPerPoll) => costFor(seconds, lagPerPoll, waits);
}

function rowsOf(
  { rows }: MeasuredLoad,
  jobs: readonly PolledJob[],
  lagPerPoll: number,
  policies: Record<string, CostOfJob>,
): Row[] {
  return rows.flatMap(({ name, parts }) => {
    const some = jobs.filter(({ part }) => parts.includes(part));
    return Object.entries(policies).map(([policy, costOfJob]) => {
      const { polls, lag, ratio } = judge(some, lagPerPoll, costOfJob);
      return { policy, distribution: name, lagPerPoll, polls, lag, ratio };
    });
  });
}

function burstRowsOf(
  { bursts }: MeasuredLoad,
  jobs: readonly PolledJob[],
  lagPerPoll: number,
  policies: Record<string, CostOfJob>,
): BurstRow[] {
  if (!bursts) return [];
  const parts = Object.entries(Object.groupBy(jobs, ({ part }) => part));
  return parts.flatMap(([part, some = []]) =>
    Object.entries(policies).map(([policy, costOfJob]) => ({
      ...{ ...bursts, burst: Number(part.match(/^burst (\d+)$/)?.[1] ?? Number.NaN) || part },
      ...{ policy, lagPerPoll, ratio: judge(some, lagPerPoll, costOfJob).ratio },
    })),
  );
}
