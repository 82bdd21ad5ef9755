import type * as z from 'zod';
import { redactedInput } from '../../functions/core/redact.ts';
import { contradictionsIn } from './contradictions.ts';
import { didYouMean } from './did-you-mean.ts';
import { jobsAtOnceAt } from './jobs-at-once.ts';
import { type Settings, SettingsSchema } from './settings.ts';

const CLI_CONTEXT = ['acknowledged-issue-numbers', 'cli-telemetry'];

const SettingsThatAgree = SettingsSchema.superRefine((settings, ctx) => {
  for (const message of contradictionsIn(settings)) ctx.addIssue({ code: 'custom', message });
});

type Name = keyof Settings;
const NAMES = Object.keys(SettingsSchema.shape) as Name[];

/** Its message has sentences for the operator who wrote the settings. */
export class SettingsError extends Error {}

/**
 * Reads the settings from CDK context.
 * @throws {SettingsError} with a sentence for each one that is unknown or wrong
 */
export function readSettings(context: Record<string, unknown>): Settings {
  const own = Object.fromEntries(Object.entries(context).filter(([name]) => isOurs(name)));
  const settings = SettingsThatAgree.safeParse(own);
  if (settings.success) {
    const { jobsAtOnce = jobsAtOnceAt(settings.data.baseUrl) } = settings.data;
    return { ...settings.data, jobsAtOnce };
  }
  const sentences = settings.error.issues.flatMap((issue) => sentencesFor(issue, own));
  throw new SettingsError(redactedInput([...new Set(sentences)].join('\n')));
}

/** CDK's own context has a prefix: `@aws-cdk/…`, `aws:cdk:…`, `availability-zones:…`. Two keys of the CLI have none. */
function isOurs(name: string): boolean {
  return !/[@:/]/.test(name) && !CLI_CONTEXT.includes(name);
}

function sentencesFor(issue: z.core.$ZodIssue, given: Record<string, unknown>): string[] {
  if (issue.code === 'unrecognized_keys' && issue.path.length === 0) return issue.keys.map(unknown);
  const [name, ...path] = issue.path as [Name?, ...PropertyKey[]];
  if (name === undefined) return [issue.message];
  const kind = SettingsSchema.shape[name].meta()?.['kind'];
  const place = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0]] : path;
  const fault = place.length > 1 ? `/${place.join('/')} is wrong` : `it is ${JSON.stringify(given[name])}`;
  return [`The setting ${name} must be ${kind}; ${fault}.`];
}

function unknown(name: string): string {
  const meant = didYouMean(name, NAMES);
  const rest = meant ? `did you mean ${meant}?` : `the settings are: ${NAMES.join(', ')}.`;
  return `There is no setting ${name}; ${rest}`;
}
