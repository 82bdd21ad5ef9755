import type { App } from 'aws-cdk-lib';
import * as z from 'zod';

/** `-c name=value` on the command line always gives a string. */
const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value,
  z.array(z.coerce.number().int()),
);

const Settings = z.strictObject({
  organizationId: z.optional(
    z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be a ModelStudio organization id'),
  ),
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .default('https://api.modelstudio.app'),
  defaultWebhookUrl: z.optional(z.url({ protocol: /^https$/, error: 'must be an https URL' })),
  webhookRetryScheduleSeconds: list
    .pipe(z.array(z.number().min(0).max(604_800)).min(1).max(50))
    .default([0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000]),
  webhookPorts: list.pipe(z.array(z.number().min(1).max(65_535))).default([]),
  retentionDays: z.coerce.number().int().min(8).max(3650).default(30),
  pollConcurrency: z.coerce.number().int().min(2).max(1000).default(50),
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
});

export type Settings = z.infer<typeof Settings>;

/**
 * Reads the settings from CDK context.
 * @throws with a sentence for each one that is unknown or wrong
 */
export function readSettings(app: App): Settings {
  // CDK's own context has a prefix: `@aws-cdk/…`, `aws:cdk:…`, `availability-zones:…`.
  const own = Object.entries(app.node.getAllContext()).filter(([name]) => !/[@:/]/.test(name));
  const settings = Settings.safeParse(Object.fromEntries(own));
  if (settings.success) return settings.data;
  const sentences = settings.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `There is no setting ${issue.keys.join(', ')}; there are: ${Object.keys(Settings.shape).join(', ')}.`
      : `The setting ${issue.path.join('.')} is wrong: ${issue.message}.`,
  );
  throw new Error(sentences.join('\n'));
}
