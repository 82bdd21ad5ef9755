import * as limits from '../../functions/core/limits.ts';
import { WRITTEN } from '../storage/storage.ts';
import { type Queue, type Resource, type Rule, referredId, variablesOf } from './wiring.ts';

// All that this file exports are rules: what the functions rely on and no general rule set could know.

/** AWS recommends at least this many receives. */
const RECEIVES_MIN = 5;
const RECEIVES_MAX = 100;

export const receives: Rule = ({ queues }) =>
  queues.flatMap(({ path, properties: { RedrivePolicy } }) => {
    const { maxReceiveCount: count = 0 } = RedrivePolicy ?? {};
    if (!RedrivePolicy || (count >= RECEIVES_MIN && count <= RECEIVES_MAX)) return [];
    return `${path} sets a message aside after ${count} receives (maxReceiveCount): it must be ${RECEIVES_MIN} to ${RECEIVES_MAX}.`;
  });

export const messageRetention: Rule = ({ queues }) =>
  queues.flatMap(({ path, properties: { MessageRetentionPeriod: kept } }) => {
    if (kept >= limits.LONGEST_JOB_SECONDS) return [];
    return `${path} keeps messages for ${kept} s, shorter than the longest job lives (${limits.LONGEST_JOB_SECONDS} s).`;
  });

/** CloudFormation names a queue by its stack and its logical id. */
export const destinations: Rule = ({ queues, stackName }, { destinations }) =>
  destinations.flatMap(({ name, arn }) => {
    const own = queues.find(({ logicalId }) => arn.split(':')[5]?.startsWith(`${stackName}-${logicalId}-`));
    return own ? `The destination ${name} is ${own.path}, a queue of the stack's own.` : [];
  });

/** A message keeps its age when it moves to the dead-letter queue. */
export const deadLetterRetention: Rule = (wiring) =>
  wiring.queues.flatMap(({ path, properties: { RedrivePolicy, MessageRetentionPeriod: kept } }) => {
    const aside = wiring.behind<Queue>(RedrivePolicy?.deadLetterTargetArn);
    if (!aside || aside.properties.MessageRetentionPeriod > kept) return [];
    return `${aside.path} must keep messages longer than ${path}: they count from when they were sent.`;
  });

export const recursiveLoop: Rule = (wiring) =>
  wiring.functions.flatMap((fn) => {
    const isExempt = fn.properties.RecursiveLoop === 'Allow';
    if (wiring.wokenBy(fn).has(fn) === isExempt) return [];
    return isExempt
      ? `${fn.path} is exempt from loop detection (RecursiveLoop: Allow), but does not feed itself.`
      : `${fn.path} may wake itself, so it needs RecursiveLoop: Allow; without, Lambda stops it after 16 hops.`;
  });

export const concurrency: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    if (mapping.ScalingConfig?.MaximumConcurrency) return [];
    return `${fn.path} consumes ${queue.path} without a maxConcurrency.`;
  });

export const partialBatches: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    if (mapping.FunctionResponseTypes.includes('ReportBatchItemFailures')) return [];
    return `${fn.path} consumes ${queue.path} without reportBatchItemFailures: one bad message would fail its batch.`;
  });

interface Repeats {
  MaximumRetryAttempts?: number;
  MaximumEventAgeInSeconds?: number;
}

/** A schedule fires again anyway; retries of failed or throttled invocations would pile up for hours. */
export const ruleTargets: Rule = (wiring) => {
  const once = wiring
    .ofType<Repeats & { FunctionName: unknown }>('AWS::Lambda::EventInvokeConfig')
    .filter(({ properties }) => properties.MaximumRetryAttempts === 0 && properties.MaximumEventAgeInSeconds)
    .map(({ properties }) => referredId(properties.FunctionName));
  return wiring
    .ofType<{ EventPattern?: object; Targets?: { Arn: unknown; RetryPolicy?: Repeats }[] }>(
      'AWS::Events::Rule',
    )
    .filter(({ properties }) => !properties.EventPattern)
    .flatMap(({ path, properties: { Targets = [] } }) => Targets.map((target) => ({ path, ...target })))
    .flatMap(({ path, Arn, RetryPolicy }) => {
      if (RetryPolicy?.MaximumRetryAttempts === 0 && once.includes(referredId(Arn))) return [];
      return `${path} may repeat ${wiring.behind(Arn)?.path}: the target needs retryAttempts: 0, and its function that and a maxEventAge.`;
    });
};

/** AWS recommends this factor between a queue's visibility timeout and its function's timeout. */
const VISIBILITY_FACTOR = 6;

export const visibility: Rule = ({ consumers }) =>
  consumers.flatMap(({ queue, fn, mapping }) => {
    const hidden = queue.properties.VisibilityTimeout;
    const gathered = mapping.MaximumBatchingWindowInSeconds;
    const needed = VISIBILITY_FACTOR * fn.properties.Timeout + gathered;
    if (hidden >= needed) return [];
    const reason = `six times the timeout of ${fn.path}${gathered > 0 ? ' and its batching window' : ''}`;
    return `${queue.path} hides a message for ${hidden} s: it must be ${needed} s or more, ${reason}.`;
  });

/** How long the lease is that a function holds while it waits for somebody else. */
const LEASE_SECONDS: Record<string, number> = {
  'Api/Submit': limits.SUBMIT_LEASE_MILLIS / 1000,
  'Create/Function': limits.DRAIN_LEASE_MILLIS / 1000,
  'Deliver/Function': limits.ATTEMPT_LEASE_MILLIS / 1000,
};

/** A lease outlives the run that took it, and ends before the message of a run that died comes back. */
export const leases: Rule = ({ functions, consumers }) => [
  ...functions.flatMap(({ path, properties: { Timeout } }) => {
    const seconds = LEASE_SECONDS[path];
    if (seconds === undefined || Timeout < seconds) return [];
    return `${path} may run for ${Timeout} s: it must be less than its lease of ${seconds} s.`;
  }),
  ...consumers.flatMap(({ queue, fn: { path } }) => {
    const seconds = LEASE_SECONDS[path];
    if (seconds === undefined || queue.properties.VisibilityTimeout > seconds) return [];
    return `${queue.path} must hide a message for longer than the lease of ${path}, ${seconds} s.`;
  }),
];

/** The limit of a function's environment, including the names. */
const ENVIRONMENT_MAX_BYTES = 4096;
/** The longest name, URL or ARN that AWS generates for a resource of the stack. */
const REFERENCE_BYTES = 200;

const bytesOf = (value: unknown) => (typeof value === 'string' ? Buffer.byteLength(value) : REFERENCE_BYTES);

export const environmentSize: Rule = ({ functions }) =>
  functions.flatMap((fn) => {
    const sizes = variablesOf(fn).map(([name, value]) => ({ name, bytes: name.length + bytesOf(value) }));
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= ENVIRONMENT_MAX_BYTES) return [];
    const [largest] = sizes.sort((a, b) => b.bytes - a.bytes);
    return `${fn.path} has too large an environment, most of it ${largest?.name}: about ${total} bytes, and Lambda allows ${ENVIRONMENT_MAX_BYTES}.`;
  });

/** What CloudFormation would replace by a secret's value, and what our own secrets look like. */
const SECRET_VALUE =
  /\{\{resolve:(secretsmanager|ssm-secure):|\bwhsec_|\bmsj_[A-Za-z0-9]+_|\bAKIA[A-Z0-9]{16}\b/;

export const environmentSecrets: Rule = ({ functions, hiddenParameters }) => {
  const isSecret = (text: string) =>
    SECRET_VALUE.test(text) || hiddenParameters.some((id) => text.includes(`{"Ref":"${id}"}`));
  return functions.flatMap((fn) =>
    variablesOf(fn).flatMap(([name, value]) => {
      if (!isSecret(JSON.stringify(value))) return [];
      return `${fn.path} has a secret's value in its environment variable ${name}: give it the secret's ARN and permission to read it.`;
    }),
  );
};

/** Keys that deployments make go with them, and whoever deploys is told when that fails. */
const isKept = ({ path }: Resource) => !path.startsWith('ClientKeys/');

const TABLES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];
const BUCKET = 'AWS::S3::Bucket';
/** The first also tidies up after a first deployment that fails; the second is what an app asks of all its resources at once. */
const KEPT = ['RetainExceptOnCreate', 'Retain'];
const KEEPERS = [...TABLES, BUCKET, 'AWS::SecretsManager::Secret'];

/** Tables that are written to, but always have few rows: one for each model and size of job, or for each key. */
const BOUNDED = ['State/DurationStats', 'State/ClientKeys'];

interface Table {
  DeletionProtectionEnabled?: boolean;
  TimeToLiveSpecification?: { Enabled?: boolean };
}

interface Bucket {
  LifecycleConfiguration?: { Rules: { ExpirationInDays?: number; Prefix?: string; Status: string }[] };
}

export const retained: Rule = (wiring, settings) =>
  wiring
    .ofType<Table>(...KEEPERS)
    .filter(isKept)
    .flatMap(({ path, deletionPolicy, properties }) => {
      const outlives = KEPT.includes(deletionPolicy ?? '') && !properties.DeletionProtectionEnabled;
      if (outlives || settings.removalPolicy === 'destroy') return [];
      return `${path} must outlive the stack, by RetainExceptOnCreate or Retain without deletion protection; if it shall not, set removalPolicy to destroy.`;
    });

export const timeToLive: Rule = (wiring) => {
  const writes = ['dynamodb:PutItem', 'dynamodb:UpdateItem'];
  return wiring
    .ofType<Table>(...TABLES)
    .filter((table) => wiring.functions.some((fn) => wiring.isAllowed(fn, writes, table)))
    .filter(({ path, properties }) => !properties.TimeToLiveSpecification?.Enabled && !BOUNDED.includes(path))
    .map(({ path }) => `${path} is written to, but has no time to live: it would grow forever.`);
};

export const expiration: Rule = (wiring, settings) =>
  wiring.ofType<Bucket>(BUCKET).flatMap(({ path, properties }) => {
    const enabled = (properties.LifecycleConfiguration?.Rules ?? []).filter(
      ({ Status }) => Status === 'Enabled',
    );
    const days = WRITTEN.map((folder) => {
      const its = enabled.filter(({ Prefix = '' }) => `${folder}/`.startsWith(Prefix));
      return Math.min(...its.map(({ ExpirationInDays = Infinity }) => ExpirationInDays));
    });
    if (days.includes(Infinity))
      return `${path} has no lifecycle rule that expires its objects: it would grow forever.`;
    const needed = settings.retentionDays + limits.DOCUMENT_EXTRA_DAYS;
    const first = Math.min(...days);
    if (first >= needed) return [];
    return `${path} expires objects after ${first} days: jobs may point to them, and deliver them, for ${needed}.`;
  });

/** Everything in an alarm that may name a resource, but for what the alarm does. */
interface Alarm {
  ActionsEnabled?: boolean;
  Dimensions?: unknown;
  Metrics?: unknown;
}

export const alarms: Rule = (wiring) => {
  const watched = wiring
    .ofType<Alarm>('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => properties.ActionsEnabled !== false)
    .map(({ properties: { Dimensions, Metrics } }) => JSON.stringify([Dimensions, Metrics]))
    .join();
  return [...wiring.queues, ...wiring.functions]
    .filter(isKept)
    .filter(({ logicalId }) => !watched.includes(`"${logicalId}"`))
    .map(({ path }) => `${path} is watched by no alarm.`);
};
