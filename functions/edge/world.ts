import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { FinishWorld } from '../finish/finish.ts';
import { awsSettings, describingErrors } from './aws.ts';
import { createClientKeys } from './client-keys.ts';
import type { Bucket } from './document-bucket.ts';
import { createDocuments } from './documents.ts';
import { createDurationStats } from './duration-stats.ts';
import { createClientJobs, createJobs, createOverdue } from './jobs-table.ts';
import { redactedError } from './lambda-http.ts';
import type { ComeAgain } from './lambda-sqs.ts';
import { createLanes } from './lanes-table.ts';
import { log, logger } from './log.ts';
import { createPacer } from './pacer-table.ts';
import { createPlaces } from './places-table.ts';
import { createJobQueue } from './queue-table.ts';
import { createRows } from './rows.ts';
import {
  apiUrl,
  lagPerPollSeconds,
  number,
  optional,
  required,
  retentionDays,
  webhookSchedule,
} from './settings.ts';
import { createRequests, createSources } from './sources.ts';
import { clock, random } from './system.ts';
import { createUploads } from './uploads.ts';
import { type Batch, createWakeUps } from './wake-ups.ts';

export const dynamodb = describingErrors(new DynamoDBClient(awsSettings));
const sqs = describingErrors(new SQSClient(awsSettings));
const jobsTable = required('JOBS_TABLE');
const rows = createRows(dynamodb, jobsTable);
const isBounded = optional('JOBS_AT_ONCE') !== null;

const bucketName = required('BUCKET');
// Few jobs are large enough to need it, and it would take a quarter of a cold start.
let loading: Promise<Bucket> | undefined;
const bucket = () => (loading ??= import('#bucket').then(({ createBucket }) => createBucket(bucketName)));

/**
 * Everything that is needed to end a job.
 * @param batch see createWakeUps
 */
export function finishWorld(batch?: Batch): FinishWorld {
  const queueUrls = {
    poll: optional('POLL_QUEUE_URL'),
    collect: optional('COLLECT_QUEUE_URL'),
    deliver: optional('DELIVER_QUEUE_URL'),
    create: optional('CREATE_QUEUE_URL'),
  };
  const wakeUps = createWakeUps(sqs, queueUrls, batch);
  const documentRows = createRows(dynamodb, required('DOCUMENTS_TABLE'), 'key');
  return {
    jobs: createJobs(rows, retentionDays(), clock),
    documents: createDocuments(documentRows, bucket, retentionDays(), clock),
    requests: createRequests(bucket),
    wakeUps,
    clock,
    random,
    log,
    settings: { apiUrl: apiUrl(), webhookSchedule: webhookSchedule() },
  };
}

/** @param queueUrl of the queue that feeds the function */
export function comeAgainFrom(queueUrl: string): ComeAgain {
  return (ReceiptHandle, VisibilityTimeout) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }));
}

export const clientJobs = () => createClientJobs(dynamodb, jobsTable, clock);
export const queue = () => createJobQueue(rows, clock, isBounded);
export const places = () => (isBounded ? createPlaces(rows, number('JOBS_AT_ONCE'), clock) : null);
export const sources = () => createSources(bucket);
export const pacer = () => createPacer(rows, clock);
export const uploads = () => createUploads(rows, bucket, clock);
export const overdue = () => createOverdue(dynamodb, jobsTable);
export const clientKeys = () => createClientKeys(dynamodb, required('CLIENT_KEYS_TABLE'), clock);

export function lanes() {
  const environments = number('ENVIRONMENTS');
  return createLanes({ rows, clock, random, environments, log });
}

export function durationStats() {
  return createDurationStats({
    client: dynamodb,
    tableName: required('DURATION_STATS_TABLE'),
    clock,
    random,
    lagPerPollSeconds: lagPerPollSeconds(),
    onError: (error) => logger.warn('the duration stats are out of reach', { error: redactedError(error) }),
  });
}
