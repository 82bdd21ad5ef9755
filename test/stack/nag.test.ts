import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, type CfnResource, Stack } from 'aws-cdk-lib';
import { Grant, ManagedPolicy, type Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { beforeAll, describe, expect, it } from 'vitest';
import { constructAt, judge, synthesize } from './synthesis.ts';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/0b1c2d3e-1234-4321-abcd-0123456789ab';

/** `rule path` of each thing that cdk-nag finds and nobody has acknowledged, be it an error or a warning. */
function findingsIn(jobs: Construct, app: App): string[] {
  return new AwsSolutionsChecks(app)
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath = '' }) => {
        const path = constructPath.slice(jobs.node.path.length + 1).replace(/\/Resource$/, '');
        return `${ruleName.replace('AwsSolutions-', '')} ${path}`;
      }),
    );
}

it.each([
  {},
  { alarmEmail: 'ops@example.com', removalPolicy: 'destroy' },
  { domainName: 'jobs.example.com', certificateArn: CERTIFICATE },
])('cdk-nag finds nothing but what is acknowledged with a reason: %j', (context) => {
  judge({ organizationId: 'org_test', ...context }, (jobs, app) => {
    expect(findingsIn(jobs, app)).toEqual([]);
  });
});

/** Gives a resource another property. */
function change(path: string, property: string, value?: unknown) {
  return (jobs: Construct) =>
    Object.assign(constructAt(jobs, path).node.defaultChild as CfnResource, { [property]: value });
}

function grantJobs(action: string, resource: (jobs: Construct) => string) {
  return (jobs: Construct) =>
    Grant.addToPrincipal({
      grantee: constructAt<LambdaFunction>(jobs, 'Api/Jobs'),
      actions: [action],
      resourceArns: [resource(jobs)],
    });
}

const arnOf = (service: string, resource: string) => (jobs: Construct) =>
  Stack.of(jobs).formatArn({ service, resource });

/** What is wrong with a stack, and by which rule of cdk-nag it is found. */
const FAULTS: [rule: string, path: string, plant: (jobs: Construct) => void][] = [
  ['SQS3', 'Poll/Poll/Queue', change('Poll/Poll/Queue', 'redrivePolicy')],
  ['SQS3', 'Stray', (jobs) => new Queue(jobs, 'Stray')],
  ['SQS2', 'Poll/Poll/DeadLetters', change('Poll/Poll/DeadLetters', 'sqsManagedSseEnabled', false)],
  [
    'SQS4',
    'Deliver/Deliver/Queue',
    (jobs) => constructAt(jobs, 'Deliver/Deliver/Queue').node.tryRemoveChild('Policy'),
  ],
  ['S10', 'State/Bucket', (jobs) => constructAt(jobs, 'State/Bucket').node.tryRemoveChild('Policy')],
  ['SNS3', 'News', (jobs) => new Topic(jobs, 'News')],
  ['DDB3', 'State/ClientKeys', change('State/ClientKeys', 'pointInTimeRecoverySpecification')],
  [
    'S2',
    'State/Bucket',
    change('State/Bucket', 'publicAccessBlockConfiguration', {
      blockPublicAcls: true,
      blockPublicPolicy: false,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    }),
  ],
  ['IAM5[Action::s3:*]', 'Api/JobsRole/DefaultPolicy', grantJobs('s3:*', arnOf('s3', 'mine'))],
  ['IAM5[Resource::*]', 'Api/JobsRole/DefaultPolicy', grantJobs('sqs:SendMessage', () => '*')],
  [
    'IAM5[Resource::arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/*]',
    'Api/JobsRole/DefaultPolicy',
    grantJobs('dynamodb:GetItem', arnOf('dynamodb', 'table/*')),
  ],
  [
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/ReadOnlyAccess]',
    'Sweep/FunctionRole',
    (jobs) =>
      constructAt<Role>(jobs, 'Sweep/FunctionRole').addManagedPolicy(
        ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess'),
      ),
  ],
];

describe('cdk-nag finds', () => {
  let found: string[];
  beforeAll(() => {
    found = judge({ organizationId: 'org_test' }, (jobs, app) => {
      for (const [, , plant] of FAULTS) plant(jobs);
      return findingsIn(jobs, app);
    });
  });

  it.each(FAULTS)('%s in %s', (rule, path) => {
    expect(found).toContain(`${rule} ${path}`);
  });
});

// Neither of these two does cdk-nag see.
it('no policy statement uses NotAction or NotResource', () => {
  const template = JSON.stringify(synthesize().toJSON());
  expect(template).toContain('"Action"');
  expect(template).not.toMatch(/"Not(Action|Resource)"/);
});

it('nothing in lib/ overrides the properties of a construct', () => {
  const root = fileURLToPath(new URL('../../lib', import.meta.url));
  const bypassing = globSync('**/*.ts', { cwd: root }).filter((path) =>
    /\.add(Property)?(Deletion)?Override\(/.test(readFileSync(`${root}/${path}`, 'utf8')),
  );
  expect(bypassing).toEqual([]);
});
