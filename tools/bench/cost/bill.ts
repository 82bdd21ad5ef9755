import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import {
  CPU_MILLIS,
  FUNCTIONS,
  type FunctionName,
  INIT_MILLIS,
  MIB_PER_PROCESSOR,
  PLATFORM_LOG_BYTES,
} from './assumptions.ts';
import type { Deployment } from './deployment.ts';
import { PRICES } from './prices.ts';

/** A line of the bill: how much of it, and what that makes in dollars. */
export interface Line {
  service: string;
  what: string;
  amount: number;
  dollars: number;
}

type Row = [service: string, what: string, amount: number, price: number];

/** The bill for the calls that were counted, divided by `per`. */
export function billOf(counts: Counts, deployment: Deployment, per = 1): Line[] {
  const sum = (name: string) => countOf(counts, name);
  const rows: Row[] = [
    ['HTTP API', 'requests', sum('http.requests'), PRICES.httpRequest],
    ...FUNCTIONS.flatMap((name) => lambdaRows(counts, name, deployment)),
    ['SQS', 'sends', sum('sqs.sends'), PRICES.sqsRequest],
    ['SQS', 'receives', sum('sqs.receives'), PRICES.sqsRequest],
    ['SQS', 'deletes', sum('sqs.deletes'), PRICES.sqsRequest],
    ...Object.entries(WRITES).map(
      ([name, words]): Row => [
        'DynamoDB',
        `write units, ${words}`,
        counts[`dynamodb.writes.${name}`] ?? 0,
        PRICES.dynamodbWriteUnit,
      ],
    ),
    ['DynamoDB', 'read units, rows', sum('dynamodb.reads.jobs'), PRICES.dynamodbReadUnit],
    ['DynamoDB', 'read units, events', sum('dynamodb.reads.documents'), PRICES.dynamodbReadUnit],
    [
      'DynamoDB',
      'read units, duration stats and keys',
      sum('dynamodb.reads.durationStats') + sum('dynamodb.reads.clientKeys'),
      PRICES.dynamodbReadUnit,
    ],
    ['S3', 'puts', sum('s3.puts'), PRICES.s3Put],
    ['S3', 'gets', sum('s3.gets'), PRICES.s3Get],
    ['Secrets Manager', 'calls', sum('secrets.calls'), PRICES.secretCall],
    ['Logs', 'bytes, our lines', sum('logs.bytes'), PRICES.logByte],
    ['Logs', 'bytes, the platform’s', platformLogBytes(counts, deployment), PRICES.logByte],
    ['Logs', 'bytes, access log', sum('http.requests') * deployment.accessLogBytes, PRICES.logByte],
    ...Object.entries(TRANSFERS).map(
      ([name, words]): Row => [
        'Data transfer out',
        `bytes, ${words}`,
        counts[`transfer.${name}`] ?? 0,
        PRICES.transferByte,
      ],
    ),
  ];
  return rows
    .filter(([, , amount]) => amount > 0)
    .map(([service, what, amount, price]) => ({
      service,
      what,
      amount: amount / per,
      dollars: (amount * price) / per,
    }));
}

const WRITES = {
  jobs: 'rows',
  'jobs/client': 'index client',
  'jobs/sweep': 'index sweep',
  documents: 'events',
  durationStats: 'duration stats',
};

const TRANSFERS = {
  create: 'creates at ModelStudio',
  report: 'polls of ModelStudio',
  webhook: 'webhooks',
  answer: 'answers of the API',
  download: 'results from the bucket',
};

export function totalOf(lines: readonly Line[]): number {
  return lines.reduce((total, { dollars }) => total + dollars, 0);
}

function lambdaRows(counts: Counts, name: FunctionName, { memoryMiB }: Deployment): Row[] {
  const requests = counts[`lambda.requests.${name}`] ?? 0;
  const starts = counts[`lambda.starts.${name}`] ?? 0;
  const gb = memoryMiB[name] / 1024;
  const seconds = billedMillis(counts, name, memoryMiB[name]) / 1000;
  return [
    ['Lambda', `requests, ${name}`, requests, PRICES.lambdaRequest],
    ['Lambda', `GB-seconds, ${name}`, seconds * gb, PRICES.lambdaGbSecond],
    ['Lambda', `GB-seconds of starts, ${name}`, (starts * INIT_MILLIS * gb) / 1000, PRICES.lambdaGbSecond],
  ];
}

/** The waiting that was counted, and the work, for which less memory has less of a processor. */
export function billedMillis(counts: Counts, name: FunctionName, memoryMiB: number): number {
  return (counts[`lambda.millis.${name}`] ?? 0) + workMillis(counts, name, memoryMiB);
}

export function workMillis(counts: Counts, name: FunctionName, memoryMiB: number): number {
  const { first, further } = CPU_MILLIS[name];
  const invocations = counts[`lambda.requests.${name}`] ?? 0;
  const messages = counts[`lambda.messages.${name}`] ?? invocations;
  return ((invocations * first + (messages - invocations) * further) * MIB_PER_PROCESSOR) / memoryMiB;
}

function platformLogBytes(counts: Counts, { hasPlatformLogs }: Deployment): number {
  const invocations = FUNCTIONS.filter((name) => hasPlatformLogs[name]).map(
    (name) => counts[`lambda.requests.${name}`] ?? 0,
  );
  return PLATFORM_LOG_BYTES * invocations.reduce((sum, count) => sum + count, 0);
}
