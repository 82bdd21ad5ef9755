import { DOCUMENT_EXTRA_DAYS } from '../../functions/core/limits.ts';
import type { Rule } from './wiring.ts';

const TABLES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];
const BUCKET = 'AWS::S3::Bucket';
const KEEPERS = [...TABLES, BUCKET, 'AWS::SecretsManager::Secret'];

/** Tables that are written to, but always have few rows: one for each model and size of job. */
const BOUNDED = ['State/DurationStats'];

interface Table {
  DeletionProtectionEnabled?: boolean;
  TimeToLiveSpecification?: { Enabled?: boolean };
}

interface Bucket {
  LifecycleConfiguration?: { Rules: { ExpirationInDays?: number; Prefix?: string; Status: string }[] };
}

export const retained: Rule = (wiring, settings) =>
  wiring.ofType<Table>(...KEEPERS).flatMap(({ path, deletionPolicy, properties }) => {
    const isKept = deletionPolicy === 'RetainExceptOnCreate' && !properties.DeletionProtectionEnabled;
    if (isKept || settings.removalPolicy === 'destroy') return [];
    return `${path} must outlive the stack, but not a first deployment that fails: RetainExceptOnCreate, without deletion protection.`;
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
    const days = (properties.LifecycleConfiguration?.Rules ?? [])
      .filter(({ Status, Prefix }) => Status === 'Enabled' && !Prefix)
      .flatMap(({ ExpirationInDays }) => ExpirationInDays ?? []);
    if (days.length === 0)
      return `${path} has no lifecycle rule that expires its objects: it would grow forever.`;
    const needed = settings.retentionDays + DOCUMENT_EXTRA_DAYS;
    const first = Math.min(...days);
    if (first >= needed) return [];
    return `${path} expires objects after ${first} days: jobs may point to them, and deliver them, for ${needed}.`;
  });
