import { describe, expect, it } from 'vitest';
import { synthesize } from './synthesis.ts';

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Properties = any;

const template = synthesize();
const propertiesOf = (type: string): Properties[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

const COMPARISONS: Record<string, string> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '>=',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '<=',
};

/** Such as `Maximum of Age over 60 s > 5, in 3 of 5, missing: breaching`. */
function conditionOf(alarm: Properties): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods, DatapointsToAlarm, TreatMissingData } = alarm;
  const datapoints = `in ${DatapointsToAlarm ?? EvaluationPeriods} of ${EvaluationPeriods}`;
  const comparison = `${COMPARISONS[ComparisonOperator]} ${Threshold}`;
  return `${metricOf(alarm)} ${comparison}, ${datapoints}, missing: ${TreatMissingData}`;
}

function metricOf({ Metrics, ...alarm }: Properties): string {
  if (!Metrics)
    return `${alarm.Statistic ?? alarm.ExtendedStatistic} of ${alarm.MetricName} over ${alarm.Period} s`;
  const parts = Metrics.map(({ Id, Expression, MetricStat }: Properties) =>
    Expression
      ? `${Id} = ${Expression}`
      : `${Id} = ${MetricStat.Stat} of ${MetricStat.Metric.MetricName} over ${MetricStat.Period} s`,
  );
  return parts.join('; ');
}

describe('what `npx vitest run test/stack -u` writes is what is deployed:', () => {
  it('each alarm rings on the condition in the golden file', async () => {
    const lines = propertiesOf('AWS::CloudWatch::Alarm').map((alarm) => {
      const name = alarm.AlarmName['Fn::Join']?.[1].at(-1) ?? alarm.AlarmName;
      return `${name}\n  ${conditionOf(alarm)}`;
    });
    await expect(`${lines.sort().join('\n')}\n`).toMatchFileSnapshot('alarms.golden.txt');
  });

  it('each table and index has the keys in the golden file, and each schedule its rate', async () => {
    const tables = propertiesOf('AWS::DynamoDB::Table').map((table) => {
      const types = new Map(
        table.AttributeDefinitions.map((a: Properties) => [a.AttributeName, a.AttributeType]),
      );
      const keysOf = ({ KeySchema }: Properties) =>
        KeySchema.map(({ AttributeName }: Properties) => `${AttributeName} ${types.get(AttributeName)}`).join(
          ', ',
        );
      const indexes = (table.GlobalSecondaryIndexes ?? []).map(
        (index: Properties) =>
          `  index ${index.IndexName}: ${keysOf(index)}; ${index.Projection.ProjectionType}`,
      );
      const ttl = table.TimeToLiveSpecification?.AttributeName ?? 'never';
      return [`table: ${keysOf(table)}; expires by ${ttl}`, ...indexes].join('\n');
    });
    const schedules = propertiesOf('AWS::Events::Rule').map((rule) => `schedule: ${rule.ScheduleExpression}`);
    await expect(`${[...tables.sort(), ...schedules].join('\n')}\n`).toMatchFileSnapshot(
      'keys-and-schedules.golden.txt',
    );
  });
});
