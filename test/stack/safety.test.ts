import { CfnParameter, CfnResource, type Stack } from 'aws-cdk-lib';
import { ManagedPolicy, type Role } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { expect, it } from 'vitest';
import { allow } from '../../lib/allow.ts';
import { SAFETIES } from '../../lib/safety/safety.ts';
import { judge } from './synthesis.ts';

/** A construct of the stack, by its path. */
function at<T extends IConstruct>(stack: Stack, path: string): T {
  const found = stack.node.findAll().find(({ node }) => node.path === `${stack.node.path}/${path}`);
  if (!found) throw new Error(`The stack has no construct ${path}`);
  return found as T;
}

/** Gives a resource another property, or takes it away. */
function change(path: string, property: string, value?: unknown) {
  return (stack: Stack) => {
    const resource = at(stack, path).node.defaultChild as CfnResource;
    if (value === undefined) resource.addPropertyDeletionOverride(property);
    else resource.addPropertyOverride(property, value);
  };
}

function changeMapping(path: string, property: string, value?: unknown) {
  return (stack: Stack) => {
    const mapping = at(stack, path)
      .node.findAll()
      .filter(CfnResource.isCfnResource)
      .find(({ cfnResourceType }) => cfnResourceType === 'AWS::Lambda::EventSourceMapping');
    if (value === undefined) mapping?.addPropertyDeletionOverride(property);
    else mapping?.addPropertyOverride(property, value);
  };
}

function addFunction(stack: Stack): LambdaFunction {
  return new LambdaFunction(stack, 'Extra', {
    code: Code.fromInline('exports.handler = async () => {}'),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  });
}

/** By way of a queue and a function more. */
function feedThePoller(stack: Stack): void {
  const extra = addFunction(stack);
  const stray = new Queue(stack, 'Stray');
  extra.addEventSource(new SqsEventSource(stray));
  allow(at<LambdaFunction>(stack, 'Poll/Poller'), ['sqs:SendMessage'], stray.queueArn);
  allow(extra, ['sqs:SendMessage'], at<Queue>(stack, 'Poll/Poll/Queue').queueArn);
}

const WEEK = 604_800;

const UNSAFE: [safety: string, sentence: string, takeOut: (stack: Stack) => void][] = [
  ['deadLetters', 'Poll/Poll/Queue has no dead-letter queue', change('Poll/Poll/Queue', 'RedrivePolicy')],
  ['deadLetters', 'Stray has no dead-letter queue', (stack) => new Queue(stack, 'Stray')],
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
    'queueEncryption',
    'Poll/Poll/DeadLetters is not encrypted',
    change('Poll/Poll/DeadLetters', 'SqsManagedSseEnabled', false),
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
    'deadlines',
    'Deliver/Function may run for 23 s: what it waits for and a call to AWS that hangs take 23 s',
    change('Deliver/Function', 'Timeout', 23),
  ],
  [
    'deadlines',
    'Api/Jobs may run for 3 s: what it waits for and a call to AWS that hangs take 8 s',
    change('Api/Jobs', 'Timeout'),
  ],
  [
    'jobRetention',
    'Sweep/Function keeps jobs for 7 days: it must be longer than the longest job lives',
    change('Sweep/Function', 'Environment.Variables.RETENTION_DAYS', '7'),
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
    (stack) => {
      const hidden = new CfnParameter(stack, 'Hidden', { noEcho: true });
      at<LambdaFunction>(stack, 'Api/Submit').addEnvironment('API_KEY', hidden.valueAsString);
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
    'State/Jobs must outlive the stack, but not a first deployment that fails',
    (stack) =>
      (at(stack, 'State/Jobs').node.defaultChild as CfnResource).addOverride('DeletionPolicy', 'Retain'),
  ],
  [
    'retained',
    'State/ClientKeys must outlive the stack, but not a first deployment that fails',
    change('State/ClientKeys', 'DeletionProtectionEnabled', true),
  ],
  [
    'pointInTimeRecovery',
    'State/ClientKeys has no point-in-time recovery',
    change('State/ClientKeys', 'PointInTimeRecoverySpecification'),
  ],
  [
    'timeToLive',
    'State/Jobs is written to, but has no time to live',
    change('State/Jobs', 'TimeToLiveSpecification'),
  ],
  ['expiration', 'State/Bucket has no lifecycle rule', change('State/Bucket', 'LifecycleConfiguration')],
  [
    'expiration',
    'State/Bucket expires objects after 39 days: jobs may lead to them, and deliver them, for 40',
    change('State/Bucket', 'LifecycleConfiguration.Rules.0.ExpirationInDays', 39),
  ],
  [
    'privateBuckets',
    'State/Bucket does not block public access',
    change('State/Bucket', 'PublicAccessBlockConfiguration.BlockPublicPolicy', false),
  ],
  ['bucketEncryption', 'State/Bucket is not encrypted', change('State/Bucket', 'BucketEncryption')],
  [
    'wildcards',
    'Api/JobsRole/DefaultPolicy allows s3:*',
    (stack) =>
      allow(
        at<LambdaFunction>(stack, 'Api/Jobs'),
        ['s3:*'],
        stack.formatArn({ service: 's3', resource: 'mine' }),
      ),
  ],
  [
    'wildcards',
    'Api/JobsRole/DefaultPolicy allows sqs:SendMessage on *',
    (stack) => allow(at<LambdaFunction>(stack, 'Api/Jobs'), ['sqs:SendMessage'], '*'),
  ],
  [
    'wildcards',
    'Api/JobsRole/DefaultPolicy allows dynamodb:GetItem on ',
    (stack) =>
      allow(
        at<LambdaFunction>(stack, 'Api/Jobs'),
        ['dynamodb:GetItem'],
        stack.formatArn({ service: 'dynamodb', resource: 'table/*' }),
      ),
  ],
  [
    'wildcards',
    'Sweep/FunctionRole allows NotAction',
    change('Sweep/FunctionRole', 'Policies', [
      { PolicyDocument: { Statement: [{ Effect: 'Allow', NotAction: 'iam:PassRole', Resource: 'arn:x' }] } },
    ]),
  ],
  [
    'managedPolicies',
    'Sweep/FunctionRole has a managed policy',
    (stack) =>
      at<Role>(stack, 'Sweep/FunctionRole').addManagedPolicy(
        ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess'),
      ),
  ],
  [
    'tlsOnly',
    'Poll/Poll/Queue does not refuse requests without TLS',
    (stack) => at(stack, 'Poll/Poll/Queue').node.tryRemoveChild('Policy'),
  ],
  [
    'tlsOnly',
    'State/Bucket does not refuse requests without TLS',
    change('State/Bucket/Policy', 'PolicyDocument.Statement.0.Effect', 'Allow'),
  ],
  ['tlsOnly', 'News does not refuse requests without TLS', (stack) => new Topic(stack, 'News')],
  [
    'alarms',
    'Poll/Poll/DeadLetters is watched by no alarm',
    change('Watch/dead-letters-poll', 'ActionsEnabled', false),
  ],
  ['alarms', 'Extra is watched by no alarm', addFunction],
];

it.each(UNSAFE)('without %s, a stack does not synthesize: %s', (_safety, sentence, takeOut) => {
  judge({ organizationId: 'org_test' }, (stack, app) => {
    takeOut(stack);
    expect(() => app.synth()).toThrow(`[ModelStudioJobs] ${sentence}`);
  });
});

it('every safety has a stack that lacks it', () => {
  expect([...new Set(UNSAFE.map(([safety]) => safety))].sort()).toEqual(Object.keys(SAFETIES).sort());
});
