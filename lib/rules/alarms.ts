import { referredId } from './resources.ts';
import type { Rule } from './rule.ts';

interface MetricProperties {
  Dimensions?: { Name: string; Value: unknown }[];
}

interface AlarmProperties extends MetricProperties {
  ActionsEnabled?: boolean;
  Metrics?: { MetricStat?: { Metric: MetricProperties } }[];
}

export const alarms: Rule = ({ resources, wiring }) => {
  const monitored = resources
    .ofType<AlarmProperties>('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.ActionsEnabled !== false)
    .flatMap(({ properties }) => [properties, ...metricsOf(properties)])
    .flatMap(({ Dimensions = [] }) => Dimensions.map(({ Value }) => referredId(Value)));
  return [...wiring.queues, ...wiring.functions]
    .filter(({ logicalId }) => !monitored.includes(logicalId))
    .map(({ path }) => `${path} is watched by no alarm.`);
};

function metricsOf({ Metrics = [] }: AlarmProperties): MetricProperties[] {
  return Metrics.flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []));
}
