export const DEFAULT_STACK_NAME = 'ModelStudioJobs';

/** Its message has sentences for the operator who wrote the settings. */
export class SettingsError extends Error {}

type Context = Record<string, unknown>;

/**
 * The settings of the environment that `environment` names: those in `environments`, then those beside. Each environment
 * has a stack of its own, called after it unless it says otherwise.
 * @throws {SettingsError} when none is chosen though there are some, there is none of that name, or two share a stack
 */
export function ofEnvironment(context: Context): Context {
  const { environment, environments, ...beside } = context;
  if (environments === undefined && environment === undefined) return beside;
  const all = isObject(environments) && Object.values(environments).every(isObject) ? environments : null;
  if (!all || Object.keys(all).length === 0)
    throw new SettingsError('The context environments must hold settings by the name of an environment.');
  const names = Object.keys(all);
  const stacks = names.map((name) => stackNameOf(name, all[name] as Context, beside));
  const twice = names.filter((_, i) => stacks.indexOf(stacks[i]) !== stacks.lastIndexOf(stacks[i]));
  if (twice.length > 0)
    throw new SettingsError(`The environments ${twice.join(' and ')} have the same stackName.`);
  if (environment === undefined)
    throw new SettingsError(`Say which environment, by -c environment=NAME: ${names.join(', ')}.`);
  const index = names.indexOf(String(environment));
  if (index === -1)
    throw new SettingsError(
      `There is no environment ${environment}; the environments are: ${names.join(', ')}.`,
    );
  return { ...beside, ...(all[names[index] as string] as Context), stackName: stacks[index] };
}

function stackNameOf(name: string, { stackName }: Context, beside: Context): unknown {
  return stackName ?? `${beside['stackName'] ?? DEFAULT_STACK_NAME}-${name}`;
}

const isObject = (value: unknown): value is Context =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
