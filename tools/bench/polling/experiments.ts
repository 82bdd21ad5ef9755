import { Random } from '../../simulation/random.ts';
import { type BatchRow, batchRows } from './batches.ts';
import { DISTRIBUTIONS, type Durations } from './distributions.ts';
import { meanOf } from './judge.ts';
import { type Cost, costOf, type Grid, gridOf, optimalCost } from './optimum.ts';
import { Planner } from './planner.ts';
import { SCHEDULES, type Schedule } from './schedules.ts';

/** After how many jobs of a kind the planner is looked at. */
export const LEARNT = [0, 1, 2, 4, 8, 16, 32, 64, 128];
export const SETTLED = 64;
/** And how many of a new kind of durations after SETTLED of another. */
export const SINCE_CHANGE = [8, 16, 32, 64];

/** The planner learns from chance: its cost is the mean of so many lives. */
const LIVES = 128;
const LIVES_OF_CHANGE = 6;
const WORST_CHANGES = 4;
const LIVES_OF_WORST_CHANGE = 64;
const LIVES_OF_FRONTIER = 8;
/** Of the usual schedules that have chance in them, and of what is not given another seed. */
export const SEED = 7;

/** Polling for one distribution and one λ. */
export interface Row {
  policy: string;
  distribution: string;
  lagPerPoll: number;
  polls: number;
  lag: number;
  /** J as a multiple of the best there can be. */
  ratio: number;
}

/** J after an abrupt change of a model, as a multiple of the best there can be. */
export interface ChangeRow {
  before: string;
  after: string;
  lagPerPoll: number;
  jobs: number;
  ratio: number;
}

export interface Findings {
  rows: Row[];
  /** What cannot be had without knowing how long jobs take. */
  references: Row[];
  changes: ChangeRow[];
  batches: BatchRow[];
}

export const plannerAfter = (jobs: number) => `planner, ${jobs} jobs seen`;

/** All that is measured at one λ of schedules that are asked when they would look: in a thread of its own. */
export function measureAt({ lagPerPoll, seed }: { lagPerPoll: number; seed: number }): Findings {
  const grids = DISTRIBUTIONS.map(gridOf);
  const optima = grids.map((grid) => optimalCost(grid, lagPerPoll));
  const rows = grids.flatMap((grid, index) => {
    const scheduled = SCHEDULES.map((schedule) => ({
      policy: schedule.name,
      cost: costOfSchedule(schedule, grid, lagPerPoll),
    }));
    const learnt = learningCurve(
      newPlanners(lagPerPoll, LIVES, seed * 10 + index),
      index,
      grid,
      lagPerPoll,
      LEARNT,
    );
    const planned = learnt.map((cost, i) => ({ policy: plannerAfter(LEARNT[i] as number), cost }));
    const optimum = optima[index] as Cost;
    return [...scheduled, ...planned].map(({ policy, cost }) => ({
      ...{ policy, distribution: nameOf(index), lagPerPoll, polls: cost.polls, lag: cost.lag },
      ratio: cost.total / optimum.total,
    }));
  });
  const references = optima.map(({ polls, lag }, index) => ({
    ...{ policy: 'optimum', distribution: nameOf(index), lagPerPoll, polls, lag, ratio: 1 },
  }));
  return {
    ...{ rows, references },
    changes: changes(grids, optima, lagPerPoll, seed),
    batches: batchRows(lagPerPoll),
  };
}

/** The optimum and the settled planner, for a plot of lag against polls. */
export function frontierAt(lagPerPoll: number): Row[] {
  return DISTRIBUTIONS.map(gridOf).flatMap((grid, index) => {
    const optimum = optimalCost(grid, lagPerPoll);
    const planners = newPlanners(lagPerPoll, LIVES_OF_FRONTIER, index);
    const [planned = optimum] = learningCurve(planners, index, grid, lagPerPoll, [SETTLED]);
    return Object.entries({ optimum, planner: planned }).map(([policy, { polls, lag, total }]) => ({
      ...{ policy, distribution: nameOf(index), lagPerPoll, polls, lag },
      ratio: total / optimum.total,
    }));
  });
}

/** Of every distribution into every other. The worst of so many means of few lives is too bad: it is measured again. */
function changes(grids: Grid[], optima: Cost[], lagPerPoll: number, seed: number): ChangeRow[] {
  const measure = (from: number, to: number, lives: number, chance: number): ChangeRow[] => {
    const planners = newPlanners(lagPerPoll, lives, chance);
    for (const planner of planners) planner.live(SETTLED, DISTRIBUTIONS[from] as Durations);
    const costs = learningCurve(planners, to, grids[to] as Grid, lagPerPoll, SINCE_CHANGE);
    return costs.map(({ total }, i) => ({
      ...{ before: nameOf(from), after: nameOf(to), lagPerPoll, jobs: SINCE_CHANGE[i] as number },
      ratio: total / (optima[to]?.total as number),
    }));
  };
  const pairs = DISTRIBUTIONS.flatMap((_, from) =>
    DISTRIBUTIONS.flatMap((_, to) =>
      from === to ? [] : [{ from, to, rows: measure(from, to, LIVES_OF_CHANGE, seed + from * 10 + to) }],
    ),
  );
  const inTheEnd = (rows: ChangeRow[]) => rows.at(-1)?.ratio ?? 0;
  pairs.sort((a, b) => inTheEnd(b.rows) - inTheEnd(a.rows));
  return pairs.flatMap(({ from, to, rows }, place) =>
    place < WORST_CHANGES ? measure(from, to, LIVES_OF_WORST_CHANGE, seed + 100 + place) : rows,
  );
}

/** The mean cost of the planners when they have seen so many jobs of a distribution. */
function learningCurve(
  planners: Planner[],
  index: number,
  grid: Grid,
  lagPerPoll: number,
  learnt: readonly number[],
): Cost[] {
  return learnt.map((jobs, i) => {
    const costs = planners.map((planner) => {
      planner.live(jobs - (learnt[i - 1] ?? 0), DISTRIBUTIONS[index] as Durations);
      return costOf(grid, lagPerPoll, (age) => planner.waitAt(age));
    });
    return meanOf(costs);
  });
}

function newPlanners(lagPerPoll: number, lives: number, seed: number): Planner[] {
  return Array.from({ length: lives }, (_, life) => {
    const random = new Random(seed * 1000 + life);
    return new Planner(lagPerPoll, () => random.fraction());
  });
}

export function costOfSchedule(schedule: Schedule, grid: Grid, lagPerPoll: number): Cost {
  const source = new Random(SEED);
  const random = () => source.fraction();
  const costs = Array.from({ length: LIVES }, () =>
    costOf(grid, lagPerPoll, (_age, nth) => schedule.waitBefore(nth, random)),
  );
  return meanOf(costs);
}

function nameOf(index: number): string {
  return DISTRIBUTIONS[index]?.name ?? '';
}
