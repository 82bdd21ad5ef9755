import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { allow } from './allow.ts';
import type { Deliver } from './deliver.ts';
import { StageFunction } from './function.ts';
import type { Poll } from './poll.ts';
import type { Shared } from './shared.ts';

/** Looks after jobs whose wake-up is lost, once a minute. */
export class Sweep extends Construct {
  constructor(scope: Construct, id: string, shared: Shared, poll: Poll, deliver: Deliver) {
    super(scope, id);
    const { state } = shared;
    const fn = new StageFunction(this, 'Function', shared, {
      name: 'sweep',
      environment: {
        POLL_QUEUE_URL: poll.queue.queue.queueUrl,
        DELIVER_QUEUE_URL: deliver.queue.queue.queueUrl,
      },
    });
    state.grantJobs(fn, 'dynamodb:GetItem', 'dynamodb:PutItem');
    allow(fn, ['dynamodb:Query'], `${state.jobs.tableArn}/index/sweep`);
    state.grantWriteDocuments(fn);
    allow(fn, ['sqs:SendMessage'], poll.queue.queue.queueArn, deliver.queue.queue.queueArn);
    // The next minute's sweep is worth as much as a repeat of this one. The target's setting binds the rule alone: Lambda
    // has taken the event by then, and would repeat it itself.
    fn.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'EveryMinute', {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(fn, { retryAttempts: 0, event: RuleTargetInput.fromObject({}) })],
    });
  }
}
