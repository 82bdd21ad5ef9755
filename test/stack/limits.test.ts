import { expect, it } from 'vitest';
import { textOf } from './leaves.ts';
import { judge, synthesize } from './synthesis.ts';

const ORGANIZATION = { organizationId: 'org_test' };

/** Each setting as long as it may be, beside the others. */
const LONGEST = {
  organizationId: 'o'.repeat(128),
  stackName: 's'.repeat(128),
  domainName: `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}.example.com`,
  certificateArn: `arn:aws:acm:eu-central-1:123456789012:certificate/${'c'.repeat(36)}`,
  alarmTopicArn: `arn:aws:sns:eu-central-1:123456789012:${'t'.repeat(256)}`,
  webhookRetryScheduleSeconds: Array(50).fill(8640),
};

/** What AWS takes, in characters. */
const LIMITS: [type: string, property: string, max: number][] = [
  ['AWS::ApiGatewayV2::Api', 'Description', 1024],
  ['AWS::ApiGatewayV2::Api', 'Name', 128],
  ['AWS::ApiGatewayV2::DomainName', 'DomainName', 512],
  ['AWS::CloudWatch::Alarm', 'AlarmName', 255],
  ['AWS::CloudWatch::Alarm', 'AlarmDescription', 1024],
  ['AWS::CloudWatch::Dashboard', 'DashboardName', 255],
  ['AWS::IAM::Policy', 'PolicyName', 128],
  ['AWS::Logs::LogGroup', 'LogGroupName', 512],
  ['AWS::SecretsManager::Secret', 'Description', 2048],
];

it('the longest settings give no text that is longer than AWS accepts', () => {
  const template = synthesize(LONGEST);
  for (const [type, property, max] of LIMITS) {
    const resources = Object.values(template.findResources(type));
    const texts = resources.flatMap(({ Properties }) => Properties[property] ?? []).map(textOf);
    expect(texts.length, `${type}.${property}`).toBeGreaterThan(0);
    expect(Math.max(...texts.map((text) => text.length)), `${type}.${property}`).toBeLessThanOrEqual(max);
  }
  for (const { Properties } of Object.values(template.findResources('AWS::IAM::Policy'))) {
    expect(JSON.stringify(Properties['PolicyDocument']).length).toBeLessThanOrEqual(10_240);
  }
  for (const { Value } of Object.values(template.findOutputs('*'))) {
    expect(String(Value).length).toBeLessThanOrEqual(1024);
  }
});

it.each([
  ['4001 ports', { webhookPorts: Array.from({ length: 4001 }, (_, i) => 1024 + i) }, 'WEBHOOK_PORTS'],
  ['a long baseUrl', { baseUrl: `https://${'x'.repeat(5000)}.example.com` }, 'MODELSTUDIO_BASE_URL'],
  [
    'what is too long together',
    {
      baseUrl: `https://x.example/${'x'.repeat(2000)}`,
      defaultWebhookUrl: `https://x.example.com/${'x'.repeat(2000)}`,
    },
    'DEFAULT_WEBHOOK_URL',
  ],
])(
  'an environment that Lambda would refuse fails the synthesis with a sentence: %s',
  (_what, settings, largest) => {
    judge({ ...ORGANIZATION, ...settings }, (_stack, app) => {
      expect(() => app.synth()).toThrow(
        `Api/Submit has too large an environment, most of it ${largest}: about `,
      );
    });
  },
);
