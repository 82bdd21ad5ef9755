import { Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type MetricName, NAMESPACE } from '../../functions/core/metrics.ts';
import { StageFunction } from '../stages/stage-function.ts';
import { StageQueue } from '../stages/stage-queue.ts';
import { JobTable } from '../storage/job-table.ts';

/** The statistic of a metric over a period, in CloudWatch's words. */
export type Statistic = 'Average' | 'Maximum' | 'Sum' | 'p50' | 'p90' | 'p99';

export interface Monitored {
  stackName: string;
  functions: StageFunction[];
  queues: StageQueue[];
  tables: JobTable[];
  httpApi: HttpApi;
  /** One of the product's own metrics. */
  own(name: MetricName, statistic: Statistic, label?: string): Metric;
}

/** Every function, queue and job table that the stack has so far, so that a new one is monitored automatically. */
export function monitoredIn(scope: Construct, httpApi: HttpApi): Monitored {
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

export type Resource = StageFunction | StageQueue | JobTable;

/** A label for alarms and graphs. */
export function nameOf(resource: Resource): string {
  return resource instanceof StageFunction ? resource.stage : resource.node.id.toLowerCase();
}
