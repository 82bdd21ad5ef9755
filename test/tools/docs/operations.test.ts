import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { synthesize } from '../../stack/synthesis.ts';
import { pageAt } from './pages.ts';

/** As IAM spells those services of CloudFormation's types that it spells otherwise. */
const IAM_NAMES: Record<string, string> = {
  ApiGatewayV2: 'apigateway',
};

const CALLS = /import \{([^}]*)\} from '@aws-sdk\/client-([a-z-]+)'/g;
const SERVICES: Record<string, string> = { 'secrets-manager': 'secretsmanager', eventbridge: 'events' };
/** A command makes some of their calls. */
const SHARED = ['functions/edge/rows.ts', 'tools/commands/waiting-jobs.ts'];

/** What the modules of a command import of AWS. */
function actionsOf(entry: string) {
  const [sure, possible, files] = [new Set<string>(), new Set<string>(), new Set([entry])];
  for (const file of files) {
    const source = readFileSync(file, 'utf8');
    for (const [, names = '', client = ''] of source.matchAll(CALLS))
      for (const [, paged, name = paged] of names.matchAll(/\b(?:paginate(\w+)|([A-Z]\w+)Command)\b/g)) {
        const action = `${SERVICES[client] ?? client}:${name}`;
        possible.add(action);
        if (!SHARED.includes(file)) sure.add(action);
      }
    for (const [, path = ''] of source.matchAll(/^(?:import|export) (?!type)[^;]*? from '(\.[^']+)'/gm))
      files.add(join(dirname(file), path));
  }
  return { sure: [...sure], possible: [...possible] };
}

describe('docs/operations.md', () => {
  // An address brings resources of its own.
  const everything = {
    organizationId: 'org_test',
    domainName: 'jobs.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/a',
  };
  const { fences, text } = pageAt('docs/operations.md');
  let byId: Record<string, { Type: string; DeletionPolicy?: string }>;
  let resources: (typeof byId)[string][];
  beforeAll(() => {
    byId = synthesize(everything).toJSON()['Resources'];
    resources = Object.values(byId);
  });

  it('gives a policy for deploying that has exactly the services of the template', () => {
    const policy = fences.find((fence) => fence.text.includes('"RolesOfTheStack"'));
    const { Statement } = JSON.parse(policy?.text ?? '{}') as { Statement: { Action: string | string[] }[] };
    const allowed = Statement.flatMap(({ Action }) => Action).map((action) => action.split(':')[0]);
    const services = resources.map(({ Type }) => Type.split('::')[1] ?? '').filter((name) => name !== 'CDK');
    const used = services.map((name) => IAM_NAMES[name] ?? name.toLowerCase());
    // The bootstrap's version is a parameter that every template of CDK's reads.
    expect([...new Set(allowed)].sort()).toEqual([...new Set([...used, 'ssm'])].sort());
  });

  it.each(['keys', 'smoke', 'submit', 'redrive', 'redeliver', 'doctor', 'queue', 'usage'])(
    'says what the command %s may have to do in AWS',
    (command) => {
      const told = text.split('## What the commands may do')[1]?.split('\n## ')[0] ?? '';
      const lines = told
        .split('\n')
        .filter((line) => !line.startsWith('|') || line.startsWith(`| \`${command}`));
      const actions = new Set(lines.join().match(/(?<=`)[a-z]+:[A-Z]\w+(?=`)/g));
      const { sure, possible } = actionsOf(`tools/commands/${command}.ts`);
      expect(
        sure.filter((action) => !actions.has(action)),
        'is missing',
      ).toEqual([]);
      expect(
        [...actions].filter((action) => !possible.includes(action)),
        'is too much',
      ).toEqual([]);
    },
  );

  it('names everything that outlives the stack', () => {
    const kept = resources.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
    const query = fences.find((fence) => fence.text.includes('list-stack-resources'))?.text ?? '';
    expect(new Set(kept.map(({ Type }) => Type))).toEqual(new Set(query.match(/AWS::\w+::\w+/g)));
    const count = (type: string) => kept.filter(({ Type }) => Type === type).length;
    const counts = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret'].map(count);
    expect(text).toContain('four tables, the bucket and the two secrets');
    expect(counts).toEqual([4, 1, 2]);
  });

  it('is followed by a page that adopts just that, none of which needs anything else', () => {
    const file = pageAt('docs/life.md').fences.find(({ text }) => text.includes('"TableName"'))?.text ?? '{}';
    const kept = Object.entries(byId).filter(
      ([, { DeletionPolicy = 'Delete' }]) => DeletionPolicy !== 'Delete',
    );
    expect(Object.keys(JSON.parse(file)).sort()).toEqual(kept.map(([id]) => id).sort());
    // An import brings nothing to which they could refer.
    expect(JSON.stringify(kept)).not.toMatch(/"Ref"|"Fn::/);
  });
});
