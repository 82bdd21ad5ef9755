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
  'the names in $name are its own, and the account makes up the others',
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

it.each(stacks)('nothing in $name is named for another stack, nor for the default one', ({ name, text }) => {
  for (const other of stacks.filter((stack) => stack.name !== name)) expect(text).not.toContain(other.name);
  // What all stacks measure in; `service` tells them apart.
  expect(text.replaceAll(new RegExp(`\\\\?"${NAMESPACE}\\\\?"`, 'g'), '')).not.toContain('ModelStudioJobs');
  const services = [...text.matchAll(/\\?"service\\?",\\?"([^"\\]+)|"Name":"service","Value":"([^"]+)/g)];
  expect(new Set(services.map(([, inGraph, inAlarm]) => inGraph ?? inAlarm))).toEqual(new Set([name]));
});

it.each(stacks)('$name exports nothing, so no two can clash', ({ template }) => {
  expect(Object.values(template.Outputs).filter(({ Export }) => Export)).toEqual([]);
});
