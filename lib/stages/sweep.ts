import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { toQuery, toRows } from './grant.ts';
import { StageFunction, type WakingStageProps } from './stage-function.ts';

/** Rescues jobs whose wake-up is lost, once a minute. */
export class Sweep extends Construct {
  constructor(scope: Construct, id: string, props: WakingStageProps) {
    super(scope, id);
    const { storage, pollQueue, deliverQueue, createQueue } = props;
    const fn = new StageFunction(this, 'Function', {
      ...props,
      name: 'sweep',
      environment: {
        POLL_QUEUE_URL: pollQueue,
        DELIVER_QUEUE_URL: deliverQueue,
        CREATE_QUEUE_URL: createQueue,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem', 'UpdateItem'),
        toQuery(storage.jobs, 'sweep'),
        ...storage.toEndJobs,
        storage.toObjects('DeleteObject', 'uploads'),
      ],
    });
    // The next minute's sweep is as good as a retry of this one. The target's setting applies to the rule alone: Lambda
    // has accepted the event by then, and would retry it itself.
    fn.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(fn, { retryAttempts: 0, event: RuleTargetInput.fromObject({}) })],
    });
  }
}
