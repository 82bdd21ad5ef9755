import { MathExpression, type Metric, type TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/core/metrics.ts';
import { type Monitored, nameOf, type Resource } from './monitored.ts';

export type AlarmMetric = Metric | MathExpression;

export interface AlarmRow {
  /** The name of the alarm and of its heading in docs/runbook.md. */
  name: string;
  /** Its description, in one sentence. */
  means: string;
  /** The sum of one of our own, or a metric of the whole stack or of each of its functions, queues or tables. */
  metric: MetricName | ((monitored: Monitored) => AlarmMetric | [of: string, AlarmMetric][]);
  /**
   * A datapoint is bad when it is `below` that or, if nothing is said, at least 1. The alarm is raised when so many
   * datapoints of the latest periods are bad.
   */
  when: { atLeast?: number; below?: number; bad: number; of: number; periodMinutes: number };
  /** How a period without data counts; not as bad, unless said otherwise. */
  treatMissingData?: TreatMissingData;
}

export function each<Of extends Resource>(all: Of[], metric: (one: Of) => AlarmMetric) {
  return all.map((one): [of: string, AlarmMetric] => [nameOf(one), metric(one)]);
}

/** @param enough a condition, as a share of too few says nothing */
export function percentage(of: string, bad: Metric, all: Metric, enough: string): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label: `% of the ${of}` });
}
