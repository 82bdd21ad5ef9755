import { CfnResource, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { expect, it } from 'vitest';
import * as rules from '../../lib/rules/rules.ts';
import type { Rule } from '../../lib/rules/wiring.ts';

const RULES: Record<string, Rule> = rules;

import { Wiring } from '../../lib/rules/wiring.ts';
import { readSettings } from '../../lib/settings/read-settings.ts';

interface Given {
  Type: string;
  DeletionPolicy?: string;
  [property: string]: unknown;
}

/** What a rule says of a stack with nothing else in it; the resources' ids are their paths without slashes. */
function said(rule: string, given: Record<string, Given>, context: Record<string, unknown>): unknown[] {
  const stack = new Stack(undefined, 'ModelStudioJobs');
  for (const [path, { Type, DeletionPolicy, ...properties }] of Object.entries(given)) {
    const [id = '', ...scopes] = path.split('/').reverse();
    const scope = scopes.reduceRight<Construct>(
      (outer, name) => (outer.node.tryFindChild(name) ?? new Construct(outer, name)) as Construct,
      stack,
    );
    const resource = new CfnResource(scope, id, { type: Type, properties });
    resource.overrideLogicalId(path.replaceAll('/', ''));
    if (DeletionPolicy) resource.addOverride('DeletionPolicy', DeletionPolicy);
  }
  const wiring = Object.assign(new Wiring(stack), { hiddenParameters: ['Hidden'] });
  const sentences = RULES[rule]?.(wiring, readSettings(context));
  return sentences ?? ['There is no such rule'];
}

const ref = (Ref: string) => ({ Ref });
const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const bucket = (...Rules: object[]) => ({
  B: { Type: 'AWS::S3::Bucket', LifecycleConfiguration: { Rules } },
});
const enabled = (ExpirationInDays: number, more = {}) => ({ Status: 'Enabled', ExpirationInDays, ...more });
const queue = (properties = {}) => ({ Type: 'AWS::SQS::Queue', ...properties });
const setAside = (maxReceiveCount: number) => ({
  RedrivePolicy: { deadLetterTargetArn: arn('Dead'), maxReceiveCount },
});
const fn = (properties = {}) => ({ Type: 'AWS::Lambda::Function', Role: arn('Role'), ...properties });
const mapping = (properties = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  ...{ EventSourceArn: arn('Queue'), FunctionName: ref('Fn'), ...properties },
});
const consumed = (queued: object, ran: object, mapped = {}) => ({
  Queue: queue(queued),
  Fn: fn(ran),
  Map: mapping(mapped),
});
const variables = (Variables: object) => ({ Fn: fn({ Environment: { Variables } }) });
const allowing = (Action: string, Resource: unknown, Effect = 'Allow') => ({
  Type: 'AWS::IAM::Policy',
  ...{ Roles: [ref('Role')], PolicyDocument: { Statement: [{ Effect, Action, Resource }] } },
});
const table = (properties = {}) => ({ Type: 'AWS::DynamoDB::Table', ...properties });
const alarm = (properties: object) => ({
  Queue: queue(),
  Alarm: { Type: 'AWS::CloudWatch::Alarm', ...properties },
});
const kept = { DeletionPolicy: 'RetainExceptOnCreate' };
const scheduled = (target: object, invoked: object) => ({
  Fn: fn(),
  Rule: { Type: 'AWS::Events::Rule', Targets: [{ Arn: arn('Fn'), ...target }] },
  Config: { Type: 'AWS::Lambda::EventInvokeConfig', FunctionName: ref('Fn'), ...invoked },
});
const ONCE = { RetryPolicy: { MaximumRetryAttempts: 0 } };

/** Whose rule says nothing has no sentence. */
const CASES: [
  rule: string,
  what: string,
  given: Record<string, Given>,
  sentence?: RegExp,
  context?: Record<string, unknown>,
][] = [
  ['expiration', 'just long enough', bucket(enabled(40))],
  [
    'expiration',
    'the second of two is too short',
    bucket(enabled(40), enabled(39)),
    /^B expires objects after 39 days/,
  ],
  [
    'expiration',
    'the first of two is too short',
    bucket(enabled(39), enabled(40)),
    /^B expires objects after 39 days/,
  ],
  ['expiration', 'the short one is off', bucket(enabled(40), { ...enabled(39), Status: 'Disabled' })],
  ['expiration', 'the short one is for a prefix', bucket(enabled(40), enabled(39, { Prefix: 'a/' }))],
  [
    'expiration',
    'the only one is for a prefix',
    bucket(enabled(40, { Prefix: 'a/' })),
    /^B has no lifecycle rule/,
  ],
  ['expiration', 'another retention', bucket(enabled(40)), /for 110\.$/, { retentionDays: 100 }],
  ['receives', 'the fewest', { Queue: queue(setAside(5)), Dead: queue() }],
  [
    'receives',
    'one less',
    { Queue: queue(setAside(4)), Dead: queue() },
    /^Queue sets a message aside after 4 /,
  ],
  ['receives', 'the most', { Queue: queue(setAside(100)), Dead: queue() }],
  [
    'receives',
    'one more',
    { Queue: queue(setAside(101)), Dead: queue() },
    /^Queue sets a message aside after 101 /,
  ],
  ...[
    ['a queue of another stack', 'Other-Queue-x1'],
    ['one whose name only begins so', 'ModelStudioJobs-Queues'],
    ["one of the stack's own", 'ModelStudioJobs-Queue-x1', /^The destination own is Queue, /] as const,
  ].map(([what = '', name, sentence]): (typeof CASES)[number] => [
    'destinations',
    String(what),
    { Queue: queue() },
    sentence as RegExp | undefined,
    { destinations: [{ name: 'own', arn: `arn:aws:sqs:eu-central-1:123456789012:${name}` }] },
  ]),
  ['messageRetention', 'a week', { Queue: queue({ MessageRetentionPeriod: 604_800 }) }],
  [
    'deadLetterRetention',
    'as long as before',
    { Queue: queue(setAside(5)), Dead: queue() },
    /^Dead must keep messages longer than Queue/,
  ],
  [
    'deadLetterRetention',
    'a second longer than before',
    { Queue: queue(setAside(5)), Dead: queue({ MessageRetentionPeriod: 345_601 }) },
  ],
  ['visibility', 'six times the timeout', consumed({ VisibilityTimeout: 120 }, { Timeout: 20 })],
  ['visibility', 'the default of both', consumed({}, {})],
  [
    'visibility',
    'the default of the queue',
    consumed({}, { Timeout: 6 }),
    /^Queue hides a message for 30 s: it must be 36/,
  ],
  [
    'visibility',
    'six times the timeout and the window',
    consumed({ VisibilityTimeout: 122 }, { Timeout: 20 }, { MaximumBatchingWindowInSeconds: 2 }),
  ],
  ['leases', 'a function that holds none', { 'Poll/Poller': fn({ Timeout: 900 }) }],
  ['leases', 'just shorter', { 'Api/Submit': fn({ Timeout: 59 }) }],
  ['leases', 'as long', { 'Deliver/Function': fn({ Timeout: 60 }) }, /^Deliver\/Function may run for 60 s/],
  ['concurrency', 'of none', consumed({}, {}, { ScalingConfig: { MaximumConcurrency: 2 } })],
  ['partialBatches', 'reported', consumed({}, {}, { FunctionResponseTypes: ['ReportBatchItemFailures'] })],
  ['environmentSecrets', 'an ARN', variables({ A: ref('Secret') })],
  ['environmentSecrets', 'a parameter', variables({ A: ref('Shown') })],
  [
    'environmentSecrets',
    'a hidden parameter',
    variables({ A: ref('Hidden') }),
    /in its environment variable A:/,
  ],
  ['environmentSecrets', 'a parameter store', variables({ A: '{{resolve:ssm-secure:a}}' }), /variable A:/],
  ['environmentSecrets', 'a client key', variables({ A: 'x msj_abc_d' }), /variable A:/],
  ['environmentSecrets', 'a key of AWS', variables({ A: `AKIA${'A1'.repeat(8)}` }), /variable A:/],
  ['environmentSecrets', 'the beginning of a key', variables({ A: 'AKIA' })],
  ['environmentSize', 'all of it', variables({ A: 'x'.repeat(4095) })],
  [
    'environmentSize',
    'one too many',
    variables({ A: 'x'.repeat(4096) }),
    /^Fn has too large an environment, most of it A: about 4097/,
  ],
  ['environmentSize', 'in bytes', variables({ A: 'é'.repeat(2048) }), /about 4097/],
  ['retained', 'kept', { T: table(kept), S: { Type: 'AWS::SecretsManager::Secret', ...kept } }],
  ['retained', 'kept in any case', { T: table({ DeletionPolicy: 'Retain' }) }],
  ['retained', 'not kept', { S: { Type: 'AWS::SecretsManager::Secret' } }, /^S must outlive the stack/],
  ['retained', 'of a bucket', { ...bucket() }, /^B must outlive the stack/],
  [
    'retained',
    'not to be kept',
    { T: table({ DeletionPolicy: 'Delete' }) },
    undefined,
    { removalPolicy: 'destroy' },
  ],
  ['timeToLive', 'of what is only read', { T: table(), Fn: fn(), P: allowing('dynamodb:GetItem', arn('T')) }],
  [
    'timeToLive',
    'of what is updated',
    { T: table(), Fn: fn(), P: allowing('dynamodb:UpdateItem', arn('T')) },
    /^T is written to/,
  ],
  [
    'timeToLive',
    'of what may not be written to',
    { T: table(), Fn: fn(), P: allowing('dynamodb:PutItem', arn('T'), 'Deny') },
  ],
  [
    'timeToLive',
    'of a global table that a managed policy lets a function write to',
    {
      T: { Type: 'AWS::DynamoDB::GlobalTable' },
      Fn: fn(),
      P: { ...allowing('dynamodb:PutItem', arn('T')), Type: 'AWS::IAM::ManagedPolicy' },
    },
    /^T is written to/,
  ],
  [
    'timeToLive',
    'of a table that another role lets a function write to',
    { T: table(), Fn: fn({ Role: arn('Other') }), P: allowing('dynamodb:PutItem', arn('T')) },
  ],
  [
    'environmentSize',
    'with references, of which nobody knows how long they become',
    variables({ A: ref('Secret'), B: 'x'.repeat(3895) }),
    /most of it B: about 4097/,
  ],
  [
    'timeToLive',
    'of what stays small',
    { 'State/DurationStats': table(), Fn: fn(), P: allowing('dynamodb:PutItem', arn('StateDurationStats')) },
  ],
  ['alarms', 'by its dimensions', alarm({ Dimensions: [{ Value: arn('Queue') }] })],
  ['alarms', 'by its metrics', alarm({ Metrics: [{ MetricStat: arn('Queue') }] })],
  ['alarms', 'by what it does', alarm({ AlarmActions: [arn('Queue')] }), /^Queue is watched by no alarm/],
  ['ruleTargets', 'once', scheduled(ONCE, { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 })],
  [
    'ruleTargets',
    'twice',
    scheduled({}, { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }),
    /^Rule may repeat Fn:/,
  ],
  ['ruleTargets', 'by Lambda', scheduled(ONCE, { MaximumEventAgeInSeconds: 60 }), /^Rule may repeat Fn:/],
  ['ruleTargets', 'late', scheduled(ONCE, { MaximumRetryAttempts: 0 }), /^Rule may repeat Fn:/],
  [
    'ruleTargets',
    'as another function',
    scheduled(ONCE, { FunctionName: ref('Other'), MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }),
    /^Rule may repeat Fn:/,
  ],
  ['recursiveLoop', 'that does not feed itself', consumed({}, {})],
  [
    'recursiveLoop',
    'that does',
    { ...consumed({}, {}), P: allowing('sqs:SendMessage', arn('Queue')) },
    /^Fn may wake itself/,
  ],
  [
    'recursiveLoop',
    'that is exempt',
    { ...consumed({}, { RecursiveLoop: 'Allow' }), P: allowing('sqs:SendMessage', arn('Queue')) },
  ],
];

it.each(CASES)('the rule %s, %s', (rule, _what, given, sentence, context = {}) => {
  expect(said(rule, given, context)).toEqual(sentence ? [expect.stringMatching(sentence)] : []);
});
