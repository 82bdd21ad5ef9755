import { CfnParameter, CfnResource, NestedStack, RemovalPolicies, Stack } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { expect, it } from 'vitest';
import * as rules from '../../lib/rules/rules.ts';
import type { Rule } from '../../lib/rules/wiring.ts';

const RULES: Record<string, Rule> = rules;

import { constructAt as at, judge } from './synthesis.ts';

/** Gives a resource another property, or takes it away. */
function change(path: string, property: string, value?: unknown) {
  return (jobs: Construct) => {
    const resource = at(jobs, path).node.defaultChild as CfnResource;
    if (value === undefined) resource.addPropertyDeletionOverride(property);
    else resource.addPropertyOverride(property, value);
  };
}

function changeMapping(path: string, property: string, value?: unknown) {
  return (jobs: Construct) => {
    const mapping = at(jobs, path)
      .node.findAll()
      .filter(CfnResource.isCfnResource)
      .find(({ cfnResourceType }) => cfnResourceType === 'AWS::Lambda::EventSourceMapping');
    if (value === undefined) mapping?.addPropertyDeletionOverride(property);
    else mapping?.addPropertyOverride(property, value);
  };
}

function addFunction(jobs: Construct): LambdaFunction {
  return new LambdaFunction(jobs, 'Extra', {
    code: Code.fromInline('exports.handler = async () => {}'),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  });
}

/** By way of a queue and a function more. */
function feedThePoller(jobs: Construct): void {
  const extra = addFunction(jobs);
  const stray = new Queue(jobs, 'Stray');
  extra.addEventSource(new SqsEventSource(stray));
  const toSendTo = ({ queueArn }: Queue) => ({ actions: ['sqs:SendMessage'], resourceArns: [queueArn] });
  Grant.addToPrincipal({ grantee: at<LambdaFunction>(jobs, 'Poll/Poller'), ...toSendTo(stray) });
  Grant.addToPrincipal({ grantee: extra, ...toSendTo(at<Queue>(jobs, 'Poll/Poll/Queue')) });
}

const WEEK = 604_800;

const BROKEN: [rule: string, sentence: string, breakIt: (jobs: Construct) => void, context?: object][] = [
  [
    'destinations',
    "The destination own is Poll/Poll/Queue, a queue of the stack's own",
    (jobs) => (at(jobs, 'Poll/Poll/Queue').node.defaultChild as CfnResource).overrideLogicalId('Polled'),
    {
      destinations: [{ name: 'own', arn: 'arn:aws:sqs:eu-central-1:123456789012:ModelStudioJobs-Polled-x1' }],
    },
  ],
  [
    'receives',
    'Poll/Collect/Queue sets a message aside after 1 receives (maxReceiveCount): it must be 5 to 100',
    change('Poll/Collect/Queue', 'RedrivePolicy.maxReceiveCount', 1),
  ],
  [
    'receives',
    'Poll/Collect/Queue sets a message aside after 0 receives',
    change('Poll/Collect/Queue', 'RedrivePolicy.maxReceiveCount'),
  ],
  [
    'messageRetention',
    'Deliver/Deliver/Queue keeps messages for 604799 s, shorter than the longest job lives',
    change('Deliver/Deliver/Queue', 'MessageRetentionPeriod', WEEK - 1),
  ],
  [
    'messageRetention',
    'Deliver/Deliver/Queue keeps messages for 345600 s',
    change('Deliver/Deliver/Queue', 'MessageRetentionPeriod'),
  ],
  [
    'deadLetterRetention',
    'Poll/Poll/DeadLetters must keep messages longer than Poll/Poll/Queue',
    change('Poll/Poll/DeadLetters', 'MessageRetentionPeriod', WEEK),
  ],
  [
    'visibility',
    'Poll/Poll/Queue hides a message for 119 s: it must be 120 s or more, six times the timeout of Poll/Poller',
    change('Poll/Poll/Queue', 'VisibilityTimeout', 119),
  ],
  ['visibility', 'Poll/Poll/Queue hides a message for 120 s', change('Poll/Poller', 'Timeout', 21)],
  [
    'visibility',
    'Poll/Poll/Queue hides a message for 120 s: it must be 121 s or more, six times the timeout of Poll/Poller and its batching window',
    changeMapping('Poll/Poller', 'MaximumBatchingWindowInSeconds', 1),
  ],
  [
    'recursiveLoop',
    'Poll/Poller may wake itself, so it needs RecursiveLoop: Allow',
    change('Poll/Poller', 'RecursiveLoop'),
  ],
  [
    'recursiveLoop',
    'Deliver/Function may wake itself',
    change('Deliver/Function', 'RecursiveLoop', 'Terminate'),
  ],
  ['recursiveLoop', 'Extra may wake itself', feedThePoller],
  ['recursiveLoop', 'Api/Jobs is exempt from loop detection', change('Api/Jobs', 'RecursiveLoop', 'Allow')],
  [
    'concurrency',
    'Deliver/Function consumes Deliver/Deliver/Queue without a maxConcurrency',
    changeMapping('Deliver/Function', 'ScalingConfig'),
  ],
  [
    'partialBatches',
    'Poll/Poller consumes Poll/Poll/Queue without reportBatchItemFailures',
    changeMapping('Poll/Poller', 'FunctionResponseTypes'),
  ],
  [
    'leases',
    'Api/Submit may run for 60 s: it must be less than its lease of 60 s',
    change('Api/Submit', 'Timeout', 60),
  ],
  [
    'leases',
    'Deliver/Deliver/Queue must hide a message for longer than the lease of Deliver/Function, 60 s',
    change('Deliver/Deliver/Queue', 'VisibilityTimeout', 60),
  ],
  [
    'leases',
    'Create/Create/Queue must hide a message for longer than the lease of Create/Function, 60 s',
    change('Create/Create/Queue', 'VisibilityTimeout', 60),
  ],
  [
    'environmentSecrets',
    "Deliver/Function has a secret's value in its environment variable SIGNING",
    change('Deliver/Function', 'Environment.Variables.SIGNING', '{{resolve:secretsmanager:signing}}'),
  ],
  [
    'environmentSecrets',
    "Api/Jobs has a secret's value in its environment variable SIGNING",
    change('Api/Jobs', 'Environment.Variables.SIGNING', 'whsec_c2VjcmV0'),
  ],
  [
    'environmentSecrets',
    "Api/Submit has a secret's value in its environment variable API_KEY",
    (jobs) => {
      const hidden = new CfnParameter(jobs, 'Hidden', { noEcho: true });
      at<LambdaFunction>(jobs, 'Api/Submit').addEnvironment('API_KEY', hidden.valueAsString);
    },
  ],
  [
    'environmentSecrets',
    "Api/Submit has a secret's value in its environment variable API_KEY",
    (jobs) => {
      const besideIt = new CfnParameter(Stack.of(jobs), 'Hidden', { noEcho: true });
      at<LambdaFunction>(jobs, 'Api/Submit').addEnvironment('API_KEY', besideIt.valueAsString);
    },
  ],
  [
    'environmentSize',
    'Api/Submit has too large an environment, most of it MODELSTUDIO_BASE_URL: about ',
    change('Api/Submit', 'Environment.Variables.MODELSTUDIO_BASE_URL', `https://${'x'.repeat(3000)}.example`),
  ],
  [
    'ruleTargets',
    'Sweep/EveryMinute may repeat Sweep/Function: the target needs retryAttempts: 0',
    change('Sweep/EveryMinute', 'Targets.0.RetryPolicy'),
  ],
  [
    'ruleTargets',
    'Sweep/EveryMinute may repeat Sweep/Function: ',
    change('Sweep/Function/EventInvokeConfig', 'MaximumEventAgeInSeconds'),
  ],
  [
    'retained',
    'State/Jobs must outlive the stack, by RetainExceptOnCreate or Retain without deletion protection; if it shall not, set removalPolicy to destroy.',
    (jobs) => RemovalPolicies.of(jobs).destroy(),
  ],
  [
    'retained',
    'State/ClientKeys must outlive the stack, ',
    change('State/ClientKeys', 'DeletionProtectionEnabled', true),
  ],
  [
    'timeToLive',
    'State/Jobs is written to, but has no time to live',
    change('State/Jobs', 'TimeToLiveSpecification'),
  ],
  ['expiration', 'State/Bucket has no lifecycle rule', change('State/Bucket', 'LifecycleConfiguration')],
  [
    'expiration',
    'State/Bucket expires objects after 39 days: jobs may point to them, and deliver them, for 40',
    change('State/Bucket', 'LifecycleConfiguration.Rules.2.ExpirationInDays', 39),
  ],
  [
    'alarms',
    'Poll/Poll/DeadLetters is watched by no alarm',
    change('Watch/dead-letters-poll', 'ActionsEnabled', false),
  ],
  ['alarms', 'Extra is watched by no alarm', addFunction],
];

it.each(BROKEN)(
  'a stack that breaks the rule %s does not synthesize: %s',
  (_rule, sentence, breakIt, context) => {
    judge({ organizationId: 'org_test', ...context }, (jobs, app) => {
      breakIt(jobs);
      expect(() => app.synth()).toThrow(`[ModelStudioJobs/Default] ${sentence}`);
    });
  },
);

it("a nested stack's hidden parameter may have the name of one that a function reads", () => {
  judge({ organizationId: 'org_test' }, (jobs, app) => {
    const visible = new CfnParameter(Stack.of(jobs), 'Region');
    at<LambdaFunction>(jobs, 'Api/Submit').addEnvironment('REGION_OF_USERS', visible.valueAsString);
    const nested = new NestedStack(Stack.of(jobs), 'Nested', { parameters: { Region: 'eu' } });
    new CfnParameter(nested, 'Region', { noEcho: true });
    new CfnResource(nested, 'Topic', { type: 'AWS::SNS::Topic' });
    expect(() => app.synth()).not.toThrow();
  });
});

it('every rule has a test with a stack that breaks it', () => {
  expect([...new Set(BROKEN.map(([rule]) => rule))].sort()).toEqual(Object.keys(RULES).sort());
});
