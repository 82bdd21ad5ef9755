import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { FinishWorld } from '../finish/finish.ts';
import type {
  ClientJobs,
  ClientKeys,
  DurationStats,
  Lanes,
  Overdue,
  Places,
  Queue,
  World,
} from '../ports.ts';
import { awsSettings, describingErrors } from './aws.ts';
import { createClientKeys } from './client-keys.ts';
import type { Bucket } from './document-bucket.ts';
import { createDocuments } from './documents.ts';
import { createDurationStats } from './duration-stats.ts';
import { number, optional, required } from './environment.ts';
import { createClientJobs, createJobs, createOverdue } from './jobs-table.ts';
import { redactedError } from './lambda-http.ts';
import type { ComeAgain } from './lambda-sqs.ts';
import { createLanes } from './lanes-table.ts';
import { log, logger } from './log.ts';
import { createPacer } from './pacer-table.ts';
import { createPlaces } from './places-table.ts';
import { createJobQueue } from './queue-table.ts';
import { createRequests } from './requests.ts';
import { apiUrl, lagPerPollSeconds, retentionDays, webhookSchedule } from './settings.ts';
import { clock, random } from './system.ts';
import { createWakeUps } from './wake-ups.ts';

export const dynamodb = describingErrors(new DynamoDBClient(awsSettings));
const sqs = describingErrors(new SQSClient(awsSettings));

export function jobsAndDocuments(): Pick<World, 'jobs' | 'documents' | 'requests'> {
  const bucketName = required('BUCKET');
  // Few jobs are large enough to need it, and it would take a quarter of a cold start.
  let loading: Promise<Bucket> | undefined;
  const bucket = () => (loading ??= import('#bucket').then(({ createBucket }) => createBucket(bucketName)));
  return {
    jobs: createJobs(dynamodb, required('JOBS_TABLE'), retentionDays(), clock),
    documents: createDocuments({
      dynamodb,
      tableName: required('DOCUMENTS_TABLE'),
      bucket,
      retentionDays: retentionDays(),
      clock,
    }),
    requests: createRequests(bucket),
  };
}

/**
 * Everything that is needed to end a job.
 * @param lingerMillis see createWakeUps
 */
export function finishWorld(lingerMillis = 0): FinishWorld {
  const queueUrls = {
    poll: optional('POLL_QUEUE_URL'),
    collect: optional('COLLECT_QUEUE_URL'),
    deliver: optional('DELIVER_QUEUE_URL'),
    create: optional('CREATE_QUEUE_URL'),
  };
  const wakeUps = createWakeUps(sqs, queueUrls, lingerMillis);
  const settings = { apiUrl: apiUrl(), webhookSchedule: webhookSchedule() };
  return { ...jobsAndDocuments(), wakeUps, clock, random, log, settings };
}

/** @param queueUrl of the queue that feeds the function */
export function comeAgainFrom(queueUrl: string): ComeAgain {
  return (ReceiptHandle, VisibilityTimeout) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
}

export const clientJobs = (): ClientJobs => createClientJobs(dynamodb, required('JOBS_TABLE'), clock);
export const queue = (): Queue =>
  createJobQueue(dynamodb, required('JOBS_TABLE'), clock, optional('JOBS_AT_ONCE') !== null);
export const pacer = (): World['pacer'] => createPacer(dynamodb, required('JOBS_TABLE'), clock);
export const overdue = (): Overdue => createOverdue(dynamodb, required('JOBS_TABLE'));
export const clientKeys = (): ClientKeys => createClientKeys(dynamodb, required('CLIENT_KEYS_TABLE'), clock);

export function places(): Places | null {
  if (optional('JOBS_AT_ONCE') === null) return null;
  return createPlaces(dynamodb, required('JOBS_TABLE'), number('JOBS_AT_ONCE'), clock);
}

export function lanes(): Lanes {
  return createLanes({
    client: dynamodb,
    tableName: required('JOBS_TABLE'),
    clock,
    random,
    environments: number('ENVIRONMENTS'),
    log,
  });
}

export function durationStats(): DurationStats {
  return createDurationStats({
    client: dynamodb,
    tableName: required('DURATION_STATS_TABLE'),
    clock,
    lagPerPollSeconds: lagPerPollSeconds(),
    onError: (error) => logger.warn('the duration stats are out of reach', { error: redactedError(error) }),
  });
}
