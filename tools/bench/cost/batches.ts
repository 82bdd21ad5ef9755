import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import { dollars, figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { billOf, type Line, totalOf } from './bill.ts';
import { readDeployment } from './deployment.ts';
import { CONVERSATIONS_PER_CREATE, type Load } from './measure.ts';
import { type Billed, bill, MILLION } from './rates.ts';

const MOMENT_MILLIS = 5;
const CONVERSATIONS_PER_SECOND = 100;
/** How many conversations a job has, and how many jobs are run. */
const SIZES: [conversations: number, jobs: number][] = [
  [1, 6000],
  [100, 200],
  [10_000, 8],
];
/** Half as many parts: the difference is what parts ask AWS for. */
const HALF: [conversations: number, jobs: number] = [5000, 8];

interface Sized {
  conversations: number;
  jobs: number;
  counts: Counts;
  /** For a million conversations. */
  lines: Line[];
}

/** Dollars per million conversations, in jobs of one, a hundred and ten thousand, by the calls to AWS that are counted. */
export async function run(): Promise<Part> {
  const sized: Sized[] = [];
  for (const [conversations, jobs] of SIZES) sized.push(await billOfSize(conversations, jobs));
  const [, , whole] = sized as [Sized, Sized, Sized];
  const half = await billOfSize(...HALF);
  const rows = sized.map(({ conversations, lines }) => ({
    conversations_per_job: conversations,
    dollars_per_million_conversations: totalOf(lines),
    lines,
  }));
  return { name: 'batches', rows, text: textOf(sized, callsOf(whole, half)) };
}

async function billOfSize(conversations: number, jobs: number): Promise<Sized> {
  const deployment = readDeployment();
  const options = conversations > 1 ? { conversations } : {};
  const load: Load = { jobsPerSecond: CONVERSATIONS_PER_SECOND / conversations, jobs, options };
  const { counts: counted, workMillis }: Billed = await bill(load, MOMENT_MILLIS, deployment);
  // Each message's work is billed in any case; of what is large, all is taken for the collector's, which is the dearest.
  const work = conversations > CONVERSATIONS_PER_CREATE ? workMillis : 0;
  const collected = (counted['lambda.millis.collect'] ?? 0) + work;
  const counts = { ...counted, 'lambda.millis.collect': collected };
  return { conversations, jobs, counts, lines: billOf(counts, deployment, (jobs * conversations) / MILLION) };
}

const CALLS: [what: string, names: string[]][] = [
  ['DynamoDB', ['dynamodb.requests']],
  ['SQS: sends, receives, deletes', ['sqs.sends', 'sqs.receives', 'sqs.deletes']],
  ['S3', ['s3.puts', 's3.gets']],
  ['Lambda: invocations', ['lambda.requests']],
  ['ModelStudio: creates and polls', ['exchanges.create', 'exchanges.report']],
];

/** How many a part takes. */
function callsOf(whole: Sized, half: Sized): (string | number)[][] {
  const perJob = ({ counts, jobs }: Sized, names: string[]) =>
    names.reduce((sum, name) => sum + countOf(counts, name), 0) / jobs;
  const parts = (whole.conversations - half.conversations) / CONVERSATIONS_PER_CREATE;
  return CALLS.map(([what, names]) => {
    const perPart = (perJob(whole, names) - perJob(half, names)) / parts;
    return [what, figure(perPart), figure(perJob(whole, names))];
  });
}

function textOf(sized: Sized[], calls: (string | number)[][]): string {
  const services = [...new Set(sized.flatMap(({ lines }) => lines.map(({ service }) => service)))];
  const of = (lines: Line[], service: string) => totalOf(lines.filter((line) => line.service === service));
  const rows = services.map((service) => [service, ...sized.map(({ lines }) => dollars(of(lines, service)))]);
  const totals = ['**all**', ...sized.map(({ lines }) => `**${dollars(totalOf(lines))}**`)];
  const head = sized.map(({ conversations }) => `jobs of ${conversations.toLocaleString('en')}`);
  return [
    '# Dollars per million conversations',
    'What the calls to AWS cost that the flows make, under the assumptions of [the bill of jobs](cost.md), for ' +
      `${CONVERSATIONS_PER_SECOND} conversations a second. A job of 10,000 comes as a file and is given to ModelStudio in ten parts; ` +
      'the work of splitting and merging is measured, and billed with the memory of the collector.',
    markdownTable(['', ...head], [...rows, totals]),
    `## What a part asks for\n\nOf ${CONVERSATIONS_PER_CREATE} conversations, half a minute long at ModelStudio; and a whole job of ten.`,
    markdownTable(['requests', 'a part', 'a job of ten'], calls),
  ].join('\n\n');
}
