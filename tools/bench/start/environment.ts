import type { OwnVariables, SharedVariables } from '../../../functions/core/variables.ts';

type Own = OwnVariables['submit'] &
  OwnVariables['create'] &
  OwnVariables['poll'] &
  OwnVariables['collect'] &
  OwnVariables['jobs'];

const fromStack = {
  ALLOW_RESUBMIT: 'false',
  API_URL: 'https://api.example.com',
  BUCKET: 'bucket',
  BYTES_PER_CREATE: '4194304',
  CLIENT_KEYS_TABLE: 'client-keys',
  CONVERSATIONS_PER_CREATE: '1000',
  COLLECT_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/collect',
  CREATE_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/create',
  DEFAULT_DESTINATION: '',
  DEFAULT_WEBHOOK_URL: '',
  DELIVER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/deliver',
  DESTINATIONS: '',
  DOCUMENTS_TABLE: 'documents',
  DURATION_STATS_TABLE: 'durationStats',
  ENVIRONMENTS: '50',
  FORWARD_TRACESTATE: 'false',
  JOBS_TABLE: 'jobs',
  LAG_PER_POLL_SECONDS: '1',
  MODELSTUDIO_BASE_URL: 'https://modelstudio.example.com',
  MODELSTUDIO_ORGANIZATION_ID: 'org',
  MODELSTUDIO_SECRET_ARN: 'modelstudio-key',
  PARTS_AT_ONCE: '10',
  POLL_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/poll',
  QUEUE_FOR_SECONDS: '3600',
  RETENTION_DAYS: '7',
  SERVICE_NAME: 'ModelStudioJobs',
  UV_THREADPOOL_SIZE: '16',
  WEBHOOK_PORTS: '443',
  WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,5,300',
  WEBHOOK_SECRET_ARN: 'webhook-secret',
} satisfies SharedVariables & Own & OwnVariables['deliver'] & OwnVariables['sweep'];

/** What the handlers need at their start: as the stack sets it, and Lambda. */
export const environment = {
  ...fromStack,
  AWS_ACCESS_KEY_ID: 'key',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: 'start',
  AWS_LAMBDA_LOG_LEVEL: 'INFO',
  AWS_REGION: 'us-east-1',
  AWS_SECRET_ACCESS_KEY: 'secret',
};
