import { Random } from '../../simulation/random.ts';
import { empirical, lognormal, quantileOf } from './distributions.ts';
import { gridOf, optimalCost } from './optimum.ts';
import { Planner } from './planner.ts';
import { SCHEDULES, type Schedule } from './schedules.ts';

/** A job of several tasks, of which so many run at a time: whoever is free takes the next one. */
interface Batch {
  tasks: number;
  atOnce: number;
}

const BATCHES: Batch[] = [
  { tasks: 10, atOnce: 2 },
  { tasks: 10, atOnce: 5 },
  { tasks: 10, atOnce: 10 },
  { tasks: 100, atOnce: 5 },
  { tasks: 100, atOnce: 20 },
  { tasks: 100, atOnce: 100 },
];

const TASK = lognormal('a task of a job of speed 1', 10, 0.5);
/** How much slower than usual a job is, which only the clairvoyant knows. Each stands for as many jobs. */
const SLOWNESS = lognormal('', 1, 0.5);
const STRATA = 12;
const SLOWNESSES = Array.from({ length: STRATA }, (_, i) => quantileOf(SLOWNESS, (i + 0.5) / STRATA));

const SAMPLES = 4000;
const ROUNDS = 60;
/** Jobs of a kind to learn from before the first one counts, and before each round. */
const LEARNT_FIRST = 64;
const LEARNT_EACH_ROUND = 16;
const SEED = 3;

export interface BatchRow extends Batch {
  policy: string;
  lagPerPoll: number;
  polls: number;
  lag: number;
  /** Of J to that of whoever knows each job's speed. */
  ratio: number;
}

export function batchRows(lagPerPoll: number): BatchRow[] {
  return BATCHES.flatMap((batch) => {
    const bound = clairvoyant(batch, lagPerPoll);
    return [null, ...SCHEDULES].map((schedule) => {
      const { polls, lag } = simulate(batch, lagPerPoll, schedule);
      const ratio = (lag + lagPerPoll * polls) / bound;
      return { ...batch, policy: schedule?.name ?? 'planner', lagPerPoll, polls, lag, ratio };
    });
  });
}

/** J of whoever knows how slow each job is, and so when such jobs end, and looks at the best moments for it. */
function clairvoyant(batch: Batch, lagPerPoll: number): number {
  const source = new Random(SEED);
  const ends = Array.from({ length: SAMPLES }, () => endOf(finishesOf(batch, source)));
  const { cdf } = empirical('', ends);
  const costs = SLOWNESSES.map((slowness) => {
    const grid = gridOf({ cdf: (seconds) => cdf(seconds / slowness) });
    return optimalCost(grid, lagPerPoll).total;
  });
  return costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
}

/** When each of the tasks of a job of usual speed is done, in order. */
function finishesOf({ tasks, atOnce }: Batch, random: Random): Float64Array {
  const busyUntil = new Float64Array(atOnce);
  const finishes = Float64Array.from({ length: tasks }, () => {
    const next = busyUntil.indexOf(Math.min(...busyUntil));
    const until = (busyUntil[next] as number) + TASK.draw(() => random.fraction());
    busyUntil[next] = until;
    return until;
  });
  return finishes.sort();
}

function endOf(finishes: Float64Array): number {
  return finishes.at(-1) as number;
}

/** @param schedule null: the planner, which has learned the bucket's durations, and sees how many tasks are done */
function simulate(batch: Batch, lagPerPoll: number, schedule: Schedule | null) {
  const source = new Random(SEED);
  const random = () => source.fraction();
  const planner = new Planner(lagPerPoll, random);
  let polls = 0;
  let lag = 0;

  function pollToItsEnd(slowness: number) {
    const finishes = finishesOf(batch, source).map((seconds) => seconds * slowness);
    const end = endOf(finishes);
    let from = 0;
    let to = 0;
    let progress = { completed: 0, age: 0 };
    for (let nth = 0; ; nth++) {
      const completed = finishes.findIndex((seconds) => seconds > to);
      if (completed < 0) return { polls: nth, from, to, lag: to - end };
      if (completed > progress.completed) progress = { completed, age: to };
      from = to;
      to += schedule
        ? schedule.waitBefore(nth, random)
        : planner.waitAt(to, completed, batch.tasks, progress.age);
    }
  }

  for (let round = 0; round < ROUNDS; round++) {
    for (let job = 0; schedule === null && job < (round === 0 ? LEARNT_FIRST : LEARNT_EACH_ROUND); job++) {
      const { from, to } = pollToItsEnd(SLOWNESS.draw(random));
      planner.learn(from, to);
    }
    for (const slowness of SLOWNESSES) {
      const job = pollToItsEnd(slowness);
      polls += job.polls;
      lag += job.lag;
    }
  }
  return { polls: polls / (ROUNDS * STRATA), lag: lag / (ROUNDS * STRATA) };
}
