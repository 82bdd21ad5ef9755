import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import { BILLED_MILLIS, type FunctionName, INIT_MILLIS, PLATFORM_LOG_BYTES } from './assumptions.ts';
import type { Deployment } from './deployment.ts';
import { PRICES } from './prices.ts';

/** A line of the bill: how much of it, and what that makes in dollars. */
export interface Line {
  service: string;
  what: string;
  amount: number;
  dollars: number;
}

const FUNCTIONS: FunctionName[] = ['submit', 'poll', 'deliver', 'sweep'];

/** The bill for the calls that were counted within so many seconds, divided by `per`. */
export function billOf(counts: Counts, deployment: Deployment, seconds: number, per = 1): Line[] {
  const lines: Line[] = [];
  const add = (service: string, what: string, amount: number, price: number) => {
    if (amount > 0) lines.push({ service, what, amount: amount / per, dollars: (amount * price) / per });
  };
  const sum = (name: string) => countOf(counts, name);
  add('HTTP API', 'requests', sum('http.requests'), PRICES.httpRequest);
  for (const name of FUNCTIONS) {
    add('Lambda', `requests, ${name}`, sum(`lambda.requests.${name}`), PRICES.lambdaRequest);
    add('Lambda', `GB-seconds, ${name}`, gbSeconds(counts, name, deployment), PRICES.lambdaGbSecond);
  }
  add('SQS', 'sends', sum('sqs.sends'), PRICES.sqsRequest);
  add('SQS', 'receives', sum('sqs.receives'), PRICES.sqsRequest);
  add('SQS', 'deletes', sum('sqs.deletes'), PRICES.sqsRequest);
  const { provisioned } = deployment;
  if (provisioned) {
    const { readUnits, writeUnits } = provisioned;
    add(
      'DynamoDB',
      'seconds of a provisioned write unit',
      writeUnits * seconds,
      PRICES.dynamodbWriteUnitHour / 3600,
    );
    add(
      'DynamoDB',
      'seconds of a provisioned read unit',
      readUnits * seconds,
      PRICES.dynamodbReadUnitHour / 3600,
    );
  }
  for (const [name, words] of Object.entries(WRITES)) {
    if (provisioned && OF_EACH_JOB.includes(name)) continue;
    const writes = counts[`dynamodb.writes.${name}`] ?? 0;
    add('DynamoDB', `write units, ${words}`, writes, PRICES.dynamodbWriteUnit);
  }
  if (!provisioned) {
    add('DynamoDB', 'read units, rows', sum('dynamodb.reads.jobs'), PRICES.dynamodbReadUnit);
    add('DynamoDB', 'read units, events', sum('dynamodb.reads.documents'), PRICES.dynamodbReadUnit);
  }
  const others = sum('dynamodb.reads.durationStats') + sum('dynamodb.reads.clientKeys');
  add('DynamoDB', 'read units, duration stats and keys', others, PRICES.dynamodbReadUnit);
  add('S3', 'puts', sum('s3.puts'), PRICES.s3Put);
  add('S3', 'gets', sum('s3.gets'), PRICES.s3Get);
  add('Secrets Manager', 'calls', sum('secrets.calls'), PRICES.secretCall);
  add('Logs', 'bytes, our lines', sum('logs.bytes'), PRICES.logByte);
  add('Logs', 'bytes, the platform’s', platformLogBytes(counts, deployment), PRICES.logByte);
  const accessBytes = sum('http.requests') * deployment.accessLogBytes;
  add('Logs', 'bytes, access log', accessBytes, PRICES.logByte);
  return lines;
}

const WRITES = {
  jobs: 'rows',
  'jobs/client': 'index client',
  'jobs/sweep': 'index sweep',
  documents: 'events',
  durationStats: 'duration stats',
};

/** The tables that are provisioned for a steady load, and their indexes. */
const OF_EACH_JOB = ['jobs', 'jobs/client', 'jobs/sweep', 'documents'];

/** How much of what is provisioned was used, 0 to 1. */
export function usedShare(
  counts: Counts,
  provisioned: NonNullable<Deployment['provisioned']>,
  seconds: number,
) {
  const writes = OF_EACH_JOB.reduce((total, name) => total + (counts[`dynamodb.writes.${name}`] ?? 0), 0);
  return writes / (provisioned.writeUnits * seconds);
}

export function totalOf(lines: readonly Line[]): number {
  return lines.reduce((total, { dollars }) => total + dollars, 0);
}

function gbSeconds(counts: Counts, name: FunctionName, { memoryMiB }: Deployment): number {
  const { first, further } = BILLED_MILLIS[name];
  const invocations = counts[`lambda.requests.${name}`] ?? 0;
  const messages = counts[`lambda.messages.${name}`] ?? invocations;
  const starts = counts[`lambda.starts.${name}`] ?? 0;
  const millis = invocations * first + (messages - invocations) * further + starts * INIT_MILLIS;
  return (millis / 1000) * (memoryMiB[name] / 1024);
}

function platformLogBytes(counts: Counts, { hasPlatformLogs }: Deployment): number {
  const invocations = FUNCTIONS.filter((name) => hasPlatformLogs[name]).map(
    (name) => counts[`lambda.requests.${name}`] ?? 0,
  );
  return PLATFORM_LOG_BYTES * invocations.reduce((sum, count) => sum + count, 0);
}
