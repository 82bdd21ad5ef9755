import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../lib/settings/environments.ts';
import { readSettings } from '../../lib/settings/read-settings.ts';

const environments = { staging: { retentionDays: 8 }, production: { alarmEmail: 'ops@example.com' } };

describe('an environment', () => {
  it.each([
    [
      'its own settings before those beside it',
      { environment: 'staging', retentionDays: 90 },
      { retentionDays: 8 },
    ],
    [
      'those beside it where it has none',
      { environment: 'production', retentionDays: 90 },
      { retentionDays: 90 },
    ],
    ['a stack of its own', { environment: 'staging' }, { stackName: 'ModelStudioJobs-staging' }],
    [
      'one called after the others',
      { environment: 'staging', stackName: 'Jobs' },
      { stackName: 'Jobs-staging' },
    ],
  ])('has %s', (_what, context, expected) => {
    expect(readSettings({ environments, ...context })).toMatchObject(expected);
  });

  it('has the stack that it names', () => {
    const named = { ...environments, production: { stackName: 'ModelStudioJobs' } };
    expect(readSettings({ environments: named, environment: 'production' }).stackName).toBe(
      'ModelStudioJobs',
    );
  });
});

it.each([
  [
    { environments, environment: 'prod' },
    'There is no environment prod; the environments are: staging, production.',
  ],
  [{ environments, environment: 'toString' }, /^There is no environment toString; /],
  [{ environments }, 'Say which environment, by -c environment=NAME: staging, production.'],
  [
    { environments: { a: { stackName: 'Jobs' }, b: {}, c: { stackName: 'Jobs' } }, environment: 'b' },
    'The environments a and c have the same stackName.',
  ],
  [
    { environments: { a: {}, b: { stackName: 'ModelStudioJobs-a' } }, environment: 'a' },
    'The environments a and b have the same stackName.',
  ],
  [{ environment: 'a' }, 'The context environments must hold settings by the name of an environment.'],
  [{ environments: {}, environment: 'a' }, /^The context environments must hold /],
  [{ environments: 'staging', environment: 'a' }, /^The context environments must hold /],
  [{ environments: { a: [] }, environment: 'a' }, /^The context environments must hold /],
  [{ environments: { a: { colour: 'red' } }, environment: 'a' }, /^There is no setting colour; /],
  [{ environments: { a: { retentionDays: 1 } }, environment: 'a' }, /^The setting retentionDays must be /],
  [
    { environments: { 'a b': {} }, environment: 'a b' },
    /^The setting stackName must be .*"ModelStudioJobs-a b"\.$/,
  ],
])('%j is refused', (context, sentence) => {
  const read = () => readSettings(context);
  expect(read).toThrow(SettingsError);
  expect(read).toThrow(sentence);
});
