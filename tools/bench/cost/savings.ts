import type { FunctionName } from '../../../lib/stages/bundle.ts';
import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import { billOf, totalOf } from './bill.ts';
import type { Deployment } from './deployment.ts';
import { PRICES } from './prices.ts';

/** What a change would take off the bill, by what was counted, and why it is not made. */
export interface Saving {
  name: string;
  dollars(counts: Counts, deployment: Deployment): number;
  why: string;
}

/** Changes whose effect follows from the counts alone. Those that must be measured are runs of their own. */
export const SAVINGS: Saving[] = [
  {
    name: 'one poll a job, when it has just ended',
    dollars: (counts, deployment) => {
      const [jobs, polls] = [countOf(counts, 'lambda.requests.submit'), counts['exchanges.report'] ?? 0];
      const ofPolls = Object.entries(counts).filter(([name]) => /\.(poll|report)$/.test(name));
      // Each job has one message more, which delivers.
      const sends = countOf(counts, 'sqs.sends') * (polls / (polls + jobs)) * PRICES.sqsRequest;
      const reads = polls * PRICES.dynamodbReadUnit;
      const dollars = totalOf(billOf(Object.fromEntries(ofPolls), deployment)) + sends + reads;
      return (1 - jobs / polls) * dollars;
    },
    why: 'nobody knows beforehand how long a job takes; it is said here as the most that a better plan could ever save',
  },
  {
    name: 'no index `sweep` (two writes a job)',
    dollars: (counts) => (counts['dynamodb.writes.jobs/sweep'] ?? 0) * PRICES.dynamodbWriteUnit,
    why: 'without it, only a scan of all rows finds a job whose message is lost',
  },
  {
    name: 'an entry of that index that its time to live removes, instead of a write',
    dollars: (counts) =>
      ((counts['dynamodb.writes.jobs/sweep'] ?? 0) / 2) * PRICES.dynamodbWriteUnit -
      countOf(counts, 'lambda.requests.submit') * (PRICES.dynamodbReadUnit / 2),
    why:
      'the sweeper would read every job that is long done, once each, and would have to remember how far it has come: one that was ' +
      'silent for longer than entries are kept would forget jobs',
  },
  {
    name: 'a first attempt that the poller makes, whose write is then the claim',
    dollars: (counts) =>
      countOf(counts, 'lambda.requests.submit') *
      (PRICES.dynamodbWriteUnit + 3 * PRICES.sqsRequest + PRICES.lambdaRequest + PRICES.dynamodbReadUnit),
    why: 'slow receivers would hold up polls, and one role would have both the key of ModelStudio and the secrets of the webhooks',
  },
  {
    name: 'one write of the row less a job, such as the claim before a first attempt',
    dollars: (counts) => countOf(counts, 'lambda.requests.submit') * PRICES.dynamodbWriteUnit,
    why: 'SQS may deliver a message twice at once, and then two attempts would be under way',
  },
  {
    name: 'no index `client` (one write a job)',
    dollars: (counts) => (counts['dynamodb.writes.jobs/client'] ?? 0) * PRICES.dynamodbWriteUnit,
    why: 'apps could not list their jobs',
  },
  {
    name: 'the same message, hidden until the next poll, instead of a new one',
    dollars: (counts) => {
      const polls = counts['exchanges.report'] ?? 0;
      const again = polls - countOf(counts, 'lambda.requests.submit');
      return (again / polls) * (counts['sqs.deletes.poll'] ?? 0) * PRICES.sqsRequest;
    },
    why:
      'what a message says, such as when the last poll was, would have to be written to the row each time, which costs more than the ' +
      'request that is saved',
  },
  {
    name: 'a Lambda function URL instead of the HTTP API',
    dollars: (counts) => countOf(counts, 'http.requests') * PRICES.httpRequest,
    why: 'it has no throttle, no access log and no domain of your own',
  },
  {
    name: 'rows read with eventual consistency by polls',
    dollars: (counts) => ((counts['exchanges.report'] ?? 0) * PRICES.dynamodbReadUnit) / 2,
    why:
      'a row as it was a moment ago may still have a doubt that is over, and end a job by it; and a duplicate, which ends at the row ' +
      'today, would poll once more',
  },
  {
    name: 'a poller with 192 MiB instead of 256',
    dollars: (counts, { memoryMiB }) => memoryDollars(counts, 'poll', memoryMiB.poll - 192),
    why: 'ten of the largest reports that it reads take 165 MiB, which is too near',
  },
  {
    name: 'a deliverer with 192 MiB instead of 256',
    dollars: (counts, { memoryMiB }) => memoryDollars(counts, 'deliver', memoryMiB.deliver - 192),
    why: 'ten of the largest events that it sends take 150 MiB, without TLS: the same',
  },
  {
    name: 'secrets remembered for 50 minutes instead of 5',
    dollars: (counts) => countOf(counts, 'secrets.calls') * 0.9 * PRICES.secretCall,
    why: 'a key that has leaked would be in use for an hour after it was replaced',
  },
  {
    name: 'no access log',
    dollars: (counts, { accessLogBytes }) =>
      countOf(counts, 'http.requests') * accessLogBytes * PRICES.logByte,
    why: 'nobody could say who has asked for what',
  },
];

const memoryDollars = (counts: Counts, name: FunctionName, mib: number) =>
  (countOf(counts, `lambda.millis.${name}`) / 1000) * (mib / 1024) * PRICES.lambdaGbSecond;
