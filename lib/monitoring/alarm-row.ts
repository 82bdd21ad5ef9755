import { MathExpression, type Metric, type TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/core/metrics.ts';
import { type Monitored, nameOf, type Resource } from './monitored.ts';

export type AlarmMetric = Metric | MathExpression;

export interface AlarmRow {
  /** The name of the alarm and of its heading in docs/runbook.md. */
  name: string;
  /** Its description, in one sentence. */
  means: string;
  /** A metric of the whole stack, or one for each of its functions, queues or tables. */
  metric(monitored: Monitored): AlarmMetric | [of: string, AlarmMetric][];
  /**
   * A datapoint is bad when it is `below` that or, if nothing is said, at least 1. The alarm is raised when so many
   * datapoints of the latest periods are bad.
   */
  when: { atLeast?: number; below?: number; bad: number; of: number; periodMinutes: number };
  /** How a period without data counts; not as bad, unless said otherwise. */
  treatMissingData?: TreatMissingData;
}

export function sum(name: MetricName): AlarmRow['metric'] {
  return ({ own }) => own(name, 'Sum');
}

const each =
  <Of extends Resource>(all: (monitored: Monitored) => Of[]) =>
  (metric: (one: Of) => AlarmMetric): AlarmRow['metric'] =>
  (monitored) =>
    all(monitored).map((one) => [nameOf(one), metric(one)]);

export const eachFunction = each(({ functions }) => functions);
export const eachQueue = each(({ queues }) => queues);
export const eachTable = each(({ tables }) => tables);

/** @param enough a condition, as a share of too few says nothing */
export function percentage(of: string, bad: Metric, all: Metric, enough: string): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label: `% of the ${of}` });
}
