import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';

export interface Exchange {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  isReused: boolean;
}

export type RecordedCall = Exchange | { target: string; body: string };

const dynamodb = new DynamoDBClient();
const sqs = new SQSClient();
const s3 = new S3Client();
const agent = new Agent({ keepAlive: true });

const COMMANDS = {
  'DynamoDB_20120810.GetItem': (input: never) => dynamodb.send(new GetItemCommand(input)),
  'DynamoDB_20120810.PutItem': (input: never) => dynamodb.send(new PutItemCommand(input)),
  'DynamoDB_20120810.UpdateItem': (input: never) => dynamodb.send(new UpdateItemCommand(input)),
  'DynamoDB_20120810.Query': (input: never) => dynamodb.send(new QueryCommand(input)),
  'AmazonSQS.SendMessageBatch': (input: never) => sqs.send(new SendMessageBatchCommand(input)),
  'S3.GET': (input: never) =>
    s3.send(new GetObjectCommand(input)).then(({ Body }) => Body?.transformToString()),
  'S3.DELETE': (input: never) => s3.send(new DeleteObjectCommand(input)),
};

const { base, calls, lingerMillis } = JSON.parse(readFileSync(process.env['CALLS'] ?? '', 'utf8')) as {
  base: string;
  calls: RecordedCall[][];
  lingerMillis: number;
};
const steps = calls.map((step) => step.map(begin));

/**
 * The floor: an invocation's calls, with the inputs that were recorded, and nothing else. It waits before it sends a message if the
 * function does, as a processor that has been idle is slower.
 */
export async function handler(): Promise<void> {
  for (const step of steps) await Promise.all(step.map((call) => call()));
}

function begin(call: RecordedCall): () => Promise<unknown> {
  if ('method' in call) return () => exchange(call);
  const send: (input: never) => Promise<unknown> = COMMANDS[call.target as keyof typeof COMMANDS];
  if (call.target.startsWith('S3.')) {
    const [, Bucket, ...key] = new URL(call.body, base).pathname.split('/');
    return () => send({ Bucket, Key: key.join('/') } as never);
  }
  const input = JSON.parse(call.body, (name, value) => (name === 'B' ? Buffer.from(value, 'base64') : value));
  if (lingerMillis === 0 || !call.target.startsWith('AmazonSQS')) return () => send(input as never);
  return () => sleep(lingerMillis).then(() => send(input as never));
}

function exchange({ method, path, headers, body, isReused }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request(base + path, { method, headers, agent: isReused ? agent : false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
