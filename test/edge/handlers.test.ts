import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const queueUrlOf = (name: string) => `https://sqs.us-east-1.amazonaws.com/123456789012/${name}`;
const VARIABLES = {
  ...{ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' },
  ...{ API_URL: 'https://api.example.com', BUCKET: 'bucket', SERVICE_NAME: 'ModelStudioJobs' },
  ...{ JOBS_TABLE: 'jobs', DOCUMENTS_TABLE: 'documents', DURATION_STATS_TABLE: 'durationStats' },
  ...{ MODELSTUDIO_BASE_URL: 'https://modelstudio.example.com', MODELSTUDIO_ORGANIZATION_ID: 'org' },
  ...{
    MODELSTUDIO_SECRET_ARN: 'modelstudio-key',
    WEBHOOK_SECRET_ARN: 'webhook-secret',
    WEBHOOK_PORTS: '443',
  },
  ...{ LAG_PER_POLL_SECONDS: '1', RETENTION_DAYS: '7', WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,5' },
  ...{ POLL_QUEUE_URL: queueUrlOf('poll'), COLLECT_QUEUE_URL: queueUrlOf('collect') },
  DELIVER_QUEUE_URL: queueUrlOf('deliver'),
};

beforeAll(() => {
  for (const [name, value] of Object.entries(VARIABLES)) vi.stubEnv(name, value);
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it.each(['poll', 'collect', 'deliver'])(
  'the handler of %s gives a failed message back to its own queue',
  async (name) => {
    const sqs = mockClient(SQSClient);
    sqs.on(ChangeMessageVisibilityCommand).resolves({});
    const { logger } = await import('../../functions/edge/log.ts');
    vi.spyOn(logger, 'write').mockReturnValue();
    const { handler } = await import(`../../functions/${name}/handler.ts`);
    const record = { messageId: 'm1', receiptHandle: 'r1', body: 'no JSON' };
    const event = { Records: [{ ...record, attributes: { ApproximateReceiveCount: '1' } }] };
    expect(await handler(event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    const calls = sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input);
    expect(calls).toEqual([{ QueueUrl: queueUrlOf(name), ReceiptHandle: 'r1', VisibilityTimeout: 5 }]);
  },
);
