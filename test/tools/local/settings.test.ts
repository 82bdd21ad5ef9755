import { expect, it } from 'vitest';
import { SettingsSchema } from '../../../lib/settings/settings.ts';
import { refuseUnsupportedTypes, unsupportedProperties } from '../../../tools/local/stack/resources.ts';
import type { Template } from '../../../tools/local/stack/template.ts';
import { onLaptop } from '../../../tools/local/synthesize.ts';
import { synthesize } from '../../stack/synthesis.ts';

const EVERY_SETTING = {
  stackName: 'prod',
  organizationId: 'org_test',
  baseUrl: 'https://modelstudio.example.com',
  defaultWebhookUrl: 'https://hooks.example.com/in',
  destinations: [{ name: 'orders', arn: 'arn:aws:sqs:eu-central-1:123456789012:orders' }],
  defaultDestination: 'orders',
  webhookRetryScheduleSeconds: '0,7',
  webhookPorts: '8443',
  retentionDays: 9,
  concurrency: 60,
  queueForSeconds: 60,
  allowResubmit: true,
  forwardTracestate: true,
  jobsAtOnce: 3,
  lagPerPollSeconds: 2,
  throttleRate: 10,
  throttleBurst: 20,
  conversationsPerCreate: 100,
  bytesPerCreate: 1_000_000,
  partsAtOnce: 4,
  domainName: 'jobs.example.com',
  certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/0b1c2d3e-1234-4321-abcd-0123456789ab',
  defaultEndpoint: 'first',
  alarmTopicArn: 'arn:aws:sns:eu-central-1:123456789012:alarms',
  logLevel: 'DEBUG',
  logRetentionDays: 7,
  restoredTables: 'Jobs=jobs-restored',
  removalPolicy: 'destroy',
};

it('the local stack runs with any settings in cdk.json', () => {
  const without = Object.keys(SettingsSchema.shape).filter((name) => !(name in EVERY_SETTING));
  expect(without).toEqual(['alarmEmail']);
  for (const told of [{}, { alarmTopicArn: undefined, alarmEmail: 'ops@example.com' }]) {
    const template = synthesize(onLaptop({ ...EVERY_SETTING, ...told })).toJSON() as Template;
    refuseUnsupportedTypes(template);
    expect(unsupportedProperties(template)).toEqual([]);
  }
});

const environments = { staging: { retentionDays: 8 }, production: {} };

it('the laptop has the settings of the default environment, or those beside all of them', () => {
  expect(onLaptop({ environments, retentionDays: 90 })).toMatchObject({ retentionDays: 90 });
  const chosen = onLaptop({ environments, environment: 'staging', retentionDays: 90 });
  expect(chosen).toMatchObject({ retentionDays: 8 });
  expect(Object.keys(chosen).filter((name) => /environment|stackName/.test(name))).toEqual([]);
});
