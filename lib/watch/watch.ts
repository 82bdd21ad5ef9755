import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  ComparisonOperator,
  type MathExpression,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import { ALARMS, type AlarmRow } from './alarms.ts';
import { addDashboard } from './dashboard.ts';
import { nameOf, type Watched, watchedIn } from './watched.ts';

const TELLS_NOBODY = 'nobody is notified of alarms: set alarmEmail or alarmTopicArn';

/** Alarms and a dashboard over all that is in the stack by now. */
export class Watch extends Construct {
  constructor(scope: Construct, id: string, settings: Settings, httpApi: HttpApi) {
    super(scope, id);
    const watched = watchedIn(this, httpApi);
    const action = new SnsAction(this.topic(settings));
    const alarms = ALARMS.flatMap((row) => this.addAlarms(row, watched));
    // Not told when all is well again: with a new stack, every alarm says so once.
    for (const alarm of alarms) alarm.addAlarmAction(action);
    addDashboard(this, watched, alarms);
  }

  private topic({ alarmTopicArn, alarmEmail }: Settings): ITopic {
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
    else Annotations.of(this).addWarningV2('modelstudio-jobs:alarms', TELLS_NOBODY);
    return topic;
  }

  private addAlarms(row: AlarmRow, watched: Watched): Alarm[] {
    const named = (subject?: string) => [row.name, subject].filter(Boolean).join('-');
    switch (row.each) {
      case 'stack':
        return [this.addAlarm(named(), row.metric(watched), row)];
      case 'function':
        return watched.functions.map((fn) => this.addAlarm(named(fn.stage), row.metric(fn), row));
      case 'queue':
        return watched.queues.map((queue) => this.addAlarm(named(nameOf(queue)), row.metric(queue), row));
      case 'table':
        return watched.tables.map((table) => this.addAlarm(named(nameOf(table)), row.metric(table), row));
    }
  }

  private addAlarm(name: string, metric: Metric | MathExpression, row: AlarmRow): Alarm {
    return new Alarm(this, name, {
      alarmName: `${Stack.of(this).stackName}-${name}`,
      alarmDescription: `${row.means} docs/runbook.md#${row.name}`,
      metric: metric.with({ period: Duration.minutes(row.minutes) }),
      evaluationPeriods: row.outOf,
      datapointsToAlarm: row.bad,
      treatMissingData: row.missing ?? TreatMissingData.NOT_BREACHING,
      ...('atLeast' in row
        ? {
            threshold: row.atLeast,
            comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          }
        : { threshold: row.below, comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD }),
    });
  }
}
