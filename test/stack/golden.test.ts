import { describe, expect, it } from 'vitest';
import { SettingsSchema } from '../../lib/settings/settings.ts';
import { differences, leavesIn, paragraphsOf, textOf } from './leaves.ts';
import { synthesize } from './synthesis.ts';

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Properties = any;

const template = synthesize();
const propertiesOf = (type: string): Properties[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

/** These have golden files of their own. */
const ELSEWHERE = ['AWS::IAM::Policy', 'AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard'];
const resources = leavesIn(template.toJSON(), ELSEWHERE);

const arnOf = (service: string, id: string) => `arn:aws:${service}:eu-central-1:123456789012:${id}`;

/** Each at another value than its default; the other files have `alarmEmail`, which excludes `alarmTopicArn`. */
const EVERY_SETTING: Record<string, unknown> = {
  stackName: 'Other',
  organizationId: 'org_other',
  baseUrl: 'https://studio.ionos.de',
  defaultWebhookUrl: 'https://hooks.example.com:8443/x',
  destinations: JSON.stringify([
    { name: 'orders', arn: arnOf('sqs', 'orders'), clients: ['my-app'] },
    { name: 'jobs', arn: arnOf('events', 'event-bus/jobs') },
  ]),
  defaultDestination: 'orders',
  webhookRetryScheduleSeconds: '0,7',
  webhookPorts: '8443, 9443',
  retentionDays: 10,
  concurrency: 42,
  queueForSeconds: 60,
  conversationsPerCreate: 100,
  bytesPerCreate: 1_000_000,
  partsAtOnce: 4,
  allowResubmit: true,
  forwardTracestate: true,
  jobsAtOnce: 5,
  lagPerPollSeconds: 2.5,
  throttleRate: 30,
  throttleBurst: 70,
  domainName: 'a.example.com, b.example.com',
  certificateArn: `${arnOf('acm', 'certificate/a')}, ${arnOf('acm', 'certificate/b')}`,
  defaultEndpoint: 'off',
  alarmTopicArn: arnOf('sns', 'alarms'),
  logLevel: 'DEBUG',
  logRetentionDays: 7,
  restoredTables: 'Jobs=jobs-restored, ClientKeys=keys-restored',
  removalPolicy: 'destroy',
};

const COMPARISONS: Record<string, string> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '>=',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '<=',
};

/** Such as `Maximum of AWS/SQS Age QueueName=<Queue> over 60 s > 5, in 3 of 5, missing: breaching; tells <Topic>`. */
function conditionOf(alarm: Properties): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods, DatapointsToAlarm, TreatMissingData } = alarm;
  const datapoints = `in ${DatapointsToAlarm ?? EvaluationPeriods} of ${EvaluationPeriods}`;
  const comparison = `${COMPARISONS[ComparisonOperator]} ${Threshold}`;
  const { AlarmActions, OKActions = [], InsufficientDataActions = [] } = alarm;
  const told = [...AlarmActions, ...OKActions, ...InsufficientDataActions].map(textOf).join(', ');
  return `${metricOf(alarm)} ${comparison}, ${datapoints}, missing: ${TreatMissingData}; tells ${told}`;
}

function metricOf({ Metrics, ...alarm }: Properties): string {
  if (!Metrics)
    return `${alarm.Statistic ?? alarm.ExtendedStatistic} of ${sourceOf(alarm)} over ${alarm.Period} s`;
  const parts = Metrics.map(({ Id, Expression, MetricStat }: Properties) =>
    Expression
      ? `${Id} = ${Expression}`
      : `${Id} = ${MetricStat.Stat} of ${sourceOf(MetricStat.Metric)} over ${MetricStat.Period} s`,
  );
  return parts.join('; ');
}

function sourceOf({ Namespace, MetricName, Dimensions }: Properties): string {
  const dimensions = Dimensions.map(({ Name, Value }: Properties) => `${Name}=${textOf(Value)}`);
  return [Namespace, MetricName, ...dimensions].join(' ');
}

/** Its title, and a line for each metric and expression, hidden ones indented. */
function graphOf({ title, metrics, stacked, yAxis }: Properties): string {
  const lines = metrics.map((metric: Properties[]) => {
    const { visible = true, expression, ...options } = metric.at(-1);
    const words = expression ? [expression] : metric.slice(0, -1);
    const rest = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    return `${visible ? '  ' : '    '}${words.join(' ')}; ${rest.join(', ')}`;
  });
  const axes = `${JSON.stringify(yAxis)}${stacked ? ', stacked' : ''}`;
  return [`${title}: ${axes}`, ...lines, ''].join('\n');
}

describe('what `npx vitest run test/stack -u` writes is what is deployed:', () => {
  it('each alarm rings on the condition in the golden file', async () => {
    const lines = propertiesOf('AWS::CloudWatch::Alarm').map((alarm) => {
      const name = alarm.AlarmName['Fn::Join']?.[1].at(-1) ?? alarm.AlarmName;
      return `${name}\n  ${conditionOf(alarm)}`;
    });
    await expect(`${lines.sort().join('\n')}\n`).toMatchFileSnapshot('alarms.golden.txt');
  });

  it('each graph of the dashboard shows what is in the golden file', async () => {
    const [{ DashboardBody }] = propertiesOf('AWS::CloudWatch::Dashboard') as [Properties];
    const graphs = JSON.parse(textOf(DashboardBody))
      .widgets.filter(({ type }: Properties) => type === 'metric')
      .map(({ properties }: Properties) => graphOf(properties));
    await expect(graphs.join('\n')).toMatchFileSnapshot('dashboard.golden.txt');
  });

  it('each other resource has the properties in the golden file', async () => {
    await expect(paragraphsOf(resources)).toMatchFileSnapshot('resources.golden.txt');
  });

  it('every setting that is not the default changes what is in the golden file', async () => {
    const changed = leavesIn(synthesize(EVERY_SETTING).toJSON(), ELSEWHERE);
    const path = 'resources-of-every-setting.golden.txt';
    await expect(paragraphsOf(differences(resources, changed))).toMatchFileSnapshot(path);
  });

  it('every setting has another value than its default in one of the files', () => {
    const given: Record<string, unknown> = { ...EVERY_SETTING, alarmEmail: 'ops@example.com' };
    const defaults = Object.entries(SettingsSchema.parse({}));
    expect(defaults.filter(([name, value]) => String(given[name] ?? value) === String(value))).toEqual([]);
    expect(Object.keys(given).sort()).toEqual(Object.keys(SettingsSchema.shape).sort());
  });
});
