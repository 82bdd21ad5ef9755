import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { FinishWorld } from '../finish/finish.ts';
import type { ClientJobs, ClientKeys, Experience, ModelStudio, Overdue, World } from '../ports.ts';
import { createClientKeys } from './client-keys.ts';
import { createDocuments } from './documents.ts';
import { optional, required } from './environment.ts';
import { createExperience } from './experience.ts';
import { createClientJobs, createJobs, createOverdue } from './jobs-table.ts';
import { nameOf } from './lambda-http.ts';
import { log, logger } from './log.ts';
import { createModelStudio } from './modelstudio.ts';
import { chance, clock } from './nature.ts';
import { createApiKey } from './secrets.ts';
import { apiUrl, lagPerPoll, retentionDays, webhookSchedule } from './settings.ts';
import { createWakeUps } from './wake-ups.ts';

const dynamodb = new DynamoDBClient();

export function jobsAndDocuments(): Pick<World, 'jobs' | 'documents'> {
  const bucketName = required('BUCKET');
  return {
    jobs: createJobs(dynamodb, required('JOBS_TABLE'), retentionDays()),
    documents: createDocuments({
      dynamodb,
      tableName: required('DOCUMENTS_TABLE'),
      s3: new S3Client(),
      bucketName,
      retentionDays: retentionDays(),
      clock,
    }),
  };
}

/**
 * What it takes to end a job.
 * @param lingerMillis see createWakeUps
 */
export function finishWorld(lingerMillis = 0): FinishWorld {
  const queueUrls = {
    poll: optional('POLL_QUEUE_URL'),
    collect: optional('COLLECT_QUEUE_URL'),
    deliver: optional('DELIVER_QUEUE_URL'),
  };
  const wakeUps = createWakeUps(new SQSClient(), queueUrls, lingerMillis);
  const settings = { apiUrl: apiUrl(), webhookSchedule: webhookSchedule() };
  return { ...jobsAndDocuments(), wakeUps, clock, chance, log, settings };
}

export function clientJobs(): ClientJobs {
  return createClientJobs(dynamodb, required('JOBS_TABLE'));
}

export function overdue(): Overdue {
  return createOverdue(dynamodb, required('JOBS_TABLE'));
}

export function experience(): Experience {
  return createExperience({
    client: dynamodb,
    tableName: required('EXPERIENCE_TABLE'),
    clock,
    lagPerPoll: lagPerPoll(),
    onError: (error) => logger.warn('experience is out of reach', { error: nameOf(error) }),
  });
}

export function clientKeys(): ClientKeys {
  return createClientKeys(dynamodb, required('CLIENT_KEYS_TABLE'), clock);
}

export function modelStudio(limits: { reportDeadlineMillis: number; reportMaxBytes: number }): ModelStudio {
  return createModelStudio({
    baseUrl: required('MODELSTUDIO_BASE_URL'),
    organizationId: required('MODELSTUDIO_ORGANIZATION_ID'),
    apiKey: createApiKey(required('MODELSTUDIO_SECRET_ARN')),
    clock,
    ...limits,
  });
}
