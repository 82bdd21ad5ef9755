import type * as z from 'zod';
import { redactedInput } from '../../functions/core/redact.ts';
import { contradictionsIn } from './contradictions.ts';
import { didYouMean } from './did-you-mean.ts';
import { ofEnvironment } from './environments.ts';
import { jobsAtOnceAt } from './jobs-at-once.ts';
import { type AppSettings, type Settings, SettingsSchema } from './settings.ts';
import { SettingsError } from './settings-error.ts';

const CLI_CONTEXT = ['acknowledged-issue-numbers', 'cli-telemetry'];

const agree = (settings: Settings, ctx: z.RefinementCtx) => {
  for (const message of contradictionsIn(settings)) ctx.addIssue({ code: 'custom', message });
};
const AppSettingsThatAgree = SettingsSchema.superRefine(agree);
const SettingsThatAgree = SettingsSchema.omit({ stackName: true }).superRefine(agree);

type Name = keyof AppSettings;
type Schema<S> = z.ZodType<S> & { shape: object };

/**
 * Reads the settings of an app from CDK context, those of the environment that it names.
 * @throws {SettingsError} with a sentence for each one that is unknown or wrong
 */
export function readSettings(context: Record<string, unknown>): AppSettings {
  const own = Object.fromEntries(Object.entries(context).filter(([name]) => isOurs(name)));
  return checked(AppSettingsThatAgree, ofEnvironment(own));
}

/** @throws {SettingsError} likewise */
export function checkSettings(given: object): Settings {
  return checked(SettingsThatAgree, given);
}

function checked<S extends Settings>(schema: Schema<S>, given: object): S {
  const settings = schema.safeParse(given);
  if (settings.success) {
    const { jobsAtOnce = jobsAtOnceAt(settings.data.baseUrl) } = settings.data;
    return { ...settings.data, jobsAtOnce };
  }
  const sentences = settings.error.issues.flatMap((issue) =>
    sentencesFor(issue, given, Object.keys(schema.shape)),
  );
  throw new SettingsError(redactedInput([...new Set(sentences)].join('\n')));
}

/** CDK's own context has a prefix: `@aws-cdk/…`, `aws:cdk:…`, `availability-zones:…`. Two keys of the CLI have none. */
function isOurs(name: string): boolean {
  return !/[@:/]/.test(name) && !CLI_CONTEXT.includes(name);
}

function sentencesFor(issue: z.core.$ZodIssue, given: object, names: string[]): string[] {
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0)
    return issue.keys.map((name) => unknown(name, names));
  const [name, ...path] = issue.path as [Name?, ...PropertyKey[]];
  if (name === undefined) return [issue.message];
  const kind = SettingsSchema.shape[name].meta()?.['kind'];
  const place = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0]] : path;
  const fault =
    place.length > 1
      ? `/${place.join('/')} is wrong`
      : `it is ${JSON.stringify((given as Record<Name, unknown>)[name])}`;
  return [`The setting ${name} must be ${kind}; ${fault}.`];
}

function unknown(name: string, names: string[]): string {
  const meant = didYouMean(name, names);
  const rest = meant ? `did you mean ${meant}?` : `the settings are: ${names.join(', ')}.`;
  return `There is no setting ${name}; ${rest}`;
}
