import { Token } from 'aws-cdk-lib';
import type * as z from 'zod';
import { redactedInput } from '../../functions/core/redact.ts';
import { faultInWebhookUrl } from '../../functions/core/webhook/webhook-url.ts';
import { ofEnvironment, SettingsError } from './environments.ts';
import { jobsAtOnceAt } from './jobs-at-once.ts';
import { type AppSettings, type Settings, SettingsSchema } from './settings.ts';

const CLI_CONTEXT = ['acknowledged-issue-numbers', 'cli-telemetry'];

const AppSettingsThatAgree = SettingsSchema.superRefine((settings, ctx) => agree(settings, ctx));

type Name = keyof AppSettings;
type Schema<S> = z.ZodType<S> & { shape: object };

/** Those of the environment that CDK context names. @throws {SettingsError} with a sentence for each one that is unknown or wrong */
export function readSettings(context: Record<string, unknown>): AppSettings {
  const own = Object.fromEntries(Object.entries(context).filter(([name]) => isOurs(name)));
  return checked(AppSettingsThatAgree, ofEnvironment(own));
}

/**
 * @param region of the stack, which may be a token
 * @throws {SettingsError} likewise
 */
export function checkSettings(given: object, region: string): Settings {
  const schema = SettingsSchema.omit({ stackName: true });
  return checked(
    schema.superRefine((settings, ctx) => agree(settings, ctx, region)),
    given,
  );
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
  if (issue.code === 'invalid_type' && name === undefined) return ['The settings must be an object.'];
  if (name === undefined) return [issue.message];
  const kind = kindOf(SettingsSchema.shape[name]);
  const place = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0]] : path;
  const fault =
    place.length > 1
      ? `/${place.join('/')} is wrong`
      : `it is ${JSON.stringify((given as Record<Name, unknown>)[name])}`;
  return [`The setting ${name} must be ${kind}; ${fault}.`];
}

function kindOf(schema: z.ZodType): unknown {
  const { innerType } = schema.def as { innerType?: z.ZodType };
  return schema.description ?? (innerType && kindOf(innerType));
}

function unknown(name: string, names: string[]): string {
  const meant = didYouMean(name, names);
  const rest = meant ? `did you mean ${meant}?` : `the settings are: ${names.join(', ')}.`;
  return `There is no setting ${name}; ${rest}`;
}

/** A name with more wrong letters than this is not a typo. */
const SLIPS_MAX = 3;

/** The name that was probably meant, or undefined. Case, hyphens and underscores do not count. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const judged = names.map((candidate) => ({ candidate, slips: distance(plain(name), plain(candidate)) }));
  const [best] = judged.sort((a, b) => a.slips - b.slips);
  return best && best.slips <= Math.min(SLIPS_MAX, name.length / 3) ? best.candidate : undefined;
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '');

/** The Levenshtein distance: how many letters to insert, delete or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** Adds a sentence for each group of settings that are valid one by one, but not together. */
function agree(settings: Settings, ctx: z.RefinementCtx, region = ''): void {
  const { domainName, certificateArn, defaultEndpoint, alarmTopicArn, alarmEmail } = settings;
  const { destinations, defaultDestination } = settings;
  const [names, certificates] = [domainName.length, certificateArn.length];
  const isFault = (isTrue: unknown, message: string) => {
    if (isTrue) ctx.addIssue({ code: 'custom', message });
  };
  const fault = faultInDefaultWebhookUrl(settings) ?? '';
  isFault(fault, `The setting defaultWebhookUrl cannot be a job's webhook_url: it ${uncapitalized(fault)}.`);
  isFault(
    defaultDestination !== undefined && !destinations.some(({ name }) => name === defaultDestination),
    'The setting defaultDestination must be the name of one of the destinations.',
  );
  isFault(
    names > 0 && certificates !== 1 && certificates !== names,
    'The setting domainName needs certificateArn beside it: one for all names, or one for each.',
  );
  isFault(certificates > 0 && names === 0, 'The setting certificateArn needs domainName beside it.');
  isFault(
    defaultEndpoint !== 'beside' && names === 0,
    'The setting defaultEndpoint needs domainName beside it: without, it is the only address.',
  );
  const regions = [...certificateArn, alarmTopicArn ?? ''].filter(isKnown).map((arn) => arn.split(':')[3]);
  isFault(
    new Set([...regions, ...[region].filter(isKnown)]).size > 1,
    "The settings certificateArn and alarmTopicArn must be in one region, the stack's own.",
  );
  isFault(
    alarmTopicArn && alarmEmail,
    'The settings alarmTopicArn and alarmEmail exclude each other: subscribe the address to your topic.',
  );
}

function faultInDefaultWebhookUrl({ defaultWebhookUrl, webhookPorts, domainName }: Settings): string | null {
  if (defaultWebhookUrl === undefined) return null;
  const faults = [null, ...domainName].map((ownHost) =>
    faultInWebhookUrl(defaultWebhookUrl, { ports: webhookPorts, loopback: false, ownHost }),
  );
  return faults.find((fault) => fault !== null) ?? null;
}

/** Not a token of CDK's, which has a value when it is deployed. */
const isKnown = (text: string) => text !== '' && !Token.isUnresolved(text);
const uncapitalized = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
