import type { Counts } from '../../../test/cloud/meter.ts';
import { dollars, figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { METADATA_BYTES, MOMENTS, RESULT_CHARACTERS } from './assumptions.ts';
import { billOf, totalOf } from './bill.ts';
import { type Deployment, readDeployment } from './deployment.ts';
import { fixedCosts, keptCosts } from './fixed.ts';
import { type Load, measureSweep } from './measure.ts';
import { countsOf, readObserved } from './observed.ts';
import { PEERS } from './peers.ts';
import { costPlot } from './plot.ts';
import { PRICES_AS_OF } from './prices.ts';
import { type Billed, bill, MILLION, type Range, rangeOf } from './rates.ts';
import { SAVINGS } from './savings.ts';

const GOALS: Record<number, number> = { 1: 15, 100: 11 };
const PEER_POLLS = 5;
const PEER_JOB_SECONDS = 30;

const LOADS: Load[] = [
  { jobsPerSecond: 1, jobs: 3000 },
  { jobsPerSecond: 10, jobs: 3000 },
  { jobsPerSecond: 100, jobs: 6000 },
  { jobsPerSecond: 1000, jobs: 10_000 },
];
const [RARE] = LOADS as [Load];
const MIDDLE_MOMENT = 5;

/** What has to be run to be known. */
const EXPERIMENTS: { name: string; why: string; options: NonNullable<Load['options']> }[] = [
  {
    name: 'a batching window of 1 s on the queues',
    why: 'Lambda may then [wait for 20 s](../decisions/no-batching-window.md) where there is little traffic',
    options: { eventSource: { gatherMillis: 1000 } },
  },
  {
    name: 'lagPerPollSeconds 2 instead of 1',
    why: 'how late webhooks may be is for you to say; this is the setting that saves the most',
    options: { lagPerPoll: 2 },
  },
  { name: 'lagPerPollSeconds 5 instead of 1', why: 'the same', options: { lagPerPoll: 5 } },
];

const ASSUMED = [
  `Assumed: a job has one conversation and takes half a minute in the median; its result is ${RESULT_CHARACTERS} characters of ` +
    `English, its metadata ${METADATA_BYTES} bytes; half of the apps read each job once, beside its webhook. An invocation is ` +
    'billed for the waiting that the benchmark counts (310 ms for ModelStudio to create a job, 50 ms to report on it, 220 ms for a ' +
    'receiver) and for its work, which takes longer with less memory; each start of an environment for 300 ms.',
  'A queue is read as [AWS documents it](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html): five pollers at ' +
    'least, each with a batch of its own from its receipt to the end of its invocation, and more while messages are left behind. ' +
    'Nobody has measured for how long a message that finds a poller idle waits for others to share its batch, so the bill is ' +
    `a range, from the dearest to the cheapest of ${MOMENTS.join(', ')} ms, and its middle is what other pages quote.`,
];

/** Dollars per million jobs, from the calls to AWS that the flows make while they run under a load. */
export async function run(): Promise<Part> {
  const deployment = readDeployment();
  const [sweep, ranges, tried] = await Promise.all([
    measureSweep(),
    Promise.all(LOADS.map((load) => rangeOf(load, deployment))),
    Promise.all(EXPERIMENTS.map(({ options }) => bill({ ...RARE, options }, MIDDLE_MOMENT, deployment))),
  ]);
  const [rare, , often] = ranges as [Range, Range, Range];
  const middles = ranges.map(({ billed }) => billed[MOMENTS.indexOf(MIDDLE_MOMENT)] as Billed);
  const tables = [
    designs(ranges),
    ...ASSUMED,
    rangesTable(ranges),
    ratesTable(middles),
    linesTable(`The bill by line, where a message waits ${MIDDLE_MOMENT} ms for others`, middles, rateOf),
    ...[rare, often].map(({ jobsPerSecond, billed }) =>
      linesTable(`The bill by line, at ${jobsPerSecond} jobs/s`, billed, momentOf),
    ),
    savingsTable(middles, tried, deployment),
    fixedTable(sweep, deployment),
    keptTable(middles[0] as Billed),
  ];
  return {
    name: 'cost',
    rows: ranges.flatMap(({ billed }) =>
      billed.map(({ load, momentMillis, total, lines, counts: _, ...measured }) => ({
        jobs_per_second: load.jobsPerSecond,
        moment_ms: momentMillis,
        jobs: load.jobs,
        dollars_per_million_jobs: total,
        ...measured,
        lines,
      })),
    ),
    text: tables.join('\n\n'),
    svg: costPlot('Dollars per million 30-s jobs', barsOf(ranges)),
  };
}

/** The bill of a deployment, from an export of its log. */
export async function runObserved(path: string): Promise<string> {
  const observed = await readObserved(path);
  const deployment = readDeployment();
  const { polls, invocations } = observed.batch;
  const model = await modelOfBatch(polls / Math.max(1, invocations), deployment);
  const jobs = observed.finish.lines;
  const counts = countsOf(observed, model.counts, model.load.jobs, deployment);
  const lines = billOf(counts, deployment, jobs / MILLION);
  const seen = { ...model, counts, lines, total: totalOf(lines) };
  return linesTable(`The bill of ${jobs} jobs`, [seen], () => 'observed');
}

/** The rate whose polls come in batches that are about as full: so are those of its deliveries, of which the log says nothing. */
async function modelOfBatch(pollBatch: number, deployment: Deployment): Promise<Billed> {
  const distance = (model: Billed) => Math.abs(Math.log(model.pollBatch / pollBatch));
  let nearest = await bill(RARE, MIDDLE_MOMENT, deployment);
  for (const load of LOADS.slice(1)) {
    if (nearest.pollBatch >= pollBatch) break;
    const model = await bill(load, MIDDLE_MOMENT, deployment);
    if (distance(model) >= distance(nearest)) break;
    nearest = model;
  }
  return nearest;
}

const rateOf = ({ load }: Billed) => `${load.jobsPerSecond} jobs/s`;
const momentOf = ({ momentMillis }: Billed) => `${momentMillis} ms`;

function barsOf(ranges: Range[]) {
  return [
    ...PEERS.map((peer) => ({
      name: peer.name,
      dollars: peer.dollars(PEER_POLLS, PEER_JOB_SECONDS),
      isOurs: false,
    })),
    ...ranges.map(({ jobsPerSecond, middle }) => ({
      name: `this, at ${jobsPerSecond} jobs/s`,
      dollars: middle,
      isOurs: true,
    })),
  ];
}

function designs(ranges: Range[]): string {
  const peers = PEERS.map(({ name, dollars: of }) => [
    name,
    dollars(of(PEER_POLLS, PEER_JOB_SECONDS)),
    dollars(of(24, 600)),
  ]);
  const ours = ranges.map(({ jobsPerSecond, middle }) => [
    `**this, at ${jobsPerSecond} jobs/s**`,
    `**${dollars(middle)}**`,
    '',
  ]);
  return [
    `# Dollars per million jobs\n\nAt the list prices of us-east-1 as of ${PRICES_AS_OF} (tools/bench/cost/prices.ts).`,
    markdownTable(['design', `30-s jobs, ${PEER_POLLS} polls`, '10-min jobs, 24 polls'], [...peers, ...ours]),
  ].join('\n\n');
}

function rangesTable(ranges: Range[]): string {
  const rows = ranges.map(({ jobsPerSecond, billed, middle }) => {
    const goal = GOALS[jobsPerSecond];
    return [
      `${jobsPerSecond} jobs/s`,
      ...billed.map(({ total }) => dollars(total)),
      `**${dollars(middle)}**`,
      goal === undefined ? '' : `≤ $${goal}`,
    ];
  });
  return markdownTable(['$/M jobs', ...MOMENTS.map((millis) => `${millis} ms`), 'middle', 'goal'], rows);
}

function ratesTable(billed: Billed[]): string {
  const rows = billed.map((each) => [
    rateOf(each),
    figure(each.pollsPerJob),
    figure(each.lagSeconds),
    figure(each.pollBatch),
    figure(each.deliverBatch),
    each.busiest,
  ]);
  const head = ['', 'polls/job', 'finished → webhook, s', 'poll batch', 'delivery batch', 'Lambdas at once'];
  return markdownTable(head, rows);
}

/** Every line that any of the bills has. */
function linesTable(title: string, billed: Billed[], nameOf: (each: Billed) => string): string {
  const names = new Map(
    billed.flatMap(({ lines }) => lines.map((line) => [`${line.service}: ${line.what}`, line])),
  );
  const rows = [...names.keys()].map((name) => [
    name,
    ...billed.map(({ lines }) => {
      const line = lines.find(({ service, what }) => `${service}: ${what}` === name);
      return line ? `${dollars(line.dollars)} (${figure(line.amount / MILLION)})` : '–';
    }),
  ]);
  const totals = ['**all**', ...billed.map(({ total }) => `**${dollars(total)}**`)];
  return [
    `## ${title}\n\nDollars per million jobs, and in brackets how many a job.`,
    markdownTable(['', ...billed.map(nameOf)], [...rows, totals]),
  ].join('\n\n');
}

function savingsTable(billed: Billed[], tried: Billed[], deployment: Deployment): string {
  const [rare, , often] = billed as [Billed, Billed, Billed];
  const saved = (of: (counts: Counts, deployment: Deployment) => number, { counts, load }: Billed) =>
    dollars((of(counts, deployment) / load.jobs) * MILLION);
  const followed = SAVINGS.map(({ name, dollars: of }) => [name, saved(of, rare), saved(of, often), '']);
  const measured = tried.map(({ total, lagSeconds }, i) => [
    EXPERIMENTS[i]?.name ?? '',
    dollars(rare.total - total),
    '',
    `${figure(lagSeconds - rare.lagSeconds)} s`,
  ]);
  return [
    '## What a change would save\n\nDollars per million jobs; each by itself.',
    markdownTable(['', `at ${rateOf(rare)}`, `at ${rateOf(often)}`, 'more lag'], [...measured, ...followed]),
    'Why they are not made:',
    [...EXPERIMENTS, ...SAVINGS].map(({ name, why }) => `- ${name}: ${why}.`).join('\n'),
  ].join('\n\n');
}

function fixedTable(sweep: Counts, deployment: Deployment): string {
  const rows = fixedCosts(sweep, deployment).map(([what, amount]) => [what, dollars(amount)]);
  return `## A month without jobs\n\n${markdownTable(['', 'a month'], rows)}`;
}

function keptTable({ counts, load }: Billed): string {
  const per = load.jobs / MILLION;
  const rows = keptCosts(counts).map(([what, gigabytes, amount]) => [
    what,
    figure(gigabytes / per),
    dollars(amount / per),
  ]);
  return `## What a million jobs leave behind, a month\n\n${markdownTable(['', 'GB', 'a month'], rows)}`;
}
