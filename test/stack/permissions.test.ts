import { beforeAll, describe, expect, it } from 'vitest';
import { Resources } from '../../lib/safety/resources.ts';
import { actionsIn, anchorOf, type Fn, resourcesIn, Wiring } from '../../lib/safety/wiring.ts';
import { pageAt } from '../tools/docs/pages.ts';
import { judge, synthesize } from './synthesis.ts';

/** By action, the constructs that it is allowed on. */
type Permissions = Map<string, string[]>;

function permissionsOf(fn: Fn, wiring: Wiring, resources: Resources): Permissions {
  const permissions: Permissions = new Map();
  for (const statement of wiring.permissionsOf(fn)) {
    const named = resourcesIn(statement).map((arn) => nameOf(arn, resources));
    for (const action of actionsIn(statement)) {
      permissions.set(action, [...(permissions.get(action) ?? []), ...named].sort());
    }
  }
  return permissions;
}

/** `State/Bucket/*` for `{Join: ['', [{GetAtt}, '/*']]}`. */
function nameOf(arn: unknown, resources: Resources): string {
  const path = resources.behind({ Ref: anchorOf(arn) })?.path ?? JSON.stringify(arn);
  const rest = (arn as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1].slice(1) ?? [];
  return `${path}${rest.join('')}`;
}

function everyPermission(): [fn: string, permissions: Permissions][] {
  return judge({ organizationId: 'org_test' }, (stack) => {
    const resources = new Resources(stack);
    const wiring = new Wiring(resources);
    return wiring.functions
      .map((fn): [string, Permissions] => [fn.path, permissionsOf(fn, wiring, resources)])
      .sort(([a], [b]) => a.localeCompare(b));
  });
}

it('a function may do what is written down, and no more: `npx vitest run test/stack -u` writes it down', async () => {
  const paragraphs = everyPermission().map(([fn, permissions]) => {
    const lines = [...permissions].map(([action, paths]) => `  ${action.padEnd(30)} ${paths.join(', ')}`);
    return `${[fn, ...lines.sort()].join('\n')}\n`;
  });
  await expect(paragraphs.join('\n')).toMatchFileSnapshot('permissions.golden.txt');
});

it.each([
  ['State/ModelStudioApiKey', ['Api/Submit', 'Poll/Collector', 'Poll/Poller']],
  ['State/WebhookSecret', ['Deliver/Function']],
])('%s is read by %j alone', (secret, readers) => {
  const allowed = everyPermission().filter(([, permissions]) =>
    permissions.get('secretsmanager:GetSecretValue')?.includes(secret),
  );
  expect(allowed.map(([path]) => path)).toEqual(readers);
});

/** As IAM spells those services of CloudFormation's types that it spells otherwise. */
const IAM_NAMES: Record<string, string> = {
  ApiGatewayV2: 'apigateway',
  ApplicationAutoScaling: 'application-autoscaling',
};

describe('docs/operations.md', () => {
  // An address, and a load for which tables are provisioned, bring resources of their own.
  const everything = {
    organizationId: 'org_test',
    steadyJobsPerSecond: '10',
    domainName: 'jobs.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/a',
  };
  const { fences } = pageAt('docs/operations.md');
  let resources: { Type: string; DeletionPolicy?: string }[];
  beforeAll(() => {
    resources = Object.values(synthesize(everything).toJSON()['Resources']);
  });

  it("gives a deployer's policy that has the services of the template, and no others", () => {
    const policy = fences.find(({ text }) => text.includes('"RolesOfTheStack"'));
    const { Statement } = JSON.parse(policy?.text ?? '{}') as { Statement: { Action: string | string[] }[] };
    const allowed = Statement.flatMap(({ Action }) => Action).map((action) => action.split(':')[0]);
    const services = resources.map(({ Type }) => Type.split('::')[1] ?? '').filter((name) => name !== 'CDK');
    const used = services.map((name) => IAM_NAMES[name] ?? name.toLowerCase());
    // The bootstrap's version is a parameter that every template of CDK's reads.
    expect([...new Set(allowed)].sort()).toEqual([...new Set([...used, 'ssm'])].sort());
  });

  it('names everything that outlives the stack', () => {
    const kept = resources.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
    const query = fences.find(({ text }) => text.includes('list-stack-resources'))?.text ?? '';
    expect(new Set(kept.map(({ Type }) => Type))).toEqual(new Set(query.match(/AWS::\w+::\w+/g)));
    const count = (type: string) => kept.filter(({ Type }) => Type === type).length;
    const counts = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret'].map(count);
    expect(pageAt('docs/operations.md').text).toContain('four tables, the bucket and the two secrets');
    expect(counts).toEqual([4, 1, 2]);
  });
});
