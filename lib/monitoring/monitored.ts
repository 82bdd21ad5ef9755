import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type MetricName, NAMESPACE } from '../../functions/core/metrics.ts';
import { StageFunction } from '../stages/stage-function.ts';
import { StageQueue } from '../stages/stage-queue.ts';
import { JobTable } from '../storage/job-table.ts';

export type Statistic = 'Maximum' | 'Sum' | 'p50' | 'p90' | 'p99';

export type Monitored = ReturnType<typeof monitoredIn>;

/** Every function, queue and job table that a deployment has so far, so that a new one is monitored automatically. */
export function monitoredIn(deployment: Construct, { httpApi, name }: { httpApi: HttpApi; name: string }) {
  const constructs = deployment.node.findAll();
  const dimensionsMap = { service: name };
  const own = (metricName: MetricName, statistic: Statistic, label?: string) =>
    new Metric({ namespace: NAMESPACE, metricName, statistic, dimensionsMap, label });
  return {
    functions: constructs.filter((construct) => construct instanceof StageFunction),
    queues: constructs.filter((construct) => construct instanceof StageQueue),
    tables: constructs.filter((construct) => construct instanceof JobTable),
    httpApi,
    own,
    /** Several of them; the label of `WebhooksGone` is "gone". */
    sums: (...names: MetricName[]) => names.map((name) => own(name, 'Sum', wordsOf(name))),
  };
}

function wordsOf(name: MetricName): string {
  const ofWhom = /^(Jobs|Upstream|Webhooks?)(?=[A-Z])/;
  return name
    .replace(ofWhom, '')
    .replaceAll(/\B[A-Z]/g, ' $&')
    .toLowerCase();
}

export type Resource = StageFunction | StageQueue | JobTable;

export function nameOf(resource: Resource): string {
  return resource instanceof StageFunction ? resource.stage : resource.node.id.toLowerCase();
}
