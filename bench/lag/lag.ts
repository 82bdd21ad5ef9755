import { inThread } from '../flows/in-thread.ts';
import { figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import type { Lagged, Scenario } from './measure.ts';

const JOBS = 10_000;
const FAULTS = 0.01;
/** λ at which the learnt schedule asks about as often as the doubling one; corrected by what comes of it. */
const LAG_PER_POLL_GUESS = 1.33;
const SHORT_VISIBILITY_MILLIS = 30_000;

interface Row extends Lagged {
  name: string;
  scenario: Scenario;
}

const measure = (scenario: Scenario) =>
  inThread<Lagged>(new URL('measure.ts', import.meta.url).href, 'measureLag', scenario);

/** How long after its end a job's webhook arrives, end to end, with this schedule and with the usual one. */
export async function run(): Promise<Part> {
  const usual: Scenario = { schedule: 'doubling', lagPerPoll: 0, jobs: JOBS, faults: FAULTS };
  const guess: Scenario = { ...usual, schedule: 'learnt', lagPerPoll: LAG_PER_POLL_GUESS };
  const first = await Promise.all([measure(usual), measure({ ...usual, faults: 0 }), measure(guess)]);
  const [doubling, doublingWithoutFaults, guessed] = first;
  // The number of polls falls with the square root of λ.
  const lagPerPoll = LAG_PER_POLL_GUESS * (guessed.pollsPerJob / doubling.pollsPerJob) ** 2;
  const learnt: Scenario = { ...guess, lagPerPoll };
  const quickly = { pollVisibilityMillis: SHORT_VISIBILITY_MILLIS };
  const rest = await Promise.all(
    [{ ...learnt, faults: 0 }, learnt, { ...usual, ...quickly }, { ...learnt, ...quickly }].map(measure),
  );
  const [plain, faulty, usualQuick, learntQuick] = rest as [Lagged, Lagged, Lagged, Lagged];
  const hidden = `a failed poll hidden for ${SHORT_VISIBILITY_MILLIS / 1000} s`;
  const percent = `${100 * FAULTS} % faults`;
  const rows: Row[] = [
    { name: 'no faults: ×2, cap 30 s', scenario: { ...usual, faults: 0 }, ...doublingWithoutFaults },
    { name: 'no faults: learnt', scenario: { ...learnt, faults: 0 }, ...plain },
    { name: `${percent}: ×2, cap 30 s`, scenario: usual, ...doubling },
    { name: `${percent}: learnt`, scenario: learnt, ...faulty },
    { name: `${percent}, ${hidden}: ×2, cap 30 s`, scenario: { ...usual, ...quickly }, ...usualQuick },
    { name: `${percent}, ${hidden}: learnt`, scenario: { ...learnt, ...quickly }, ...learntQuick },
  ];
  return { name: 'lag', rows, text: textOf(rows, lagPerPoll) };
}

function textOf(rows: readonly Row[], lagPerPoll: number): string {
  const lines = rows.map(({ name, pollsPerJob, detection, webhook, createdToWebhook, refused, lost }) => [
    name,
    figure(pollsPerJob),
    ...[detection.mean, detection.median, detection.p90, detection.p99].map(figure),
    ...[webhook.mean, webhook.median].map(figure),
    figure(createdToWebhook),
    refused,
    lost,
  ]);
  const ratios = [0, 2, 4].map((i) => {
    const [usual, learnt] = [rows[i] as Row, rows[i + 1] as Row];
    const share = (of: (row: Row) => number) => `${((100 * of(learnt)) / of(usual)).toFixed(0)} %`;
    const name = usual.name.slice(0, usual.name.lastIndexOf(':'));
    return [
      name,
      share((row) => row.detection.mean),
      share((row) => row.detection.median),
      share((row) => row.webhook.mean),
      share((row) => row.webhook.median),
    ];
  });
  const [usual, learnt] = [rows[2] as Row, rows[3] as Row];
  const models = Object.keys(usual.byModel).map((name) => [
    name,
    figure(usual.byModel[name] ?? 0),
    figure(learnt.byModel[name] ?? 0),
  ]);
  return [
    '# Lag, end to end',
    `${JOBS} jobs of eight models, ten a second, through submit, poll and deliver on a virtual clock. Nothing is ` +
      'known of the models at first. λ is ' +
      `${figure(lagPerPoll)}, so that a job is asked for as often as under the usual schedule, which doubles its gaps ` +
      `from 1 s to 30 s. Of a hundred invocations, one meets a fault: one of its calls to AWS fails, ModelStudio or ` +
      'the receiver answers 500, or its worker dies; a message that failed stays hidden for 180 s. Seconds after the ' +
      'job has finished at ModelStudio.',
    markdownTable(
      [
        '',
        'polls/job',
        'detected, mean',
        'median',
        'p90',
        'p99',
        'webhook, mean',
        'median',
        'created → webhook',
        'refused',
        'lost',
      ],
      lines,
    ),
    'The lag of the learnt schedule as a share of the usual one’s:',
    markdownTable(['', 'detected, mean', 'median', 'webhook, mean', 'median'], ratios),
    `Mean seconds of detection by model, with ${100 * FAULTS} % faults:`,
    markdownTable(['model', '×2, cap 30 s', 'learnt'], models),
  ].join('\n\n');
}
