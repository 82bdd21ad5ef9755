import { METRICS } from '../../../functions/core/metrics.ts';
import type { Counts } from '../../../test/cloud/meter.ts';
import { IDLE_RECEIVES_PER_MONTH, LOG_COMPRESSION, MINUTES_PER_MONTH } from './assumptions.ts';
import { billOf, totalOf } from './bill.ts';
import type { Deployment } from './deployment.ts';
import { PRICES } from './prices.ts';

/** Dollars a month, whether there are jobs or none. */
export function fixedCosts(sweep: Counts, deployment: Deployment): [what: string, dollars: number][] {
  const { eventSources, secrets, alarmMetrics, dashboards } = deployment;
  return [
    [
      `empty receives of ${eventSources} event sources, at most: fewer the more there is to receive`,
      eventSources * IDLE_RECEIVES_PER_MONTH * PRICES.sqsRequest,
    ],
    ['a sweep each minute that finds nothing', totalOf(billOf(sweep, deployment)) * MINUTES_PER_MONTH],
    [`${secrets} secrets`, secrets * PRICES.secretMonth],
    [`alarms over ${alarmMetrics} metrics`, alarmMetrics * PRICES.alarmMetricMonth],
    ['dashboard', dashboards * PRICES.dashboardMonth],
    [`${METRICS.length} metrics of our own, if all of them occur`, METRICS.length * PRICES.metricMonth],
  ];
}

/** Dollars a month for what jobs leave behind, per so many jobs as were counted. */
export function keptCosts(counts: Counts): [what: string, gigabytes: number, dollars: number][] {
  const gb = (name: string) => (counts[`dynamodb.kept.${name}`] ?? 0) / 1e9;
  const tables = gb('jobs') + gb('documents');
  const indexes = gb('jobs/client') + gb('jobs/sweep');
  const logs = (counts['logs.bytes'] ?? 0) / 1e9 / LOG_COMPRESSION;
  return [
    [
      'rows and events, with point-in-time recovery',
      tables,
      tables * (PRICES.dynamodbGbMonth + PRICES.dynamodbBackupGbMonth),
    ],
    ['indexes', indexes, indexes * PRICES.dynamodbGbMonth],
    [
      'results in the bucket',
      (counts['s3.kept'] ?? 0) / 1e9,
      ((counts['s3.kept'] ?? 0) / 1e9) * PRICES.s3GbMonth,
    ],
    ['logs, compressed', logs, logs * PRICES.logGbMonth],
  ];
}
