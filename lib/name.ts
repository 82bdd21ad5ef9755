import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** What dashboards, log groups and secrets may all be called. */
const PLAIN_ID = /^[A-Za-z0-9-]+$/;

/** Its stack's for the id `Default`, else with its path, such as `Shop_Jobs`: unique in account and region, as stacks' names have no `_`. */
export function deploymentName(deployment: Construct): string {
  // The name of a nested one is only known when it is deployed.
  let stack = Stack.of(deployment);
  while (stack.nestedStackParent) stack = stack.nestedStackParent;
  const { scopes, addr } = deployment.node;
  const ids = scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  const own = ids.filter((id) => id !== 'Default');
  if (own.every((id) => PLAIN_ID.test(id))) return [stack.stackName, ...own].join('_');
  return [stack.stackName, ...own.map((id) => id.replaceAll(/[^A-Za-z0-9-]+/g, '-')), addr.slice(-8)].join(
    '_',
  );
}
