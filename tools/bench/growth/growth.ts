import { inThread } from '../flows/in-thread.ts';
import { figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import type { Grown } from './measure.ts';
import { measureSdk } from './sdk.ts';
import { type Delay, measureDelays } from './slow.ts';
import type { Arrivals, StageUse } from './stages.ts';

/** Larger ones take two seconds a thousand: BENCH_IN_FLIGHT=1000000 asks for all sizes up to that. */
const SIZES = [1000, 10_000, 100_000, 1_000_000];
const SIZE_DEFAULT = 10_000;

const ARRIVALS: Arrivals[] = [
  { jobs: 500, gapMillis: 100 },
  { jobs: 1000, gapMillis: 1 },
];

/** What grows with the number of jobs: calls, CPU and memory of a job, from a thousand in flight to a million. */
export async function run(): Promise<Part> {
  const most = Number(process.env['BENCH_IN_FLIGHT'] ?? SIZE_DEFAULT);
  const grown: Grown[] = [];
  // One after the other, as they are timed.
  for (const jobs of SIZES.filter((size) => size <= most)) {
    grown.push(await inThread<Grown>(new URL('measure.ts', import.meta.url).href, 'measureGrowth', jobs));
  }
  const stages: StageUse[] = [];
  for (const arrivals of ARRIVALS) {
    const module = new URL('stages.ts', import.meta.url).href;
    stages.push(...(await inThread<StageUse[]>(module, 'measureStages', arrivals)));
  }
  const sdk = await measureSdk();
  const delays = await measureDelays();
  const text = [growthText(grown), stagesText(stages, sdk), delaysText(delays)].join('\n\n');
  return { name: 'growth', rows: [...grown, ...stages, { sdk }, ...delays], text };
}

const micros = (millis: number) => (1000 * millis).toFixed(0);
const kilobytes = (bytes: number) => (bytes / 1024).toFixed(0);

function growthText(grown: readonly Grown[]): string {
  const header = grown.map(({ jobs }) => `${jobs} jobs`);
  const row = (name: string, of: (each: Grown) => string) => [name, ...grown.map(of)];
  const calls = (name: string, key: string) => row(name, (each) => figure(each.calls[key] ?? 0));
  return [
    '# From a thousand jobs in flight to a million',
    'All jobs are submitted within 10 s, run for 30 s in the median, and are followed to their webhooks on a virtual ' +
      'clock. Figures are a job’s. The benchmark’s own tables, queues and clock are measured and taken off the CPU ' +
      'time of the functions; the promises of the calls are not. Batches fill with the load, so requests to SQS and ' +
      'invocations become fewer, and with them the CPU time.',
    markdownTable(
      ['', ...header],
      [
        row('in flight when all are submitted', ({ inFlight }) => String(inFlight)),
        calls('calls to ModelStudio', 'upstream'),
        calls('requests to DynamoDB', 'dynamodbRequests'),
        calls('write units', 'writeUnits'),
        calls('read units', 'readUnits'),
        calls('messages', 'messages'),
        calls('requests to SQS', 'sqsRequests'),
        calls('Lambda invocations', 'invocations'),
        row('CPU of the functions, µs', ({ usage }) => micros(usage.cpuMillis)),
        row('CPU of the benchmark itself, µs', ({ usage }) => micros(usage.benchMillis)),
        row('garbage collection, µs', ({ usage }) => micros(usage.gcMillis)),
        row('allocated by both, KiB', ({ usage }) => kilobytes(usage.allocatedBytes)),
        row('row in flight, bytes', ({ kept }) => kept.row.toFixed(0)),
        row('its index entries, bytes', ({ kept }) => kept.indexEntries.toFixed(0)),
        row('its message, bytes', ({ kept }) => kept.message.toFixed(0)),
        row('heap of this process in flight, bytes', ({ kept }) => kept.heap.toFixed(0)),
      ],
    ),
    spreadText(grown),
  ].join('\n\n');
}

/** How far the sizes lie apart, from the second one on, as the batches of the first are not full. */
function spreadText(grown: readonly Grown[]): string {
  const [base, ...others] = grown.slice(1);
  if (!base || others.length === 0) return '';
  const most = (of: (each: Grown) => number) => {
    const changes = others.map((each) => 100 * (of(each) / of(base) - 1));
    const furthest = changes.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    return `${furthest >= 0 ? '+' : ''}${furthest.toFixed(1)} %`;
  };
  return (
    `Furthest from ${base.jobs} jobs: calls to ModelStudio ${most(({ calls }) => calls['upstream'] ?? 0)}, ` +
    `requests to DynamoDB ${most(({ calls }) => calls['dynamodbRequests'] ?? 0)}, ` +
    `to SQS ${most(({ calls }) => calls['sqsRequests'] ?? 0)}, invocations ${most(({ calls }) => calls['invocations'] ?? 0)}, ` +
    `CPU of the functions ${most(({ usage }) => usage.cpuMillis)}, ` +
    `row, index and message ${most(({ kept }) => kept.row + kept.indexEntries + kept.message)}, ` +
    `heap ${most(({ kept }) => kept.heap)}.`
  );
}

function stagesText(stages: readonly StageUse[], sdk: { dynamodb: number; sqs: number }): string {
  const rows = stages.map(({ stage, batch, usage, dynamodbCalls, sqsCalls }) => [
    stage,
    figure(batch),
    micros(usage.cpuMillis),
    micros(usage.gcMillis),
    kilobytes(usage.allocatedBytes),
    figure(dynamodbCalls),
    figure(sqsCalls),
    micros(usage.cpuMillis + dynamodbCalls * sdk.dynamodb + sqsCalls * sdk.sqs),
  ]);
  return [
    '## What each stage takes',
    'A message’s share, with the handlers’ own wrapping, in a warm process. The SDK’s work on the wire, without ' +
      `sockets and TLS, is measured apart (${micros(sdk.dynamodb)} µs a request to DynamoDB, ${micros(sdk.sqs)} µs to SQS) ` +
      'and added in the last column. What the benchmark’s tables allocate is in the allocations.',
    markdownTable(
      ['', 'batch', 'CPU, µs', 'GC, µs', 'allocated, KiB', 'DynamoDB', 'SQS', 'CPU with the SDK, µs'],
      rows,
    ),
  ].join('\n\n');
}

function delaysText(delays: readonly Delay[]): string {
  const rows = delays.map(({ what, own, others, later }) => [what, own.toFixed(0), others.toFixed(0), later]);
  return [
    '## One slow answer',
    'A thousand jobs, ten of them in each batch; by how many milliseconds webhooks come later when one job meets slow answers.',
    markdownTable(['', 'its own', 'any other, at most', 'others that are later'], rows),
  ].join('\n\n');
}
