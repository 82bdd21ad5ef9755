/**
 * AWS list prices in US dollars, us-east-1, first tier, without the free tier, as of November 2026, from the services'
 * own pages under https://aws.amazon.com/: api-gateway/pricing, lambda/pricing, sqs/pricing, dynamodb/pricing/on-demand,
 * s3/pricing, secrets-manager/pricing, cloudwatch/pricing, step-functions/pricing, xray/pricing,
 * ec2/pricing/on-demand for data transfer out.
 * To bill another region, change them here; nothing else in the benchmark knows a price.
 */
export const PRICES_AS_OF = '2026-11';

const MILLION = 1e6;
const GB = 1e9;

export const PRICES = {
  /** HTTP API, up to 512 KB. */
  httpRequest: 1 / MILLION,
  lambdaRequest: 0.2 / MILLION,
  /** arm64. */
  lambdaGbSecond: 13.3334 / MILLION,
  /** Any call, 64 KB of a batch of at most ten messages. */
  sqsRequest: 0.4 / MILLION,
  /** On demand, 1 KB. */
  dynamodbWriteUnit: 0.625 / MILLION,
  /** On demand, 4 KB; an eventually consistent read takes half of one. */
  dynamodbReadUnit: 0.125 / MILLION,
  dynamodbGbMonth: 0.25,
  /** Point-in-time recovery. */
  dynamodbBackupGbMonth: 0.2,
  s3Put: 5 / MILLION,
  s3Get: 0.4 / MILLION,
  s3GbMonth: 0.023,
  secretCall: 5 / MILLION,
  secretMonth: 0.4,
  /** Standard class, by what is sent in. */
  logByte: 0.5 / GB,
  /** Of compressed logs. */
  logGbMonth: 0.03,
  /** To the internet, after the 100 GB a month that are free. */
  transferByte: 0.09 / GB,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
  metricMonth: 0.3,
  stateTransition: 25 / MILLION,
  durableOperation: 8 / MILLION,
  xrayTrace: 5 / MILLION,
} as const;
