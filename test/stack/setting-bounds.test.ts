import { describe, expect, it } from 'vitest';
import { didYouMean, readSettings } from '../../lib/settings/read-settings.ts';

/** Without a list around its only value. */
function read(name: string, value: unknown): unknown {
  // A domain name needs another setting beside it, whose absence is another fault.
  const beside =
    name === 'domainName' ? { certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/a' } : {};
  const { [name]: found } = readSettings({ ...beside, [name]: value }) as Record<string, unknown>;
  return Array.isArray(found) && found.length === 1 ? found[0] : found;
}

describe('a number', () => {
  it.each<[name: string, min: number, max: number, step: number]>([
    ['retentionDays', 8, 3650, 1],
    ['concurrency', 6, 2100, 1],
    ['lagPerPollSeconds', 0.1, 3600, 0.01],
    ['throttleRate', 1, 100_000, 1],
    ['throttleBurst', 1, 100_000, 1],
    ['logRetentionDays', 1, 3653, 1],
    ['webhookPorts', 1, 65_535, 1],
    ['webhookRetryScheduleSeconds', 0, 432_000, 1],
  ])('is taken up to its bounds, as a number and as text: %s from %d to %d', (name, min, max, step) => {
    for (const value of [min, max])
      expect([read(name, value), read(name, String(value))]).toEqual([value, value]);
    for (const value of [min - step, max + step]) {
      expect(() => read(name, value)).toThrow(`The setting ${name} must be`);
      expect(() => read(name, String(value))).toThrow(`The setting ${name} must be`);
    }
  });

  it.each(['retentionDays', 'concurrency', 'throttleRate', 'logRetentionDays', 'webhookPorts'])(
    'that must be whole is not rounded: %s',
    (name) => {
      for (const value of [30.5, '30.5', '30.0', ' 30 x'])
        expect(() => read(name, value)).toThrow(`The setting ${name}`);
    },
  );

  it('may have a fraction of up to six digits where it is a duration of its own', () => {
    expect(read('lagPerPollSeconds', '2.000001')).toBe(2.000001);
    expect(() => read('lagPerPollSeconds', '2.0000001')).toThrow('The setting lagPerPollSeconds');
  });
});

const label = (length: number) => 'd'.repeat(length);

describe('a text', () => {
  it.each<[name: string, longest: string, longer: string]>([
    ['stackName', 's'.repeat(128), 's'.repeat(129)],
    ['organizationId', 'o'.repeat(128), 'o'.repeat(129)],
    ['domainName', `${label(63)}.example.com`, `${label(64)}.example.com`],
    [
      'domainName',
      `${[63, 63, 63, 57].map(label).join('.')}.com`,
      `${[63, 63, 63, 58].map(label).join('.')}.com`,
    ],
  ])('is taken up to its longest: %s', (name, longest, longer) => {
    expect(read(name, longest)).toBe(longest);
    expect(() => read(name, longer)).toThrow(`The setting ${name} must be`);
  });

  it.each([
    ['organizationId', ['org_1 ', ' org_1', 'org/1', 'org_1\n', '.', '..', '']],
    ['stackName', ['a b', 'a\n', '-a', 'ä']],
    [
      'domainName',
      ['Jobs.example.com', 'jobs.example.com/', '-a.example.com', 'a-.example.com', 'a..com', '1.2.3.4'],
    ],
    ['alarmTopicArn', ['arn:aws:sns:eu-central-1:1:alarms', 'arn:aws:sqs:eu-central-1:123456789012:alarms']],
    ['alarmEmail', ['ops@', 'ops@example', '@example.com']],
    [
      'baseUrl',
      ['https://a.example.com\\x', 'http://a.example.com', 'http://localhost.example.com', 'https://a b'],
    ],
  ])('is taken as a whole or not at all: %s', (name, wrong) => {
    for (const value of wrong) expect(() => read(name, value), value).toThrow(`The setting ${name} must be`);
  });

  it.each(['http://localhost:4000', 'http://127.0.0.1:4000', 'http://[::1]:4000', 'https://a.example.com'])(
    'may be a base URL: %s',
    (url) => {
      expect(read('baseUrl', url)).toBe(url);
    },
  );
});

it.each<[given: string, meant: string | undefined]>([
  ['retention_days', 'retentionDays'],
  ['RETENTION-DAYS', 'retentionDays'],
  ['retentionDay', 'retentionDays'],
  ['retenxyznDays', 'retentionDays'],
  ['retwxyznDays', undefined],
  ['logLvl', 'logLevel'],
  ['l-o-g_l-e-v-e-l', 'logLevel'],
  ['logRetxyzionDays', 'logRetentionDays'],
  ['logRewxyzionDays', undefined],
  ['lxxxevel', undefined],
  ['stack', undefined],
  ['x', undefined],
])('for the setting %s another one is suggested, or none: %s', (given, meant) => {
  expect(didYouMean(given, ['stackName', 'retentionDays', 'logRetentionDays', 'logLevel'])).toBe(meant);
});

it.each([
  'acknowledged-issue-numbers',
  'cli-telemetry',
  '@aws-cdk/core:x',
  'aws:cdk:x',
  'availability-zones:x',
])("the context of CDK's own is no setting: %s", (name) => {
  expect(() => readSettings({ [name]: true })).not.toThrow();
});
