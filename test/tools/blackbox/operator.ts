import { createHash } from 'node:crypto';
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import type { Line } from './system.ts';

export type QueueName = 'poll' | 'collect' | 'deliver';

/** Somebody at work on a running system from outside, with AWS's own API. */
export interface Operator {
  queue: Record<QueueName, Queue>;
  /** Messages that were set aside, in all queues together. */
  deadLetters(): Promise<number>;
  secret(arn: string): Promise<string>;
  putSecret(arn: string, value: string): Promise<void>;
  /** As `npm run keys -- revoke` does. */
  revokeKey(clientKey: string): Promise<void>;
  putWebhookUrl(jobId: string, url: string): Promise<void>;
  /** Takes the document of a job's event away. @returns what puts it back */
  loseEvent(jobId: string): Promise<() => Promise<void>>;
  /** Puts the last redelivery of a job's webhook so long ago that there may be another. */
  letRedeliver(jobId: string): Promise<void>;
  /** Puts the wake-up that a job awaits back in time, so that the next sweep takes it for lost. */
  makeOverdue(jobId: string): Promise<void>;
  close(): void;
}

export interface Queue {
  /** Messages that are to be seen, held back or being worked on. */
  count(): Promise<number>;
  /** The same but for those held back. */
  countDue(): Promise<number>;
  /** How long a message stays hidden from others while it is being worked on. */
  hideFor(seconds: number): Promise<void>;
  /** How often a message may fail. */
  setAsideAfter(receives: number): Promise<void>;
  purge(): Promise<void>;
  send(body: string, delaySeconds?: number): Promise<void>;
  /** Takes messages out, waiting for them up to a second. */
  take(): Promise<string[]>;
}

/** More than any wake-up may be late. */
const LONG_AGO_MILLIS = 20 * 60_000;

export async function operatorOf({ aws }: Pick<Line, 'aws'>): Promise<Operator> {
  const sqs = new SQSClient(clientSettings(aws.sqs));
  const dynamodb = new DynamoDBClient(clientSettings(aws.dynamodb));
  const secrets = new SecretsManagerClient(clientSettings(aws.secretsmanager));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  const queueUrl = (name: RegExp) => found(QueueUrls, name);
  const jobs = rowsOf(dynamodb, found(TableNames, /StateJobs/));
  const clientKeys = found(TableNames, /StateClientKeys/);
  const documents = found(TableNames, /StateDocuments/);

  return {
    queue: {
      poll: queueOf(sqs, queueUrl(/-PollQueue/)),
      collect: queueOf(sqs, queueUrl(/-PollCollectQueue/)),
      deliver: queueOf(sqs, queueUrl(/-DeliverQueue/)),
    },
    async deadLetters() {
      const queues = QueueUrls.filter((url) => url.includes('DeadLetters')).map((url) => queueOf(sqs, url));
      const counts = await Promise.all(queues.map((queue) => queue.count()));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async secret(arn) {
      return (await secrets.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString ?? '';
    },
    async putSecret(arn, value) {
      await secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString: value }));
    },
    async revokeKey(clientKey) {
      const update = {
        Key: marshall({ sha256: createHash('sha256').update(clientKey).digest('hex') }),
        UpdateExpression: 'SET revokedAt = :now',
        ConditionExpression: 'revokedAt = :never',
        ExpressionAttributeValues: marshall({ ':now': Date.now(), ':never': null }),
      };
      await dynamodb.send(new UpdateItemCommand({ TableName: clientKeys, ...update }));
    },
    async putWebhookUrl(jobId, url) {
      await jobs.set(jobId, 'webhook.#name', { '#name': 'url' }, url);
    },
    async loseEvent(jobId) {
      const { event } = (await jobs.get(jobId)) as { event: { key: string } };
      const { Attributes } = await dynamodb.send(
        new DeleteItemCommand({
          TableName: documents,
          Key: marshall({ key: event.key }),
          ReturnValues: 'ALL_OLD',
        }),
      );
      return async () => {
        await dynamodb.send(new PutItemCommand({ TableName: documents, Item: Attributes }));
      };
    },
    async letRedeliver(jobId) {
      await jobs.set(jobId, 'webhook.redelivered.#at', { '#at': 'at' }, Date.now() - LONG_AGO_MILLIS);
    },
    async makeOverdue(jobId) {
      const row = await jobs.get(jobId);
      const at = row['expectedWakeUp'] ? 'expectedWakeUp' : 'webhook.expectedWakeUp';
      await jobs.set(jobId, `${at}.dueAt`, {}, Date.now() - LONG_AGO_MILLIS);
      await jobs.set(jobId, 'wakeUpDeadline', {}, Date.now() - LONG_AGO_MILLIS);
      await jobs.set(jobId, 'sweepAt', {}, Date.now() - LONG_AGO_MILLIS);
    },
    close() {
      for (const client of [sqs, dynamodb, secrets]) client.destroy();
    },
  };
}

function found(names: string[], pattern: RegExp): string {
  const name = names.find((candidate) => pattern.test(candidate));
  if (name === undefined) throw new Error(`Nothing is called ${pattern} among ${names.join(', ')}`);
  return name;
}

const DUE: QueueAttributeName[] = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];

function queueOf(sqs: SQSClient, QueueUrl: string): Queue {
  const sumOf = async (names: QueueAttributeName[]) => {
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }));
    return names.reduce((sum, name) => sum + Number(Attributes?.[name]), 0);
  };
  return {
    count: () => sumOf([...DUE, 'ApproximateNumberOfMessagesDelayed']),
    countDue: () => sumOf(DUE),
    async hideFor(seconds) {
      const Attributes = { VisibilityTimeout: String(seconds) };
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    },
    async setAsideAfter(receives) {
      const AttributeNames = ['RedrivePolicy' as const];
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      const policy = { ...JSON.parse(Attributes?.RedrivePolicy ?? ''), maxReceiveCount: receives };
      const RedrivePolicy = JSON.stringify(policy);
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }));
    },
    async purge() {
      await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    },
    async send(body, delaySeconds = 0) {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, DelaySeconds: delaySeconds }));
    },
    async take() {
      const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
      const { Messages = [] } = await sqs.send(receive);
      for (const { ReceiptHandle } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      return Messages.map(({ Body }) => Body ?? '');
    },
  };
}

function rowsOf(dynamodb: DynamoDBClient, TableName: string) {
  const key = (jobId: string) => ({ TableName, Key: marshall({ jobId }) });
  return {
    async get(jobId: string): Promise<Record<string, unknown>> {
      const { Item } = await dynamodb.send(new GetItemCommand({ ...key(jobId), ConsistentRead: true }));
      return unmarshall(Item ?? {});
    },
    /** As a version of its own, so that a worker that has read the row before does not write over it. */
    async set(jobId: string, path: string, names: Record<string, string>, value: unknown): Promise<void> {
      const update = {
        ...key(jobId),
        UpdateExpression: `SET ${path} = :value, version = version + :one`,
        ExpressionAttributeValues: marshall({ ':value': value, ':one': 1 }),
        ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      };
      await dynamodb.send(new UpdateItemCommand(update));
    },
  };
}
