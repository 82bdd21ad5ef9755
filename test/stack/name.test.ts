import { expect, it } from 'vitest';
import { NAMESPACE } from '../../functions/core/metrics.ts';
import { synthesize } from './synthesis.ts';

interface Json {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, { Export?: unknown }>;
}

const stacks = ['prod', 'staging'].map((name) => {
  const template = synthesize({ organizationId: 'org_test', stackName: name }).toJSON() as Json;
  return { name, template, text: JSON.stringify(template) };
});

/** Not names of the account: of a part of one resource, of what is measured, or what people read. */
const NO_NAMES = ['MetricName', 'PolicyName', 'StageName', 'DisplayName'];

it.each(stacks)(
  "the fixed names in $name begin with the stack's, and AWS makes up all others",
  ({ name, template }) => {
    const fixed = Object.values(template.Resources).flatMap(({ Properties }) =>
      Object.entries(Properties ?? {})
        .filter(([key, value]) => key.endsWith('Name') && key !== 'Name' && typeof value === 'string')
        .filter(([key]) => !NO_NAMES.includes(key))
        .map(([, value]) => value),
    );
    const isOwn = (text: unknown) => new RegExp(`^(/aws/vendedlogs/)?${name}($|[-/])`).test(String(text));
    expect(fixed.length).toBeGreaterThan(30);
    expect(fixed.filter((text) => !isOwn(text))).toEqual([]);
  },
);

it.each(stacks)(
  'nothing in $name bears the name of another stack or of the default one',
  ({ name, text }) => {
    for (const other of stacks.filter((stack) => stack.name !== name)) expect(text).not.toContain(other.name);
    // What all stacks measure in; `service` tells them apart.
    expect(text.replaceAll(new RegExp(`\\\\?"${NAMESPACE}\\\\?"`, 'g'), '')).not.toContain('ModelStudioJobs');
    const services = [...text.matchAll(/\\?"service\\?",\\?"([^"\\]+)|"Name":"service","Value":"([^"]+)/g)];
    expect(new Set(services.map(([, inGraph, inAlarm]) => inGraph ?? inAlarm))).toEqual(new Set([name]));
  },
);

it.each(stacks)('$name exports nothing, so that no two stacks can clash', ({ template }) => {
  expect(Object.values(template.Outputs).filter(({ Export }) => Export)).toEqual([]);
});

it.each(stacks)(
  "the dashboard of $name is no other region's, as an account has one of each name in all",
  ({ name, template }) => {
    const dashboards = Object.values(template.Resources).filter(
      ({ Type }) => Type === 'AWS::CloudWatch::Dashboard',
    );
    expect(dashboards.map(({ Properties }) => Properties['DashboardName'])).toEqual([
      { 'Fn::Join': ['', [`${name}-`, { Ref: 'AWS::Region' }]] },
    ]);
  },
);
