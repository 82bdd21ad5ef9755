import { Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { judge } from './synthesis.ts';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/0b1c2d3e-1234-4321-abcd-0123456789ab';

it.each([
  {},
  { alarmEmail: 'ops@example.com', removalPolicy: 'destroy' },
  { domainName: 'jobs.example.com', certificateArn: CERTIFICATE },
  { steadyJobsPerSecond: 100 },
])('cdk-nag finds nothing but what is acknowledged with a reason: %j', (context) => {
  judge({ organizationId: 'org_test', ...context }, (_stack, app) => {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
  });
});

it('and it looks', () => {
  judge({ organizationId: 'org_test' }, (stack, app) => {
    new Queue(stack, 'Stray');
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-SQS3', 'AwsSolutions-SQS4']);
  });
});
