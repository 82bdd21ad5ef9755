import { Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type MetricName, NAMESPACE } from '../../functions/core/metrics.ts';
import { StageFunction } from '../function.ts';
import { JobTable } from '../job-table.ts';
import { StageQueue } from '../queue.ts';

/** Of a metric over a period, as CloudWatch names it. */
export type Statistic = 'Average' | 'Maximum' | 'Sum' | 'p50' | 'p90' | 'p99';

/** What there is to watch. */
export interface Watched {
  stackName: string;
  functions: StageFunction[];
  queues: StageQueue[];
  tables: JobTable[];
  httpApi: HttpApi;
  /** One of the product's own metrics. */
  own(name: MetricName, statistic: Statistic, label?: string): Metric;
}

/** Every function, queue and job table that the stack has by now, so that a new one is watched without a word. */
export function watchedIn(scope: Construct, httpApi: HttpApi): Watched {
  const { stackName, node } = Stack.of(scope);
  const constructs = node.findAll();
  return {
    stackName,
    functions: constructs.filter((construct) => construct instanceof StageFunction),
    queues: constructs.filter((construct) => construct instanceof StageQueue),
    tables: constructs.filter((construct) => construct instanceof JobTable),
    httpApi,
    own: (metricName, statistic, label) =>
      new Metric({
        namespace: NAMESPACE,
        metricName,
        statistic,
        dimensionsMap: { service: stackName },
        ...(label !== undefined && { label }),
      }),
  };
}

export function nameOf({ node }: StageQueue | JobTable): string {
  return node.id.toLowerCase();
}
