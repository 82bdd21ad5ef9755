import { figure, markdownTable } from '../flows/markdown.ts';
import type { BatchRow } from './batches.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import {
  type ChangeRow,
  type Findings,
  LEARNT,
  plannerAfter,
  type Row,
  SETTLED,
  SINCE_CHANGE,
} from './experiments.ts';
import type { Played } from './played.ts';
import { rowsText } from './rows-report.ts';
import { BACK_OFF, SCHEDULES } from './schedules.ts';

export interface Call {
  call: string;
  millis: number;
}

type AtOneLag = { lagPerPoll: number; ratio: number };

const COST_AT = 1;
const PLANNER = plannerAfter(SETTLED);
const NEW_MODEL = plannerAfter(0);
const POLICIES = [PLANNER, NEW_MODEL, ...SCHEDULES.map(({ name }) => name)];

export function textOf(
  { rows, references, changes, batches }: Findings,
  played: Omit<Played, 'trace'>,
  frontier: readonly Row[],
  calls: readonly Call[],
) {
  const lags = [...new Set(rows.map(({ lagPerPoll }) => lagPerPoll))];
  const header = (first: string) => [first, ...lags.map((lag) => `λ = ${lag} s`)];
  const meansOf = (some: readonly AtOneLag[]) => lags.map((lag) => meanAndWorst(some, lag));
  const policies = POLICIES.map((policy) => [
    policy,
    ...meansOf(rows.filter((row) => row.policy === policy)),
  ]);
  const learning = LEARNT.map((jobs) => [
    jobs,
    ...meansOf(rows.filter(({ policy }) => policy === plannerAfter(jobs))),
  ]);
  const changed = SINCE_CHANGE.map((jobs) => [jobs, ...meansOf(changes.filter((row) => row.jobs === jobs))]);
  return [
    '# When to ask again',
    'J = lag + λ · polls of a job on average, where λ is the seconds of lag that one poll is worth, as a multiple of the',
    'least there can be: J\\*, by dynamic programming over all schedules of whole seconds, exactly, with none of the',
    "planner's code. Geometric mean / worst of eight distributions of how long jobs take.",
    '',
    markdownTable(header('policy'), policies),
    '',
    '![Lag against polls](polling.svg)',
    '',
    `Polls / seconds of lag of a job at λ = ${COST_AT} s:`,
    '',
    eachDistribution([...references, ...rows]),
    '',
    equalPolls(rows, frontier),
    '',
    rowsText(rows, played, PLANNER),
    '',
    '## As it learns\n\nMultiples of J\\* after so many jobs of a model: geometric mean / worst of the eight.',
    '',
    markdownTable(header('jobs seen'), learning),
    '',
    `## When a model changes all at once\n\nMultiples of J\\* so many jobs after the durations have changed from one of the eight`,
    'to another, of which 64 had been seen: geometric mean / worst of all 56 ordered pairs.',
    '',
    markdownTable(header('jobs since'), changed),
    '',
    worstChanges(changes),
    '',
    '## Batches\n\nTasks of a lognormal length (median 10 s, σ 0.5), so many at once, in a job that is as a whole slower or faster',
    '(lognormal, σ 0.5), of a kind of which 64 jobs have been seen. J as a multiple of that of a clairvoyant who knows',
    "each job's speed, so the distribution of its end, and looks at the exact best moments for it; nobody who must find",
    'the speed out can reach that. At each poll the planner sees how many tasks are done. Where all tasks run at once,',
    'that says little of the last one.',
    '',
    batchTable(batches, lags),
    '',
    '## A call\n\nCPU time when warm.',
    '',
    markdownTable(
      ['', 'ms'],
      calls.map(({ call, millis }) => [call, millis.toFixed(4)]),
    ),
  ].join('\n');
}

function meanAndWorst(rows: readonly AtOneLag[], lagPerPoll: number): string {
  const ratios = rows.filter((row) => row.lagPerPoll === lagPerPoll).map(({ ratio }) => ratio);
  return `${geometricMean(ratios).toFixed(2)} / ${Math.max(...ratios).toFixed(2)}`;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function eachDistribution(rows: readonly Row[]): string {
  const policies = ['optimum', ...POLICIES];
  const lines = DISTRIBUTIONS.map(({ name }) => [
    name,
    ...policies.map((policy) => {
      const row = rows.find(
        (one) => one.policy === policy && one.distribution === name && one.lagPerPoll === COST_AT,
      );
      return row ? `${row.polls.toFixed(1)} / ${row.lag.toFixed(1)}` : '';
    }),
  ]);
  return markdownTable(['durations', ...policies], lines);
}

function equalPolls(rows: readonly Row[], frontier: readonly Row[]): string {
  const compared = DISTRIBUTIONS.map(({ name }) => {
    const backOff = rows.find((row) => row.policy === BACK_OFF.name && row.distribution === name);
    const polls = backOff?.polls ?? 0;
    const lagOf = (policy: string) =>
      lagAt(
        polls,
        frontier.filter((row) => row.policy === policy && row.distribution === name),
      );
    return { name, polls, backOff: backOff?.lag ?? 0, planner: lagOf('planner'), optimum: lagOf('optimum') };
  });
  const share = geometricMean(compared.map(({ planner, backOff }) => planner / backOff));
  return [
    `## At equal polls\n\nSeconds of lag at as many polls as ${BACK_OFF.name} makes. Ours is ${share.toFixed(2)} of its, in the geometric mean.`,
    '',
    markdownTable(
      ['durations', 'polls', BACK_OFF.name, PLANNER, 'optimum', 'ours to its'],
      compared.map(({ name, polls, backOff, planner, optimum }) => [
        name,
        polls.toFixed(1),
        ...[backOff, planner, optimum].map(figure),
        (planner / backOff).toFixed(2),
      ]),
    ),
  ].join('\n');
}

/** Between the two rows of a frontier that have a few more polls and a few less; logarithmically. */
function lagAt(polls: number, frontier: readonly Row[]): number {
  const sorted = frontier.toSorted((a, b) => a.polls - b.polls);
  const next = sorted.findIndex((row) => row.polls >= polls);
  const above = sorted[next < 0 ? sorted.length - 1 : next];
  const below = sorted[Math.max(0, next - 1)];
  if (!above || !below) throw new Error('A frontier has no rows');
  if (next <= 0) return above.lag;
  const way = Math.log(polls / below.polls) / Math.log(above.polls / below.polls);
  return below.lag * (above.lag / below.lag) ** way;
}

function worstChanges(changes: readonly ChangeRow[]): string {
  const last = changes.filter(({ jobs }) => jobs === SINCE_CHANGE.at(-1));
  const worst = last.toSorted((a, b) => b.ratio - a.ratio).slice(0, 3);
  const told = worst.map(
    ({ before, after, lagPerPoll, ratio }) =>
      `${before} → ${after} at λ = ${lagPerPoll} s, ${ratio.toFixed(2)}`,
  );
  return `The worst after ${SINCE_CHANGE.at(-1)} jobs: ${told.join('; ')}.`;
}

function batchTable(batches: readonly BatchRow[], lags: readonly number[]): string {
  const policies = [...new Set(batches.map(({ policy }) => policy))];
  const shapes = [...new Set(batches.map(({ tasks, atOnce }) => `${tasks} tasks, ${atOnce} at once`))];
  const lines = shapes.flatMap((shape) =>
    policies.map((policy) => [
      `${shape}: ${policy}`,
      ...lags.map((lag) => {
        const row = batches.find(
          (one) =>
            one.policy === policy &&
            one.lagPerPoll === lag &&
            `${one.tasks} tasks, ${one.atOnce} at once` === shape,
        );
        return row ? `${row.ratio.toFixed(2)} (${row.polls.toFixed(1)} / ${row.lag.toFixed(1)})` : '';
      }),
    ]),
  );
  const header = lags.map((lag) => `λ = ${lag} s`);
  return markdownTable(['J (polls / seconds of lag)', ...header], lines);
}
