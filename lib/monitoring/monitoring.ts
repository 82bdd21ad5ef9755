import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, Dashboard, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';
import { ALARMS, type AlarmMetric, type AlarmRow } from './alarms.ts';
import { widgetsOf } from './dashboard.ts';
import { monitoredIn } from './monitored.ts';
import { QUERIES } from './queries.ts';

const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;

const NOBODY_NOTIFIED = 'nobody is notified of alarms: set alarmEmail or alarmTopicArn';

export class Monitoring extends Construct {
  readonly topic: ITopic;
  readonly alarms: Alarm[] = [];
  readonly dashboard: Dashboard;
  readonly #name: string;
  readonly #action: SnsAction;

  /** Of all that the deployment, its scope, has so far. */
  constructor(scope: Construct, id: string, props: { settings: Settings; httpApi: HttpApi; name: string }) {
    super(scope, id);
    this.#name = props.name;
    const monitored = monitoredIn(scope, props);
    this.topic = this.addTopic(props.settings);
    this.#action = new SnsAction(this.topic);
    for (const row of ALARMS) {
      const metrics =
        typeof row.metric === 'string' ? monitored.own(row.metric, 'Sum') : row.metric(monitored);
      if (Array.isArray(metrics))
        for (const [of, metric] of metrics) this.addAlarm(row, metric, `${row.name}-${of}`);
      else this.addAlarm(row, metrics);
    }
    this.dashboard = new Dashboard(this, 'Dashboard', {
      // Unlike alarms, dashboards are the same in all regions of an account.
      dashboardName: `${this.#name}-${Stack.of(this).region}`,
      defaultInterval: Duration.hours(12),
      widgets: widgetsOf(monitored, this.alarms),
    });
    const logGroupNames = monitored.functions.map(({ logGroup }) => logGroup.logGroupName);
    for (const [id, queryString] of Object.entries(QUERIES))
      new CfnQueryDefinition(this, id, { name: `${this.#name}/${id}`, logGroupNames, queryString });
  }

  private addTopic({ alarmTopicArn, alarmEmail }: Settings): ITopic {
    if (alarmTopicArn !== undefined) return Topic.fromTopicArn(this, 'Topic', alarmTopicArn);
    // Not encrypted: alarms hold no secret, and CloudWatch could publish with a customer's own key only.
    const topic = new Topic(this, 'Topic', { displayName: 'ModelStudio jobs', enforceSSL: true });
    // A topic that has any policy lacks the default one, by which CloudWatch might publish.
    topic.grantPublish(
      new ServicePrincipal('cloudwatch.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    if (alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(alarmEmail));
    else Annotations.of(this).addWarningV2('modelstudio-jobs:alarms', NOBODY_NOTIFIED);
    return topic;
  }

  addAlarm(row: Omit<AlarmRow, 'metric'>, metric: AlarmMetric, id = row.name): void {
    const { below, atLeast = 1, bad, of, periodMinutes } = row.when;
    const alarm = new Alarm(this, id, {
      alarmName: `${this.#name}-${id}`,
      alarmDescription: `${row.means} docs/runbook.md#${row.name}`,
      metric: metric.with({ period: Duration.minutes(periodMinutes) }),
      threshold: below ?? atLeast,
      comparisonOperator: below === undefined ? GREATER_THAN_OR_EQUAL_TO_THRESHOLD : LESS_THAN_THRESHOLD,
      datapointsToAlarm: bad,
      evaluationPeriods: of,
      treatMissingData: row.treatMissingData ?? TreatMissingData.NOT_BREACHING,
    });
    // Nobody is notified when all is well again, as every alarm of a new stack would say so once.
    alarm.addAlarmAction(this.#action);
    this.alarms.push(alarm);
  }
}
