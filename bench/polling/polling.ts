import { Random } from '../../simulation/random.ts';
import { markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import { type Cost, costOf, type Grid, gridOf, optimalCost } from './optimum.ts';
import { Planner } from './planner.ts';
import { SCHEDULES, type Schedule } from './schedules.ts';

const LAGS_PER_POLL = [0.5, 1, 2, 5];
/** After how many jobs of a kind the planner is looked at. */
const LEARNT = [0, 1, 4, 16, 64];
/** The planner learns from chance, so its cost is the mean of so many lives. */
const LIVES = 12;
const SEED = 7;

/** Polling for one distribution and one λ, as a multiple of the best there can be. */
interface Row {
  policy: string;
  distribution: string;
  lagPerPoll: number;
  polls: number;
  lag: number;
  ratio: number;
}

export function run(): Part {
  const grids = DISTRIBUTIONS.map(gridOf);
  const rows = LAGS_PER_POLL.flatMap((lagPerPoll) =>
    DISTRIBUTIONS.flatMap((durations, index) => {
      const grid = grids[index] as Grid;
      const optimum = optimalCost(grid, lagPerPoll);
      const row = (policy: string, { polls, lag, total }: Cost): Row => ({
        ...{ policy, distribution: durations.name, lagPerPoll, polls, lag },
        ratio: total / optimum.total,
      });
      return [
        row('optimum', optimum),
        ...SCHEDULES.map((schedule) => row(schedule.name, scheduled(schedule, grid, lagPerPoll))),
        ...LEARNT.map((jobs) =>
          row(`planner, ${jobs} jobs seen`, planned(jobs, index, null, grid, lagPerPoll)),
        ),
        row(
          'planner, 64 jobs after a change',
          planned(64, index, (index + 3) % grids.length, grid, lagPerPoll),
        ),
      ];
    }),
  );
  return { name: 'polling', rows, text: textOf(rows) };
}

function scheduled(schedule: Schedule, grid: Grid, lagPerPoll: number): Cost {
  const random = new Random(SEED);
  const costs = Array.from({ length: LIVES }, () =>
    costOf(grid, lagPerPoll, (_age, nth) => schedule.waitBefore(nth, () => random.fraction())),
  );
  return meanOf(costs);
}

/** @param before another distribution, from which 64 jobs were learnt first */
function planned(jobs: number, index: number, before: number | null, grid: Grid, lagPerPoll: number): Cost {
  const random = new Random(SEED + index);
  const costs = Array.from({ length: jobs === 0 ? 1 : LIVES }, () => {
    const planner = new Planner(lagPerPoll, () => random.fraction());
    const [earlier, now] = [DISTRIBUTIONS[before ?? -1], DISTRIBUTIONS[index]];
    if (earlier) planner.live(64, earlier);
    if (now) planner.live(jobs, now);
    return costOf(grid, lagPerPoll, (age) => planner.waitAt(age));
  });
  return meanOf(costs);
}

function meanOf(costs: Cost[]): Cost {
  const mean = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    polls: mean(({ polls }) => polls),
    lag: mean(({ lag }) => lag),
    total: mean(({ total }) => total),
  };
}

function textOf(rows: Row[]): string {
  const policies = [...new Set(rows.map(({ policy }) => policy))].filter((policy) => policy !== 'optimum');
  const ratios = (policy: string, lagPerPoll: number) =>
    rows.filter((row) => row.policy === policy && row.lagPerPoll === lagPerPoll).map(({ ratio }) => ratio);
  const cell = (values: number[]) =>
    `${geometricMean(values).toFixed(2)} / ${Math.max(...values).toFixed(2)}`;
  const summary = policies.map((policy) => [
    policy,
    ...LAGS_PER_POLL.map((lag) => cell(ratios(policy, lag))),
  ]);
  const atOne = rows.filter(({ lagPerPoll }) => lagPerPoll === 1);
  const learnt = `planner, ${LEARNT.at(-1)} jobs seen`;
  const shown = ['optimum', learnt, 'planner, 0 jobs seen', ...SCHEDULES.map(({ name }) => name)];
  const each = DISTRIBUTIONS.map(({ name }) => [
    name,
    ...shown.map((policy) => {
      const row = atOne.find((one) => one.policy === policy && one.distribution === name);
      return row ? `${row.polls.toFixed(1)} / ${row.lag.toFixed(1)}` : '';
    }),
  ]);
  return [
    '# When to ask again',
    'J = E[lag] + λ · E[polls], as a multiple of the optimum J*, which is computed by dynamic programming over all',
    'schedules of whole seconds. Geometric mean and worst of eight distributions of job durations.',
    '',
    markdownTable(['policy', ...LAGS_PER_POLL.map((lag) => `λ = ${lag} s`)], summary),
    '',
    'Polls and seconds of lag of a job at λ = 1 s:',
    '',
    markdownTable(['durations', ...shown], each),
  ].join('\n');
}

function geometricMean(values: number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
