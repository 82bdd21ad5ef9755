import { Token } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod';
import { isClientName } from '../../functions/core/http/client-key.ts';
import { DEFAULT_QUEUE_RULES } from '../../functions/core/http/submission.ts';
import { BODY_MAX_BYTES, LONGEST_JOB_SECONDS, TASK_MAX_BYTES } from '../../functions/core/limits.ts';
import { PARTS_AT_ONCE_MAX } from '../../functions/core/parts/parts.ts';
import { DESTINATION_ARN, DESTINATION_NAME } from '../../functions/core/webhook/destination.ts';
import { CONCURRENCY_MAX, CONCURRENCY_MIN } from '../stages/concurrency.ts';
import { DEFAULT_STACK_NAME } from './environments.ts';

/** `-c name=value` on the command line always gives a string. */
const orText = (schema: z.ZodNumber, pattern: RegExp) =>
  z.preprocess((value) => (typeof value === 'string' && pattern.test(value) ? Number(value) : value), schema);

/** @param of such as ` of seconds` */
export const whole = (min: number, max: number, of = '') =>
  orText(z.int().min(min).max(max), /^\d{1,9}$/).describe(`a whole number${of} from ${min} to ${max}`);

export const flag = z
  .preprocess((value) => (value === 'true' || value === 'false' ? value === 'true' : value), z.boolean())
  .describe('true or false');

export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => {
    if (typeof value === 'number') return [value];
    return typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
  }, z.array(item));

/** A list of objects: `-c` gives it as JSON. */
export const objects = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => {
    try {
      return typeof value === 'string' ? JSON.parse(value) : value;
    } catch {
      return value;
    }
  }, z.array(item));

/** Of what CloudFormation only puts in when it deploys, the form cannot be known. */
export const matching = (pattern: RegExp) =>
  z.string().refine((text) => Token.isUnresolved(text) || pattern.test(text));

const areDifferent = (items: unknown[]) => new Set(items).size === items.length;

/** Also the `AllowedPattern` of CloudFormation's parameter. It is part of URLs, so it must not be all dots. */
export const ORGANIZATION_ID_PATTERN = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}';
const ORGANIZATION_ID = new RegExp(`^${ORGANIZATION_ID_PATTERN}$`);

/** Even with its jitter, the last attempt is within the shortest time that a job is kept. */
const SCHEDULE_MAX_SECONDS = 5 * 86_400;
const ATTEMPTS_MAX = 50;
const SCHEDULE = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const DNS_NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;
const CERTIFICATE_ARN = /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/;
const LOG_RETENTIONS = Object.values(RetentionDays)
  .filter((days) => typeof days === 'number')
  .filter((days) => days !== RetentionDays.INFINITE);

/** Nobody may use one whose clients are not named. */
const DestinationSchema = z.strictObject({
  name: z.string().regex(DESTINATION_NAME),
  arn: matching(DESTINATION_ARN),
  clients: z.array(z.string().refine(isClientName)).default([]),
});

/** What one create of ModelStudio's takes, and what it is worth. */
const CONVERSATIONS_PER_CREATE = 1000;
const BYTES_MIN = 64 * 1024;

const RESTORED_TABLE = /^(Jobs|Documents|ClientKeys)=[\w.-]{3,255}$/;

/** CloudFormation's pattern, without the name of CDK's own stack. */
const STACK_NAME = /^(?!CDKToolkit$)[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** What describes each follows "must be"; lib/settings/props.ts says what it is for. */
export const SettingsSchema = z.strictObject({
  stackName: z
    .string()
    .regex(STACK_NAME)
    .default(DEFAULT_STACK_NAME)
    .describe('a name that CloudFormation takes for a stack: a letter, then letters, digits and hyphens'),
  organizationId: matching(ORGANIZATION_ID)
    .optional()
    .describe('a ModelStudio organization id, such as org_123'),
  baseUrl: z
    .string()
    .refine(isBaseUrl)
    .default('https://api.modelstudio.app')
    .describe('an https URL without user name, query or fragment (http for a loopback host only)'),
  defaultWebhookUrl: z.string().optional().describe('a URL that a job may give as its webhook_url'),
  destinations: objects(DestinationSchema)
    .refine((all) => areDifferent(all.map(({ name }) => name)))
    .default([])
    .describe(
      'a list of {"name", "arn", "clients"} with different names of letters, digits, - and _, each with the ARN of an SQS queue or an EventBridge bus, and with names of clients',
    ),
  defaultDestination: z.string().optional().describe('the name of one of the destinations'),
  webhookRetryScheduleSeconds: list(whole(0, SCHEDULE_MAX_SECONDS))
    .refine(isSchedule)
    .default(SCHEDULE)
    .describe(
      `1 to ${ATTEMPTS_MAX} waits in whole seconds that add up to at most ${SCHEDULE_MAX_SECONDS}, such as 0,5,300`,
    ),
  webhookPorts: list(whole(1, 65_535))
    .refine((ports) => !ports.includes(443) && areDifferent(ports))
    .default([])
    .describe('ports from 1 to 65535 other than 443 (which is always allowed), each once, such as 8443,9443'),
  retentionDays: whole(8, 3650)
    .default(30)
    .describe('a whole number from 8 (a job may run for 7 days) to 3650'),
  concurrency: whole(CONCURRENCY_MIN, CONCURRENCY_MAX).default(105),
  queueForSeconds: whole(0, LONGEST_JOB_SECONDS, ' of seconds').default(DEFAULT_QUEUE_RULES.queueForSeconds),
  allowResubmit: flag.default(DEFAULT_QUEUE_RULES.allowResubmit),
  forwardTracestate: flag.default(false),
  jobsAtOnce: whole(1, 1000).optional(),
  conversationsPerCreate: whole(1, CONVERSATIONS_PER_CREATE).default(CONVERSATIONS_PER_CREATE),
  bytesPerCreate: whole(BYTES_MIN, TASK_MAX_BYTES, ' of bytes').default(BODY_MAX_BYTES),
  partsAtOnce: whole(1, PARTS_AT_ONCE_MAX).default(10),
  lagPerPollSeconds: orText(z.number().min(0.1).max(3600), /^\d{1,6}(\.\d{1,6})?$/)
    .default(1)
    .describe('a number of seconds from 0.1 to 3600'),
  throttleRate: whole(1, 100_000).default(200),
  throttleBurst: whole(1, 100_000).default(400),
  domainName: list(z.string().regex(DNS_NAME))
    .refine(areDifferent)
    .default([])
    .describe('a DNS name in lower case, such as jobs.example.com, or several, each once'),
  certificateArn: list(matching(CERTIFICATE_ARN))
    .default([])
    .describe('the ARN of an ACM certificate, or one for each domain'),
  defaultEndpoint: z.enum(['first', 'beside', 'off']).default('beside').describe('first, beside or off'),
  alarmTopicArn: matching(TOPIC_ARN).optional().describe('the ARN of an SNS topic'),
  alarmEmail: z.email().optional().describe('an e-mail address'),
  logLevel: z.enum(['DEBUG', 'INFO']).default('INFO').describe('DEBUG or INFO'),
  logRetentionDays: whole(1, 3653)
    .refine((days) => LOG_RETENTIONS.includes(days))
    .default(RetentionDays.ONE_MONTH)
    .describe(`one of the numbers of days that CloudWatch supports: ${LOG_RETENTIONS.join(', ')}`),
  restoredTables: list(z.string().regex(RESTORED_TABLE))
    .refine((all) => [0, 1].every((side) => areDifferent(all.map((pair) => pair.split('=')[side]))))
    .default([])
    .describe(
      'Jobs, Documents or ClientKeys, = and the name of a table in the same account and region, or several, each once',
    ),
  removalPolicy: z.enum(['retain', 'destroy']).default('retain').describe('retain or destroy'),
});

export type AppSettings = z.infer<typeof SettingsSchema>;
/** A stack may hold several deployments. */
export type Settings = Omit<AppSettings, 'stackName'>;

function isBaseUrl(text: string): boolean {
  if (!/^https?:\/\/[!-~]+$/.test(text) || /[?#@\\]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || LOOPBACK_HOSTS.includes(hostname);
}

function isSchedule(waits: number[]): boolean {
  const sum = waits.reduce((total, wait) => total + wait, 0);
  return waits.length >= 1 && waits.length <= ATTEMPTS_MAX && sum <= SCHEDULE_MAX_SECONDS;
}
