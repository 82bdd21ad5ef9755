import { inThread } from '../flows/in-thread.ts';
import { figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import type { Lagged, Scenario } from './measure.ts';

const JOBS = 10_000;
/** λ at which the learnt schedule asks about as often as the usual one; corrected by what comes of it. */
const LAG_PER_POLL_GUESS = 0.75;

type Condition = { name: string } & Pick<Scenario, 'seen' | 'faults' | 'pollVisibilityMillis'>;

const CONDITIONS: Condition[] = [
  { name: 'no faults', seen: 0, faults: 0 },
  { name: '1 % faults', seen: 0, faults: 0.01 },
  { name: '1 % faults, polls hidden for 30 s', seen: 0, faults: 0.01, pollVisibilityMillis: 30_000 },
  { name: 'models known, no faults', seen: JOBS, faults: 0 },
  { name: 'models known, 1 % faults', seen: JOBS, faults: 0.01 },
];

/** The two schedules under one condition. */
interface Pair {
  name: string;
  lagPerPoll: number;
  usual: Lagged;
  learnt: Lagged;
}

const measure = (scenario: Scenario) =>
  inThread<Lagged>(new URL('measure.ts', import.meta.url).href, 'measureLag', scenario);

/** How long after its end a job's webhook arrives, end to end, with this schedule and with the usual one. */
export async function run(): Promise<Part> {
  const pairs = await Promise.all(CONDITIONS.map(measurePair));
  const rows = pairs.flatMap(({ name, lagPerPoll, usual, learnt }) => [
    { condition: name, schedule: '×2, cap 30 s', ...usual },
    { condition: name, schedule: 'learnt', lagPerPoll, ...learnt },
  ]);
  return { name: 'lag', rows, text: textOf(pairs) };
}

async function measurePair({ name, ...condition }: Condition): Promise<Pair> {
  const measureOne = (schedule: Scenario['schedule'], lagPerPoll: number) =>
    measure({ schedule, lagPerPoll, jobs: JOBS, ...condition });
  const [usual, guessed] = await Promise.all([
    measureOne('doubling', 0),
    measureOne('learnt', LAG_PER_POLL_GUESS),
  ]);
  // The number of polls falls with the square root of λ.
  const lagPerPoll = LAG_PER_POLL_GUESS * (guessed.pollsPerJob / usual.pollsPerJob) ** 2;
  return { name, lagPerPoll, usual, learnt: await measureOne('learnt', lagPerPoll) };
}

function textOf(pairs: readonly Pair[]): string {
  return [
    '# Lag, end to end',
    `${JOBS} jobs of eight models, ten a second, through submit, poll and deliver on a virtual clock. Nothing is known ` +
      `of the models at first or, where they are known, ${JOBS} jobs came before. Each λ is such that a job is asked ` +
      'for about as often as under the usual schedule, which doubles its gaps from 1 s to 30 s. ' +
      'With 1 % faults, one invocation of a hundred meets one: a ' +
      'call of its to AWS fails, ModelStudio or the receiver answers 500, or its worker dies. A message that failed ' +
      'comes again after 5 s, one whose worker has died after the visibility timeout: 120 s for polls, unless said otherwise.',
    '## Seconds after the job has finished at ModelStudio',
    lagTable(pairs),
    'The learnt schedule’s lag as a share of the usual one’s:',
    shareTable(pairs),
    `## By model\n\nMean seconds until it is detected, with ${pairs[0]?.name}:`,
    modelTable(pairs[0] as Pair),
  ].join('\n\n');
}

function lagTable(pairs: readonly Pair[]): string {
  const header = [
    'polls/job',
    'detected: mean',
    'median',
    'p90',
    'p99',
    'webhook: mean',
    'median',
    'p90',
    'p99',
  ];
  const cells = ({ pollsPerJob, detection, webhook, refused }: Lagged) => [
    figure(pollsPerJob),
    ...[detection, webhook].flatMap(({ mean, median, p90, p99 }) => [mean, median, p90, p99].map(figure)),
    refused,
  ];
  const lines = pairs.flatMap(({ name, lagPerPoll, usual, learnt }) => [
    [`${name}: ×2, cap 30 s`, ...cells(usual)],
    [`${name}: learnt, λ = ${figure(lagPerPoll)}`, ...cells(learnt)],
  ]);
  return markdownTable(['', ...header, 'refused'], lines);
}

function shareTable(pairs: readonly Pair[]): string {
  const lines = pairs.map(({ name, usual, learnt }) => {
    const share = (of: (lagged: Lagged) => number) => `${((100 * of(learnt)) / of(usual)).toFixed(0)} %`;
    return [
      name,
      share(({ detection }) => detection.mean),
      share(({ detection }) => detection.median),
      share(({ webhook }) => webhook.mean),
      share(({ webhook }) => webhook.median),
    ];
  });
  return markdownTable(['', 'detected: mean', 'median', 'webhook: mean', 'median'], lines);
}

function modelTable({ usual, learnt }: Pair): string {
  const lines = Object.entries(usual.byModel).map(([name, seconds]) => [
    name,
    figure(seconds),
    figure(learnt.byModel[name] ?? 0),
  ]);
  return markdownTable(['durations', '×2, cap 30 s', 'learnt'], lines);
}
