import { CliError } from './error-message.ts';
import { OUTPUTS, type Outputs, outputsIn, type StackRef } from './target.ts';

type ById = Record<string, string>;

/** One of those that a stack may hold. */
interface Deployment {
  /** Of its construct in the stack; null if that is all that the stack holds. */
  path: string | null;
  deploymentName: string;
  outputs: Outputs;
  /** Of the stack's resources, its own, by the ids that they would have if there were nothing beside them. */
  own(resources: ById): ById;
}

/** What CDK puts after all but the shortest of ids. */
const HASH = '[0-9A-F]{8}';

/**
 * The deployment of which a stack has these outputs.
 * @throws a CliError when there is none, or which one was not said
 */
export function deploymentIn(all: ById, { stackName, construct }: StackRef, name: string): Deployment {
  const found = Object.keys(all).flatMap((key) => deploymentOf(key, all, stackName) ?? []);
  if (found.length === 0) outputsIn(all, name);
  const asked = construct?.replaceAll('/', '_');
  const chosen = found.filter(({ path }) => asked === undefined || (path ?? 'Default') === asked);
  if (chosen.length === 1) return chosen[0] as Deployment;
  const names = found.map(({ path }) => path ?? 'Default').join(', ');
  throw new CliError(`Say which deployment in ${name}, by --construct: ${names}.`);
}

function deploymentOf(key: string, all: ById, stackName: string): Deployment | null {
  const [, prefix] = new RegExp(`^(.*)ApiUrl(?:(?<=^ApiUrl)|${HASH})$`).exec(key) ?? [];
  if (prefix === undefined) return null;
  const outputs = prefix === '' ? all : outputsOf(prefix, all);
  if (!OUTPUTS.every((output) => outputs[output])) return null;
  const { DeploymentName: deploymentName = stackName } = outputs;
  const path = prefix === '' ? null : deploymentName.slice(deploymentName.indexOf('_') + 1);
  const own = (resources: ById) => ownOf(resources, prefix);
  return { path, deploymentName, outputs: outputs as Outputs, own };
}

function outputsOf(prefix: string, all: ById): ById {
  const own = Object.entries(all).flatMap(([key, value]) => {
    const [, name] = new RegExp(`^${prefix}(.+)${HASH}$`).exec(key) ?? [];
    return name === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(own);
}

/** The construct's children. */
const CHILDREN = ['State', 'Gateway', 'Deliver', 'Poll', 'Create', 'Sweep', 'Api', 'Watch'];

function ownOf(resources: ById, prefix: string): ById {
  // CDK writes an id that repeats the end of the one before only once.
  const repeated = CHILDREN.find((child) => prefix.endsWith(child)) ?? '';
  const own = Object.entries(resources).flatMap(([id, physicalId]) => {
    if (!id.startsWith(prefix)) return [];
    const rest = id.slice(prefix.length);
    return [[CHILDREN.some((child) => rest.startsWith(child)) ? rest : repeated + rest, physicalId]];
  });
  return Object.fromEntries(own);
}
