import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod';
import { DEFAULT_QUEUE_RULES } from '../../functions/core/http/submission.ts';
import { BODY_MAX_BYTES, LONGEST_JOB_SECONDS, TASK_MAX_BYTES } from '../../functions/core/limits.ts';
import { DESTINATION_ARN, DESTINATION_NAME } from '../../functions/core/webhook/destination.ts';
import { CONCURRENCY_MAX, CONCURRENCY_MIN } from '../stages/concurrency.ts';
import { DEFAULT_STACK_NAME } from './environments.ts';
import { areDifferent, flag, list, matching, number, objects, whole } from './values.ts';

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

/** @param words `kind` follows "must be" */
const setting = <Schema extends z.ZodType>(schema: Schema, words: { description: string; kind: string }) =>
  schema.meta(words);

/** Nobody may use one whose clients are not named. */
const DestinationSchema = z.strictObject({
  name: z.string().regex(DESTINATION_NAME),
  arn: matching(DESTINATION_ARN),
  clients: z.array(z.string().min(1)).default([]),
});

/** What one create of ModelStudio's takes, and what it is worth. */
const CONVERSATIONS_PER_CREATE = 1000;
const BYTES_MIN = 64 * 1024;

const RESTORED_TABLE = /^(Jobs|Documents|ClientKeys)=[\w.-]{3,255}$/;

/** CloudFormation's pattern, without the name of CDK's own stack. */
const STACK_NAME = /^(?!CDKToolkit$)[A-Za-z][A-Za-z0-9-]{0,127}$/;

export const SettingsSchema = z.strictObject({
  stackName: setting(z.string().regex(STACK_NAME).default(DEFAULT_STACK_NAME), {
    description: 'the name of the stack; several stacks can share one account and region',
    kind: 'a name that CloudFormation takes for a stack: a letter, then letters, digits and hyphens',
  }),
  organizationId: setting(matching(ORGANIZATION_ID).optional(), {
    description:
      'your ModelStudio organization; without it, only the synthesis works, and `cdk deploy` stops',
    kind: 'a ModelStudio organization id, such as org_123',
  }),
  baseUrl: setting(z.string().refine(isBaseUrl).default('https://api.modelstudio.app'), {
    description:
      'where ModelStudio is, such as `https://studio.ionos.de` for IONOS AI Model Studio; a trailing `/api/v1` is ignored',
    kind: 'an https URL without user name, query or fragment (http for a loopback host only)',
  }),
  defaultWebhookUrl: setting(z.string().optional(), {
    description: 'the `webhook_url` of jobs that give none; the same rules apply to it',
    kind: 'a URL that a job may give as its webhook_url',
  }),
  destinations: setting(
    objects(DestinationSchema)
      .refine((all) => areDifferent(all.map(({ name }) => name)))
      .default([]),
    {
      description:
        'SQS queues and EventBridge buses that jobs may name as their `destination` instead of a `webhook_url`, and by which clients; JSON as in [destinations.md](docs/destinations.md)',
      kind: 'a list of {"name", "arn", "clients"} with different names of letters, digits, - and _, each with the ARN of an SQS queue or an EventBridge bus, and with names of clients',
    },
  ),
  defaultDestination: setting(z.string().optional(), {
    description:
      'the `destination` of jobs that give neither it nor a `webhook_url`, if their clients may use it; `defaultWebhookUrl` is for the others',
    kind: 'the name of one of the destinations',
  }),
  webhookRetryScheduleSeconds: setting(
    list(whole(0, SCHEDULE_MAX_SECONDS)).refine(isSchedule).default(SCHEDULE),
    {
      description: `the wait before each attempt, ±20 %: at most ${ATTEMPTS_MAX} of them, at most 5 days in all`,
      kind: `1 to ${ATTEMPTS_MAX} waits in whole seconds that add up to at most ${SCHEDULE_MAX_SECONDS}, such as 0,5,300`,
    },
  ),
  webhookPorts: setting(list(whole(1, 65_535)).refine(areMorePorts).default([]), {
    description: 'ports that webhooks may use in addition to 443, such as `8443,9443`',
    kind: 'ports from 1 to 65535 other than 443 (which is always allowed), each once, such as 8443,9443',
  }),
  retentionDays: setting(whole(8, 3650).default(30), {
    description: 'how long finished jobs and their results are kept, 8 to 3650',
    kind: 'a whole number from 8 (a job may run for 7 days) to 3650',
  }),
  concurrency: setting(whole(CONCURRENCY_MIN, CONCURRENCY_MAX).default(105), {
    description: `maximum concurrent Lambdas that poll, collect and deliver, ${CONCURRENCY_MIN} to ${CONCURRENCY_MAX}: of 105, 50 poll and 50 deliver (up to 10 jobs each), and 5 collect large results`,
    kind: `a whole number from ${CONCURRENCY_MIN} to ${CONCURRENCY_MAX}`,
  }),
  queueForSeconds: setting(whole(0, LONGEST_JOB_SECONDS).default(DEFAULT_QUEUE_RULES.queueForSeconds), {
    description:
      'how long a job may wait until ModelStudio takes it, unless it says so itself (`queue_for`); its request is stored meanwhile; with 0, no job waits and no request is ever stored',
    kind: `a whole number of seconds from 0 to ${LONGEST_JOB_SECONDS}`,
  }),
  allowResubmit: setting(flag.default(DEFAULT_QUEUE_RULES.allowResubmit), {
    description:
      'whether jobs may ask with `on_unknown: resubmit` to be created again when ModelStudio does not say whether it has created them; they may be billed more than once',
    kind: 'true or false',
  }),
  forwardTracestate: setting(flag.default(false), {
    description:
      'whether the `tracestate` of a submission, up to 512 characters, is stored with its job and sent to its receiver; its `traceparent` goes along in any case',
    kind: 'true or false',
  }),
  jobsAtOnce: setting(whole(1, 1000).optional(), {
    description:
      "how many jobs may run at ModelStudio at once, 1 to 1000: further ones wait (`queued`); without it, there is no bound, but 3 if `baseUrl` is IONOS's; jobs that already run when it is first set are not counted, and lowering it takes effect as jobs end",
    kind: 'a whole number from 1 to 1000',
  }),
  conversationsPerCreate: setting(whole(1, CONVERSATIONS_PER_CREATE).default(CONVERSATIONS_PER_CREATE), {
    description: 'how many conversations ModelStudio is given at once: a job of more has several parts',
    kind: `a whole number from 1 to ${CONVERSATIONS_PER_CREATE}`,
  }),
  bytesPerCreate: setting(whole(BYTES_MIN, TASK_MAX_BYTES).default(BODY_MAX_BYTES), {
    description:
      'how many bytes of conversations ModelStudio is given at once: a job of more has several parts, and a conversation that is larger goes alone',
    kind: `a whole number of bytes from ${BYTES_MIN} to ${TASK_MAX_BYTES}`,
  }),
  partsAtOnce: setting(whole(1, 100).default(10), {
    description: 'how many parts of one job may run at ModelStudio at once, but no more than `jobsAtOnce`',
    kind: 'a whole number from 1 to 100',
  }),
  lagPerPollSeconds: setting(number(0.1, 3600).default(1), {
    description: 'extra detection delay you accept to save one poll, 0.1 to 3600: higher is cheaper',
    kind: 'a number of seconds from 0.1 to 3600',
  }),
  throttleRate: setting(whole(1, 100_000).default(200), {
    description: 'requests per second that the API accepts; more are answered with 429',
    kind: 'a whole number from 1 to 100000',
  }),
  throttleBurst: setting(whole(1, 100_000).default(400), {
    description: 'how many requests the API accepts in a burst',
    kind: 'a whole number from 1 to 100000',
  }),
  domainName: setting(list(z.string().regex(DNS_NAME)).refine(areDifferent).default([]), {
    description:
      'your own domain for the API, such as `jobs.example.com`, whose DNS must point at the output `DomainTarget`; of several, all answer, and the first is the one in `ApiUrl`; needs `certificateArn`',
    kind: 'a DNS name in lower case, such as jobs.example.com, or several, each once',
  }),
  certificateArn: setting(list(matching(CERTIFICATE_ARN)).default([]), {
    description:
      "the domain's certificate in ACM, in the stack's own region; for several domains, one for each or one for all",
    kind: 'the ARN of an ACM certificate, or one for each domain',
  }),
  defaultEndpoint: setting(z.enum(['first', 'beside', 'off']).default('beside'), {
    description:
      "API Gateway's own address when there is a `domainName`: with `first` it is the one in `ApiUrl`, with `beside` it answers as well, with `off` it does not",
    kind: 'first, beside or off',
  }),
  alarmTopicArn: setting(matching(TOPIC_ARN).optional(), {
    description: 'your own SNS topic, which is notified of alarms',
    kind: 'the ARN of an SNS topic',
  }),
  alarmEmail: setting(z.email().optional(), {
    description:
      'an address that is notified of alarms, through a topic of the stack; instead of `alarmTopicArn`',
    kind: 'an e-mail address',
  }),
  logLevel: setting(z.enum(['DEBUG', 'INFO']).default('INFO'), {
    description: '`INFO`, or `DEBUG` for a line for each poll; the metrics are in these lines, too',
    kind: 'DEBUG or INFO',
  }),
  logRetentionDays: setting(whole(1, 3653).refine(isLogRetention).default(RetentionDays.ONE_MONTH), {
    description: 'how long logs are kept: a number of days that CloudWatch supports',
    kind: `one of the numbers of days that CloudWatch supports: ${LOG_RETENTIONS.join(', ')}`,
  }),
  restoredTables: setting(
    list(z.string().regex(RESTORED_TABLE))
      .refine((all) => areDifferent(all.map((pair) => pair.split('=')[0])))
      .default([]),
    {
      description:
        "tables that you have [restored](docs/life.md#restore-from-a-point-in-time), which are used instead of the stack's own, such as `Jobs=jobs-restored`",
      kind: 'Jobs, Documents or ClientKeys, = and the name of a table in the same account and region, or several, each once',
    },
  ),
  removalPolicy: setting(z.enum(['retain', 'destroy']).default('retain'), {
    description:
      'whether tables, bucket and secrets outlive the stack: `retain`, or `destroy`, which needs an empty bucket',
    kind: 'retain or destroy',
  }),
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

function areMorePorts(ports: number[]): boolean {
  return !ports.includes(443) && areDifferent(ports);
}

function isLogRetention(days: number): boolean {
  return LOG_RETENTIONS.includes(days);
}
