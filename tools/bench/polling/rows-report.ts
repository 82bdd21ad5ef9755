import { markdownTable } from '../flows/markdown.ts';
import { BURSTS, FIRST_SINGLES, LATER_SINGLES } from './bursts.ts';
import type { Row } from './experiments.ts';
import type { BurstRow, Played } from './played.ts';
import { SCHEDULES } from './schedules.ts';

type Found = Omit<Played, 'trace'>;

/** What the planner is compared with in each row: schedules that are in use. */
const USUAL = SCHEDULES.map(({ name }) => name);

/** @param asked rows of schedules that were only asked when they would look */
export function rowsText(asked: readonly Row[], found: Found, planner: string): string {
  const rows = [...asked, ...found.rows];
  return [
    '## Each row',
    'The first eight are as above: the planner is asked when it would look, after 64 jobs. In all others the deployed code ' +
      'submits and polls, on a virtual clock, with as many environments as the load takes, each with its own cache of what ' +
      'the table of past durations says. Lag and polls are counted at ModelStudio. What a usual schedule would have cost for the very ' +
      'same jobs is arithmetic, and so is J\\*: what these jobs would have cost under the best schedule for what is known in ' +
      'advance, found as above, with each look coming to the second. `--trace FILE` writes the jobs, with when they were ' +
      'submitted, how long they took and when they were polled, from which anybody can compute both.',
    KNOWN.map((line) => `- ${line}`).join('\n'),
    'Multiples of J\\* at ' +
      `${lagsOf(rows)
        .map((lag) => `λ = ${lag} s`)
        .join(' / ')}:`,
    rowTable(rows, planner),
    verdict(rows, planner),
    '## Bursts',
    'Multiples of J\\* of the planner in each burst, and in single jobs afterwards, at ' +
      `${lagsOf(rows)
        .map((lag) => `λ = ${lag} s`)
        .join(' / ')}. Nothing is known of the model before the first burst.`,
    burstTable(found.bursts, planner),
    '## References',
    'Who knows more than the J\\* of the row, or less, as a multiple of it:',
    referenceTable(found.references),
  ].join('\n\n');
}

const KNOWN = [
  '`exactly 60 s`, `cache hit`, `Pareto`, `1 % hang`: a job each half minute, 64 of them seen before; J\\* knows the distribution.',
  '`max_tokens`: jobs of three kinds in one model, by what the request says; J\\* knows the distribution of each kind.',
  '`hour`: lognormal (σ 0.5), the median 10 s in one hour and 100 s in the next; J\\* knows the speed of the hour, which nobody is told.',
  '`queue`: an upstream that works on so many jobs at once (lognormal, median 10 s, σ 0.5), the others waiting for their turn; ' +
    'J\\* knows how long jobs of such a burst take, though not a job’s place in the queue. The second to the fifth of hourly bursts.',
  '`bursts of`: so many jobs of one model within 10 s, hourly; the second to the fifth burst. `singles after`: one job each ' +
    'three minutes from an hour after the last burst on, without the first 16. J\\* knows the distribution.',
];

function lagsOf(rows: readonly { lagPerPoll: number }[]): number[] {
  return [...new Set(rows.map(({ lagPerPoll }) => lagPerPoll))];
}

/** The ratios at all λ. */
function atEachLag(rows: readonly { lagPerPoll: number; ratio: number }[]): string {
  return rows.map(({ ratio }) => ratio.toFixed(2)).join(' / ');
}

function rowTable(rows: readonly Row[], planner: string): string {
  const policies = [planner, ...USUAL];
  const names = [...new Set(rows.map(({ distribution }) => distribution))];
  const lines = names.map((name) => [
    name,
    ...policies.map((policy) =>
      atEachLag(rows.filter((row) => row.distribution === name && row.policy === policy)),
    ),
  ]);
  return markdownTable(['durations', ...policies], lines);
}

interface Compared {
  usual: Row;
  /** J of the usual schedule as a multiple of the planner's. */
  times: number;
}

/** By how much usual schedules are better than the planner, where they are. */
function verdict(rows: readonly Row[], planner: string): string {
  const planned = rows.filter(({ policy }) => policy === planner);
  const compared = planned.flatMap((row): Compared[] =>
    rows
      .filter((one) => USUAL.includes(one.policy) && one.distribution === row.distribution)
      .filter(({ lagPerPoll }) => lagPerPoll === row.lagPerPoll)
      .map((usual) => ({ usual, times: usual.ratio / row.ratio })),
  );
  const worst = compared.reduce((a, b) => (b.times < a.times ? b : a));
  const means = USUAL.flatMap((policy) =>
    lagsOf(rows).map((lagPerPoll) => {
      const own = compared.filter(({ usual }) => usual.policy === policy && usual.lagPerPoll === lagPerPoll);
      const log = own.reduce((sum, { times }) => sum + Math.log(times), 0) / own.length;
      return { policy, lagPerPoll, times: Math.exp(log) };
    }),
  );
  const nearest = means.reduce((a, b) => (b.times < a.times ? b : a));
  return (
    `In the worst row, ${worst.usual.distribution} at λ = ${worst.usual.lagPerPoll} s, the best usual schedule, ` +
    `${worst.usual.policy}, costs ${percent(worst.times)} than the planner (at most 5 % less is the aim); in the geometric ` +
    `mean of all rows, that which comes nearest, ${nearest.policy} at λ = ${nearest.lagPerPoll} s, ` +
    `${percent(nearest.times)} (at most 2 % less).`
  );
}

function percent(times: number): string {
  return `${Math.abs(100 * (times - 1)).toFixed(0)} % ${times < 1 ? 'less' : 'more'}`;
}

function burstTable(bursts: readonly BurstRow[], planner: string): string {
  const planned = bursts.filter(({ policy }) => policy === planner);
  const parts = [...BURSTS, FIRST_SINGLES, LATER_SINGLES];
  const cases = [...new Set(planned.map(({ distribution, jobs }) => `${jobs} at once: ${distribution}`))];
  const lines = cases.map((name) => [
    name,
    ...parts.map((part) =>
      atEachLag(
        planned.filter((row) => row.burst === part && `${row.jobs} at once: ${row.distribution}` === name),
      ),
    ),
  ]);
  return markdownTable(
    ['', ...parts.map((part) => (typeof part === 'number' ? `burst ${part}` : part))],
    lines,
  );
}

function referenceTable(references: readonly Row[]): string {
  const others = references.filter(({ policy }) => policy !== 'optimum');
  const names = [...new Set(others.map(({ distribution }) => distribution))];
  const lags = lagsOf(others);
  return markdownTable(
    ['', ...lags.map((lag) => `λ = ${lag} s`)],
    names.map((name) => {
      const own = others.filter(({ distribution }) => distribution === name);
      return [`${name}: ${own[0]?.policy}`, ...own.map(({ ratio }) => ratio.toFixed(2))];
    }),
  );
}
