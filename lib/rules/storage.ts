import { DOCUMENT_EXTRA_DAYS } from '../../functions/core/limits.ts';
import type { Rule } from './rule.ts';

const TABLES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];
const BUCKET = 'AWS::S3::Bucket';
const KEEPERS = [...TABLES, BUCKET, 'AWS::SecretsManager::Secret'];

/** Tables that are written to, but always have few rows. */
const BOUNDED: Record<string, string> = {
  'State/DurationStats': 'a small row for each model and size of job',
};

interface TableProperties {
  DeletionProtectionEnabled?: boolean;
  TimeToLiveSpecification?: { Enabled?: boolean };
}

interface BucketProperties {
  BucketEncryption?: unknown;
  LifecycleConfiguration?: { Rules: { ExpirationInDays?: number; Prefix?: string; Status: string }[] };
}

export const retained: Rule = ({ resources, settings }) =>
  resources.ofType<TableProperties>(...KEEPERS).map(({ path, deletionPolicy, properties }) => {
    const isKept = deletionPolicy === 'RetainExceptOnCreate' && !properties.DeletionProtectionEnabled;
    return (
      settings.removalPolicy !== 'destroy' &&
      !isKept &&
      `${path} must outlive the stack, but not a first deployment that fails: RetainExceptOnCreate, without deletion protection.`
    );
  });

export const timeToLive: Rule = ({ resources, wiring }) =>
  resources
    .ofType<TableProperties>(...TABLES)
    .filter((table) => wiring.allowed(['dynamodb:PutItem', 'dynamodb:UpdateItem'], table).length > 0)
    .filter(({ path, properties }) => !properties.TimeToLiveSpecification?.Enabled && !(path in BOUNDED))
    .map(({ path }) => `${path} is written to, but has no time to live: it would grow forever.`);

export const expiration: Rule = ({ resources, settings }) =>
  resources.ofType<BucketProperties>(BUCKET).map(({ path, properties }) => {
    const days = (properties.LifecycleConfiguration?.Rules ?? [])
      .filter(({ Status, Prefix }) => Status === 'Enabled' && !Prefix)
      .flatMap(({ ExpirationInDays }) => ExpirationInDays ?? []);
    if (days.length === 0)
      return `${path} has no lifecycle rule that expires its objects: it would grow forever.`;
    const needed = settings.retentionDays + DOCUMENT_EXTRA_DAYS;
    return (
      Math.min(...days) < needed &&
      `${path} expires objects after ${Math.min(...days)} days: jobs may point to them, and deliver them, for ${needed}.`
    );
  });

export const bucketEncryption: Rule = ({ resources }) =>
  resources
    .ofType<BucketProperties>(BUCKET)
    .map(({ path, properties }) => !properties.BucketEncryption && `${path} is not encrypted.`);
