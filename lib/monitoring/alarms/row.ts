import {
  type ComparisonOperator,
  MathExpression,
  type Metric,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../../functions/core/metrics.ts';
import type { StageFunction } from '../../stages/stage-function.ts';
import type { StageQueue } from '../../stages/stage-queue.ts';
import type { JobTable } from '../../storage/job-table.ts';
import { type Monitored, nameOf } from '../monitored.ts';

export type AlarmMetric = Metric | MathExpression;

/** A kind of alarm. */
export interface AlarmRow {
  /** Of the alarm, and of its heading in docs/runbook.md. */
  name: string;
  /** In one sentence: its description. */
  means: string;
  /** One for each alarm, with what it is about, such as a queue; null when that is the whole stack. */
  metrics(monitored: Monitored): [subject: string | null, AlarmMetric][];
  threshold: number;
  /** A datapoint is bad when it is at or above the threshold, unless said otherwise. */
  comparisonOperator?: ComparisonOperator;
  /** The alarm is raised when so many datapoints of the latest periods are bad. */
  evaluation: { periodMinutes: number; datapointsToAlarm: number; evaluationPeriods: number };
  /** What a period without data is taken for; not bad, unless said otherwise. */
  treatMissingData?: TreatMissingData;
}

type Metrics = AlarmRow['metrics'];

export function ofStack(metric: (monitored: Monitored) => AlarmMetric): Metrics {
  return (monitored) => [[null, metric(monitored)]];
}

export function perFunction(metric: (fn: StageFunction) => AlarmMetric): Metrics {
  return ({ functions }) => functions.map((fn) => [fn.stage, metric(fn)]);
}

export function perQueue(metric: (queue: StageQueue) => AlarmMetric): Metrics {
  return ({ queues }) => queues.map((queue) => [nameOf(queue), metric(queue)]);
}

export function perTable(metric: (table: JobTable) => AlarmMetric): Metrics {
  return ({ tables }) => tables.map((table) => [nameOf(table), metric(table)]);
}

export function sumOf(name: MetricName): Metrics {
  return ofStack(({ own }) => own(name, 'Sum'));
}

export function onceInAQuarterHour(name: MetricName) {
  const evaluation = { periodMinutes: 15, datapointsToAlarm: 1, evaluationPeriods: 1 };
  return { metrics: sumOf(name), threshold: 1, evaluation };
}

interface Percentage {
  bad: Metric;
  all: Metric;
  /** What must hold, or there are too few to say that any are too many. */
  enough: string;
  label: string;
}

export function percentage({ bad, all, enough, label }: Percentage): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label });
}
