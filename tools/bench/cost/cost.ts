import type { Counts } from '../../../test/cloud/meter.ts';
import { inThread } from '../flows/in-thread.ts';
import { dollars, figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { billOf, type Line, totalOf, usedShare } from './bill.ts';
import { type Deployment, readDeployment } from './deployment.ts';
import { fixedCosts, keptCosts } from './fixed.ts';
import { type Load, type Measured, measureSweep } from './measure.ts';
import { PEERS } from './peers.ts';
import { costPlot } from './plot.ts';
import { PRICES_AS_OF } from './prices.ts';
import { SAVINGS } from './savings.ts';

const MILLION = 1e6;
const GOALS: Record<number, number> = { 1: 14, 100: 8, 1000: 8 };
const PEER_POLLS = 5;
const PEER_JOB_SECONDS = 30;

const LOADS: Load[] = [
  { jobsPerSecond: 1, jobs: 6000 },
  { jobsPerSecond: 10, jobs: 8000 },
  { jobsPerSecond: 100, jobs: 30_000 },
  { jobsPerSecond: 1000, jobs: 40_000 },
];
const [RARE] = LOADS as [Load];

/** What has to be run to be known. */
const EXPERIMENTS: { name: string; options: NonNullable<Load['options']> }[] = [
  { name: 'a batching window of 1 s on the queues', options: { gatherMillis: 1000 } },
  { name: 'lagPerPollSeconds 2 instead of 1', options: { lagPerPoll: 2 } },
  { name: 'lagPerPollSeconds 5 instead of 1', options: { lagPerPoll: 5 } },
];

const STEADY =
  'With `steadyJobsPerSecond`, the bill is for the units of DynamoDB that are provisioned, used or not. From 100 on, the ' +
  'event sources gather for up to a second: each of Lambda’s pollers, five at least and one for each function at work, a ' +
  'batch of its own, of which every message that did not come within 20 ms of another has taken a receive.';

interface Billed extends Measured {
  load: Load;
  /** Beside the defaults. */
  settings: Record<string, number>;
  lines: Line[];
  total: number;
  /** Of the provisioned write units; null on demand. */
  used: number | null;
}

async function bill(load: Load, settings: Record<string, number> = {}): Promise<Billed> {
  const deployment = readDeployment(settings);
  const { gatherMillis, provisioned } = deployment;
  const { lagPerPollSeconds: lagPerPoll = 1 } = settings;
  const measured = await inThread<Measured>(new URL('measure.ts', import.meta.url).href, 'measure', {
    ...load,
    options: { gatherMillis, lagPerPoll, ...load.options },
  });
  const seconds = load.jobs / load.jobsPerSecond;
  const lines = billOf(measured.counts, deployment, seconds, load.jobs / MILLION);
  const used = provisioned && usedShare(measured.counts, provisioned, seconds);
  return { ...measured, load, settings, lines, total: totalOf(lines), used };
}

/** Dollars per million jobs, from the calls to AWS that the flows make while they run under a load. */
export async function run(): Promise<Part> {
  const [sweep, billed, steady, tried] = await Promise.all([
    measureSweep(),
    Promise.all(LOADS.map((load) => bill(load))),
    Promise.all([
      ...LOADS.map((load) => bill(load, { steadyJobsPerSecond: load.jobsPerSecond })),
      bill(RARE, { steadyJobsPerSecond: RARE.jobsPerSecond, lagPerPollSeconds: 4 }),
    ]),
    Promise.all(EXPERIMENTS.map(({ options }) => bill({ ...RARE, options }))),
  ]);
  const deployment = readDeployment();
  const tables = [
    designs([...billed, ...steady]),
    ratesTable([...billed, ...steady]),
    linesTable('The bill by line', billed),
    linesTable('The bill by line, for a steady load', steady),
    savingsTable(billed, tried, deployment),
    fixedTable(sweep, deployment),
    keptTable(billed[0] as Billed),
  ];
  const bars = [
    ...PEERS.map((peer) => ({
      name: peer.name,
      dollars: peer.dollars(PEER_POLLS, PEER_JOB_SECONDS),
      isOurs: false,
    })),
    ...[...billed, ...steady].map((ours) => ({
      name: `this, ${nameOf(ours)}`,
      dollars: ours.total,
      isOurs: true,
    })),
  ];
  return {
    name: 'cost',
    rows: [...billed, ...steady].map(({ load, total, lines, counts: _, ...measured }) => ({
      jobs_per_second: load.jobsPerSecond,
      jobs: load.jobs,
      dollars_per_million_jobs: total,
      ...measured,
      lines,
    })),
    text: tables.join('\n\n'),
    svg: costPlot('Dollars per million 30-s jobs', bars),
  };
}

function designs(billed: Billed[]): string {
  const peers = PEERS.map(({ name, dollars: of }) => [
    name,
    dollars(of(PEER_POLLS, PEER_JOB_SECONDS)),
    dollars(of(24, 600)),
  ]);
  const ours = billed.map((each) => [`**this, at ${nameOf(each)}**`, `**${dollars(each.total)}**`, '']);
  return [
    `# Dollars per million jobs\n\nAt the list prices of us-east-1 as of ${PRICES_AS_OF} (tools/bench/cost/prices.ts).`,
    markdownTable(['design', `30-s jobs, ${PEER_POLLS} polls`, '10-min jobs, 24 polls'], [...peers, ...ours]),
  ].join('\n\n');
}

/** With the settings that make the difference. */
function nameOf({ load, settings }: Billed): string {
  const given = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [`${load.jobsPerSecond} jobs/s`, ...given].join(', ');
}

function ratesTable(billed: Billed[]): string {
  const rows = billed.map((each) => {
    const { load, total, busiest, used } = each;
    const goal = GOALS[load.jobsPerSecond];
    return [
      nameOf(each),
      dollars(total),
      goal === undefined ? '' : `≤ $${goal}`,
      figure(each.pollsPerJob),
      figure(each.lagSeconds),
      figure(each.pollBatch),
      figure(each.deliverBatch),
      busiest,
      used === null ? '' : `${Math.round(100 * used)} %`,
    ];
  });
  const head = ['', '$/M jobs', 'goal', 'polls/job', 'finished → webhook, s', 'poll batch', 'delivery batch'];
  const table = markdownTable([...head, 'Lambdas at once', 'write units used'], rows);
  return [table, STEADY].join('\n\n');
}

/** Every line that any of the bills has. */
function linesTable(title: string, billed: Billed[]): string {
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
    markdownTable(
      ['', `at ${rare.load.jobsPerSecond} jobs/s`, `at ${often.load.jobsPerSecond} jobs/s`, 'more lag'],
      [...measured, ...followed],
    ),
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
