import { vi } from 'vitest';

export const queueUrlOf = (name: string) => `https://sqs.us-east-1.amazonaws.com/123456789012/${name}`;

const VARIABLES = {
  ...{ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' },
  ...{ API_URL: 'https://api.example.com/v/', BUCKET: 'bucket', SERVICE_NAME: 'ModelStudioJobs' },
  ...{ JOBS_TABLE: 'jobs', DOCUMENTS_TABLE: 'documents', DURATION_STATS_TABLE: 'durationStats' },
  ...{ MODELSTUDIO_BASE_URL: 'https://modelstudio.example.com', MODELSTUDIO_ORGANIZATION_ID: 'org' },
  ...{ LAG_PER_POLL_SECONDS: '2.5', RETENTION_DAYS: '12', WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,7' },
  ...{ MODELSTUDIO_SECRET_ARN: 'modelstudio-key', WEBHOOK_SECRET_ARN: 'webhook-secret' },
  ...{ CLIENT_KEYS_TABLE: 'clientKeys', WEBHOOK_PORTS: '8443,9443' },
  ...{ POLL_QUEUE_URL: queueUrlOf('poll'), COLLECT_QUEUE_URL: queueUrlOf('collect') },
  ...{ DELIVER_QUEUE_URL: queueUrlOf('deliver'), CREATE_QUEUE_URL: queueUrlOf('create') },
  ...{ PARTS_AT_ONCE: '4', CONVERSATIONS_PER_CREATE: '100', BYTES_PER_CREATE: '1000000' },
  ...{ QUEUE_FOR_SECONDS: '600', ALLOW_RESUBMIT: 'true', FORWARD_TRACESTATE: 'true', JOBS_AT_ONCE: '5' },
  ...{ ENVIRONMENTS: '50' },
};

/** Sets all that the stack gives to any function, until `vi.unstubAllEnvs`. */
export function stubVariables(): void {
  for (const [name, value] of Object.entries(VARIABLES)) vi.stubEnv(name, value);
}
