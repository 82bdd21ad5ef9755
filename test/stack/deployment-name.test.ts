import { NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { expect, it } from 'vitest';
import { deploymentName } from '../../lib/name.ts';

const within = (scope: Construct, ...ids: string[]) =>
  ids.reduce((outer, id) => new Construct(outer, id), scope);
const nameOf = (...ids: string[]) => deploymentName(within(new Stack(undefined, 'Shop'), ...ids));

it.each([
  [['Default'], 'Shop'],
  [['Jobs'], 'Shop_Jobs'],
  [['Payments', 'Jobs'], 'Shop_Payments_Jobs'],
  [['Payments', 'Default'], 'Shop_Payments'],
])('a deployment at %j is called %s', (ids, name) => {
  expect(nameOf(...ids)).toBe(name);
});

it('two deployments have two names, however much alike their paths are', () => {
  const paths = [['My Jobs'], ['My-Jobs'], ['My.Jobs'], ['My', 'Jobs'], ['My_Jobs'], ['Mÿ', 'Jobs']];
  const names = paths.map((path) => nameOf(...path));
  expect(new Set(names).size).toBe(paths.length);
  for (const name of names) expect(name).toMatch(/^Shop_[A-Za-z0-9_-]+$/);
});

it('the stage of its stack is part of the name', () => {
  expect(deploymentName(within(new Stack(new Stage(undefined as never, 'Prod'), 'Shop'), 'Jobs'))).toBe(
    'Prod-Shop_Jobs',
  );
});

it('a nested stack is part of the name', () => {
  const nested = new NestedStack(new Stack(undefined, 'Shop'), 'Nested');
  expect(deploymentName(within(nested, 'Jobs'))).toBe('Shop_Nested_Jobs');
});
