import { describe, expect, it } from 'vitest';
import { deploymentIn } from '../../../tools/commands/deployments.ts';

/** As CDK makes them: test/stack/construct.test.ts compares those of a construct with those of the plain app. */
const OUTPUTS = ['ApiUrl', 'ClientKeysTable', 'ModelStudioSecretArn', 'WebhookSecretArn', 'DomainName2'];
const PLAIN = [
  'ApiSubmit',
  'ApiJobs',
  'DeliverQueue',
  'DeliverDeadLetters',
  'PollPollQueue',
  'StateJobs',
  'WatchTopic',
];
const HASH = '0A1B2C3D';

const plain = Object.fromEntries(OUTPUTS.map((name) => [name, `${name} of all`]));
const outputsOf = (prefix: string, name: string) =>
  Object.fromEntries(
    [...OUTPUTS, 'DeploymentName'].map((output) => [
      `${prefix}${output}${HASH}`,
      output === 'DeploymentName' ? name : `${output} of ${prefix}`,
    ]),
  );
const two = { ...outputsOf('PaymentsJobs', 'Shop_Payments_Jobs'), ...outputsOf('JobsApi', 'Shop_JobsApi') };
const resources = {
  ...Object.fromEntries(PLAIN.map((id) => [`PaymentsJobs${id}${HASH}`, `${id} of PaymentsJobs`])),
  // An id that repeats the end of the one before is written once.
  ...Object.fromEntries(PLAIN.map((id) => [`JobsApi${id.replace(/^Api/, '')}${HASH}`, `${id} of JobsApi`])),
};

describe('in a stack', () => {
  it('that holds nothing else, a deployment is found, and its resources are as they are', () => {
    const { own, ...found } = deploymentIn(plain, { stackName: 'Shop' }, 'the stack Shop');
    expect(found).toEqual({ path: null, deploymentName: 'Shop', outputs: plain });
    expect(own(resources)).toEqual(resources);
  });

  it.each([
    ['Payments/Jobs', 'PaymentsJobs', 'Shop_Payments_Jobs'],
    ['JobsApi', 'JobsApi', 'Shop_JobsApi'],
  ])(
    'one of two is found by its path, %s, with its resources by the ids of the plain app',
    (construct, prefix, name) => {
      const found = deploymentIn(two, { stackName: 'Shop', construct }, 'the stack Shop');
      expect(found.deploymentName).toBe(name);
      expect(found.outputs).toMatchObject({
        ApiUrl: `ApiUrl of ${prefix}`,
        DomainName2: `DomainName2 of ${prefix}`,
      });
      const own = PLAIN.map((id) => [`${id}${HASH}`, `${id} of ${prefix}`]);
      expect(found.own(resources)).toMatchObject(Object.fromEntries(own));
    },
  );

  it('the only one is found without a name', () => {
    const only = outputsOf('Jobs', 'Shop_Jobs');
    expect(deploymentIn(only, { stackName: 'Shop' }, 'the stack Shop').path).toBe('Jobs');
  });

  it.each([undefined, 'Orders'])('with two, one of them must be named, and not %s', (construct) => {
    const sentence = 'Say which deployment in the stack Shop, by --construct: Payments_Jobs, JobsApi.';
    expect(() => deploymentIn(two, { stackName: 'Shop', construct }, 'the stack Shop')).toThrow(sentence);
  });

  it('without any, the outputs that are missing are named', () => {
    const none = () => deploymentIn({ Other: 'x' }, { stackName: 'Shop' }, 'the stack Shop');
    expect(none).toThrow(/^There is no output ApiUrl, ClientKeysTable, .* of the stack Shop: /);
  });
});
