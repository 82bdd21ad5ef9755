import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { ClientKey } from '../../../functions/core/http/client-key.ts';
import { objectKeyOf } from '../../../functions/core/uploads.ts';
import { createClientKeys } from '../../../functions/edge/client-keys.ts';
import { createBucket } from '../../../functions/edge/document-bucket.ts';
import { createDocuments } from '../../../functions/edge/documents.ts';
import { createClientJobs, createJobs, createOverdue } from '../../../functions/edge/jobs-table.ts';
import { createPacer } from '../../../functions/edge/pacer-table.ts';
import { createPlaces } from '../../../functions/edge/places-table.ts';
import { createJobQueue } from '../../../functions/edge/queue-table.ts';
import { createRows } from '../../../functions/edge/rows.ts';
import { createRequests } from '../../../functions/edge/sources.ts';
import { createUploads } from '../../../functions/edge/uploads.ts';
import { createWakeUps } from '../../../functions/edge/wake-ups.ts';
import type { Clock } from '../../../functions/ports.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { startEmulators } from '../../../tools/local/stack/emulators.ts';
import { RETENTION_DAYS } from '../../cloud/ports.ts';
import type { PortsWorld, QueueName } from '../../edge/ports.contract.ts';

const TABLES: CreateTableCommandInput[] = [
  {
    TableName: 'Jobs',
    AttributeDefinitions: [
      { AttributeName: 'jobId', AttributeType: 'S' },
      { AttributeName: 'sweepShard', AttributeType: 'N' },
      { AttributeName: 'sweepAt', AttributeType: 'N' },
      { AttributeName: 'client', AttributeType: 'S' },
      { AttributeName: 'listKey', AttributeType: 'S' },
      { AttributeName: 'queueName', AttributeType: 'S' },
      { AttributeName: 'queuePlace', AttributeType: 'S' },
    ],
    KeySchema: [{ AttributeName: 'jobId', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'sweep',
        KeySchema: [
          { AttributeName: 'sweepShard', KeyType: 'HASH' },
          { AttributeName: 'sweepAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'client',
        KeySchema: [
          { AttributeName: 'client', KeyType: 'HASH' },
          { AttributeName: 'listKey', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'queue',
        KeySchema: [
          { AttributeName: 'queueName', KeyType: 'HASH' },
          { AttributeName: 'queuePlace', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  },
  ...[
    ['Documents', 'key'],
    ['ClientKeys', 'sha256'],
  ].map(([TableName, AttributeName]) => ({
    TableName,
    AttributeDefinitions: [{ AttributeName, AttributeType: 'S' as const }],
    KeySchema: [{ AttributeName, KeyType: 'HASH' as const }],
  })),
];

/** The real adapters over embedded DynamoDB, SQS and S3, as the local stack runs them. */
export async function emulatedPorts(keys: ClientKey[], clock: Clock): Promise<PortsWorld> {
  const emulators = await startEmulators();
  const { endpoints } = emulators;
  const dynamodb = new DynamoDBClient(clientSettings(endpoints.dynamodb));
  const s3 = new S3Client({ ...clientSettings(endpoints.s3), forcePathStyle: true });
  const sqs = new SQSClient(clientSettings(endpoints.sqs));
  for (const table of TABLES) {
    await dynamodb.send(new CreateTableCommand({ ...table, BillingMode: 'PAY_PER_REQUEST' }));
  }
  await s3.send(new CreateBucketCommand({ Bucket: 'documents' }));
  const queueUrls = {
    create: await createQueue(sqs, 'create'),
    poll: await createQueue(sqs, 'poll'),
    collect: await createQueue(sqs, 'collect'),
    deliver: await createQueue(sqs, 'deliver'),
  };
  for (const key of keys) {
    await dynamodb.send(new PutItemCommand({ TableName: 'ClientKeys', Item: marshall(key) }));
  }
  const bucket = async () => createBucket('documents', s3);
  const rows = createRows(dynamodb, 'Jobs');
  return {
    jobs: createJobs(rows, RETENTION_DAYS, clock),
    clientJobs: createClientJobs(dynamodb, 'Jobs', clock),
    overdue: createOverdue(dynamodb, 'Jobs'),
    queue: createJobQueue(rows, clock, false),
    places: createPlaces(rows, 3, clock),
    pacer: createPacer(rows, clock),
    requests: createRequests(bucket),
    documents: createDocuments(createRows(dynamodb, 'Documents', 'key'), bucket, RETENTION_DAYS, clock),
    uploads: createUploads(rows, bucket, clock),
    putUpload: async (upload, text) =>
      void (await (await bucket()).put(objectKeyOf(upload), Buffer.from(text))),
    wakeUps: createWakeUps(sqs, queueUrls),
    clientKeys: createClientKeys(dynamodb, 'ClientKeys', clock),
    receive: (queue) => receive(sqs, queueUrls[queue]),
    async close() {
      for (const client of [dynamodb, s3, sqs]) client.destroy();
      await emulators.close();
    },
  };
}

async function createQueue(sqs: SQSClient, name: QueueName): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  return QueueUrl;
}

async function receive(sqs: SQSClient, QueueUrl: string): ReturnType<PortsWorld['receive']> {
  const request = new ReceiveMessageCommand({
    QueueUrl,
    WaitTimeSeconds: 5,
    MaxNumberOfMessages: 1,
    MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateFirstReceiveTimestamp'],
  });
  for (;;) {
    const [message] = (await sqs.send(request)).Messages ?? [];
    if (!message) continue;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    const { SentTimestamp, ApproximateFirstReceiveTimestamp } = message.Attributes ?? {};
    const heldBackMillis = Number(ApproximateFirstReceiveTimestamp) - Number(SentTimestamp);
    return { message: JSON.parse(message.Body ?? ''), heldBackSeconds: heldBackMillis / 1000 };
  }
}
