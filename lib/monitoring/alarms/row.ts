import {
  type ComparisonOperator,
  MathExpression,
  type Metric,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../../functions/core/metrics.ts';
import { type Monitored, nameOf, type Resource } from '../monitored.ts';

export type AlarmMetric = Metric | MathExpression;

/** A kind of alarm. */
export interface AlarmRow {
  /** The name of the alarm and of its heading in docs/runbook.md. */
  name: string;
  /** Its description, in one sentence. */
  means: string;
  /** A metric of the whole stack, or one for each of its functions, queues or tables. */
  metric(monitored: Monitored): AlarmMetric | [of: string, AlarmMetric][];
  threshold: number;
  /** A datapoint is bad when it is at or above the threshold, unless said otherwise. */
  comparisonOperator?: ComparisonOperator;
  /** The alarm is raised when this many datapoints of the latest periods are bad. */
  evaluation: { periodMinutes: number; datapointsToAlarm: number; evaluationPeriods: number };
  /** How a period without data counts; not as bad, unless said otherwise. */
  treatMissingData?: TreatMissingData;
}

export function each<Of extends Resource>(
  all: Of[],
  metric: (one: Of) => AlarmMetric,
): [of: string, AlarmMetric][] {
  return all.map((one) => [nameOf(one), metric(one)]);
}

export function onceInAQuarterHour(name: MetricName) {
  const evaluation = { periodMinutes: 15, datapointsToAlarm: 1, evaluationPeriods: 1 };
  return { metric: ({ own }: Monitored) => own(name, 'Sum'), threshold: 1, evaluation };
}

interface Percentage {
  bad: Metric;
  all: Metric;
  /** A condition, as a share of too few says nothing. */
  enough: string;
  label: string;
}

export function percentage({ bad, all, enough, label }: Percentage): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label });
}
