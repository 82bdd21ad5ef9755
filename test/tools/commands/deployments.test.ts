import { describe, expect, it } from 'vitest';
import { deploymentIn } from '../../../tools/commands/deployments.ts';
import { templateWith } from '../../stack/synthesis.ts';

const withoutHash = (id: string) => id.replace(/[0-9A-F]{8}$/, '');
/** Some hold the id of another resource as a whole, and no command looks for these. */
const idsIn = (all: object) =>
  Object.keys(all)
    .map(withoutHash)
    .filter((id) => !/EventSource|AllowEventRule/.test(id));

const domains = {
  domainName: ['a.example.com', 'b.example.com'],
  certificateArn: ['arn:aws:acm:eu-central-1:123456789012:certificate/a'],
};
const plain = templateWith(['Default'], domains);
const two = templateWith(['Payments/Jobs', 'JobsApi'], domains);

function find(template: typeof plain, construct?: string) {
  const { Outputs = {}, Resources = {} } = template as Record<string, Record<string, { Value: unknown }>>;
  const values = Object.entries(Outputs).map(([id, { Value }]) => [
    id,
    id.includes('DeploymentName') ? String(Value) : `${id}'s`,
  ]);
  const ref = { stackName: 'Shop', construct };
  const found = deploymentIn(Object.fromEntries(values), ref, 'the stack Shop');
  const resources = Object.fromEntries(Object.keys(Resources).map((id) => [id, `${id}'s`]));
  return { ...found, ids: idsIn(found.own(resources)) };
}

describe('in a stack', () => {
  it.each([
    ['that holds nothing else, a deployment', plain, undefined, 'Shop'],
    ['one of two deployments', two, 'Payments/Jobs', 'Shop_Payments_Jobs'],
    ["one whose id ends as its child's", two, 'JobsApi', 'Shop_JobsApi'],
  ])('%s is found, and each of its resources by its name in the plain app', (_which, all, path, name) => {
    const found = find(all, path);
    expect(found.deploymentName).toBe(name);
    const ids = idsIn(plain['Resources'] ?? {});
    expect(found.ids.filter((id) => ids.includes(id)).sort()).toEqual(ids.sort());
    expect(found.outputs).toMatchObject({
      ApiUrl: expect.stringMatching(/ApiUrl/),
      DomainName2: expect.anything(),
    });
  });

  it.each([undefined, 'Orders'])('with two deployments, one of them must be named, and not %s', (path) => {
    const sentence = 'Say which deployment in the stack Shop, by --construct: Payments_Jobs, JobsApi.';
    expect(() => find(two, path)).toThrow(sentence);
  });

  it('without any, the outputs that are missing are named', () => {
    const none = () => deploymentIn({ Other: 'x' }, { stackName: 'Shop' }, 'the stack Shop');
    expect(none).toThrow(/^There is no output ApiUrl, ClientKeysTable, .* of the stack Shop: /);
  });
});
