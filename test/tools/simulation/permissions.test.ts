import { GetItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import type { FunctionName } from '../../../test/cloud/handlers.ts';
import { refusalOf } from '../../../tools/simulation/permissions.ts';

const Key = {};
const Bucket = 'bucket';
const query = (IndexName: string) => new QueryCommand({ TableName: 'jobs', IndexName });

it.each<[name: FunctionName, command: { input: object }, refusal: string | null]>([
  ['poll', new GetItemCommand({ TableName: 'jobs', Key }), null],
  ['poll', new GetItemCommand({ TableName: 'clientKeys', Key }), 'GetItem State/ClientKeys'],
  ['sweep', new UpdateItemCommand({ TableName: 'durationStats', Key }), 'UpdateItem State/DurationStats'],
  ['sweep', query('sweep'), null],
  ['sweep', query('client'), 'Query State/Jobs/index/client'],
  ['create', new GetObjectCommand({ Bucket, Key: 'requests/job_1' }), null],
  ['jobs', new GetObjectCommand({ Bucket, Key: 'requests/job_1' }), 'GetObject State/Bucket/requests/*'],
  ['deliver', new HeadObjectCommand({ Bucket, Key: 'uploads/a/1' }), 'GetObject State/Bucket/uploads/*'],
  ['jobs', new SendMessageBatchCommand({ QueueUrl: 'poll', Entries: [] }), 'SendMessage Poll/Poll/Queue'],
])('%s may do no more than the stack permits', (name, command, refusal) => {
  expect(refusalOf(name, command)).toBe(refusal);
});
