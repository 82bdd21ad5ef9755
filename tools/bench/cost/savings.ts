import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import type { Deployment } from './deployment.ts';
import { PRICES } from './prices.ts';

/** What a change would take off the bill, by what was counted. */
export interface Saving {
  name: string;
  dollars(counts: Counts, deployment: Deployment): number;
}

/** Changes whose effect follows from the counts alone. Those that must be measured are runs of their own. */
export const SAVINGS: Saving[] = [
  {
    name: 'no index `sweep` (two writes a job)',
    dollars: (counts) => (counts['dynamodb.writes.jobs/sweep'] ?? 0) * PRICES.dynamodbWriteUnit,
  },
  {
    name: 'a Lambda function URL instead of the HTTP API',
    dollars: (counts) => countOf(counts, 'http.requests') * PRICES.httpRequest,
  },
  {
    name: 'secrets remembered for 50 minutes instead of 5',
    dollars: (counts) => countOf(counts, 'secrets.calls') * 0.9 * PRICES.secretCall,
  },
  {
    name: 'no index `client` (one write a job)',
    dollars: (counts) => (counts['dynamodb.writes.jobs/client'] ?? 0) * PRICES.dynamodbWriteUnit,
  },
  {
    name: 'one write of the row less a job, such as the claim before a first attempt',
    dollars: (counts) => countOf(counts, 'http.requests') * PRICES.dynamodbWriteUnit,
  },
  {
    name: 'a duration learnt every 10 s instead of every second',
    dollars: (counts) => (counts['dynamodb.writes.durationStats'] ?? 0) * 0.9 * PRICES.dynamodbWriteUnit,
  },
  {
    name: 'rows read with eventual consistency by polls',
    dollars: (counts) => ((counts['exchanges.report'] ?? 0) * PRICES.dynamodbReadUnit) / 2,
  },
  {
    name: 'no access log',
    dollars: (counts, { accessLogBytes }) =>
      countOf(counts, 'http.requests') * accessLogBytes * PRICES.logByte,
  },
];

/** Reasons. */
export const NOT_TAKEN: string[] = [];
