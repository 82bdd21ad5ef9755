import { describe, expect, it } from 'vitest';
import { type CallRequest, readCall, type Service } from '../../../tools/local/stack/aws/call.ts';

const at = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
const QueueUrl = 'http://127.0.0.1:1/000000000000/orders';
const SECRET = at('secretsmanager', 'secret:name-aB3dE6');

describe('a call needs', () => {
  it.each<[Service, string, object, string[]]>([
    ['dynamodb', 'GetItem', { TableName: 'Jobs' }, [`dynamodb:GetItem ${at('dynamodb', 'table/Jobs')}`]],
    [
      'dynamodb',
      'Query',
      { TableName: 'Jobs', IndexName: 'sweep' },
      [`dynamodb:Query ${at('dynamodb', 'table/Jobs/index/sweep')}`],
    ],
    [
      'dynamodb',
      'BatchGetItem',
      { RequestItems: { A: {}, B: {} } },
      [
        `dynamodb:BatchGetItem ${at('dynamodb', 'table/A')}`,
        `dynamodb:BatchGetItem ${at('dynamodb', 'table/B')}`,
      ],
    ],
    ['dynamodb', 'ListTables', {}, ['dynamodb:ListTables *']],
    ['sqs', 'SendMessage', { QueueUrl }, [`sqs:SendMessage ${at('sqs', 'orders')}`]],
    ['sqs', 'SendMessageBatch', { QueueUrl }, [`sqs:SendMessage ${at('sqs', 'orders')}`]],
    [
      'sqs',
      'ChangeMessageVisibilityBatch',
      { QueueUrl },
      [`sqs:ChangeMessageVisibility ${at('sqs', 'orders')}`],
    ],
    ['sqs', 'GetQueueUrl', { QueueName: 'orders' }, [`sqs:GetQueueUrl ${at('sqs', 'orders')}`]],
    ['sqs', 'ListQueues', {}, ['sqs:ListQueues *']],
    ['secretsmanager', 'GetSecretValue', { SecretId: SECRET }, [`secretsmanager:GetSecretValue ${SECRET}`]],
    ['secretsmanager', 'GetSecretValue', { SecretId: 'name' }, [`secretsmanager:GetSecretValue ${SECRET}`]],
    [
      'secretsmanager',
      'GetSecretValue',
      { SecretId: SECRET.slice(0, -7) },
      [`secretsmanager:GetSecretValue ${SECRET}`],
    ],
  ])('of %s, %s with %j: %j', (service, operation, input, needs) => {
    const headers = { 'x-amz-target': `Any_20120810.${operation}` };
    const call = readCall(service, { method: 'POST', url: '/', headers }, JSON.stringify(input));
    expect(call.needs.map(({ action, resource }) => `${action} ${resource}`)).toEqual(needs);
  });

  it.each<[string, string, string, string[]]>([
    ['GET', '/b/a/key?x-id=GetObject', '', ['s3:GetObject arn:aws:s3:::b/a/key']],
    ['HEAD', '/b/key', '', ['s3:GetObject arn:aws:s3:::b/key']],
    ['GET', '/b/a%20key', '', ['s3:GetObject arn:aws:s3:::b/a key']],
    ['PUT', '/b/key', '', ['s3:PutObject arn:aws:s3:::b/key']],
    ['DELETE', '/b/key', '', ['s3:DeleteObject arn:aws:s3:::b/key']],
    ['POST', '/b/key?uploads', '', ['s3:PutObject arn:aws:s3:::b/key']],
    [
      'POST',
      '/b/?delete',
      '<Delete><Object><Key>x</Key></Object><Object><Key>y/z</Key></Object></Delete>',
      ['s3:DeleteObject arn:aws:s3:::b/x', 's3:DeleteObject arn:aws:s3:::b/y/z'],
    ],
    ['GET', '/b/?list-type=2&prefix=a', '', ['s3:ListBucket arn:aws:s3:::b']],
    ['HEAD', '/b', '', ['s3:ListBucket arn:aws:s3:::b']],
    ['PUT', '/b', '', ['s3:* arn:aws:s3:::b']],
    ['DELETE', '/b', '', ['s3:* arn:aws:s3:::b']],
    ['GET', '/', '', ['s3:* arn:aws:s3:::']],
  ])('of S3, %s %s %s: %j', (method, url, body, needs) => {
    const call = readCall('s3', { method, url, headers: {} }, body);
    expect(call.needs.map(({ action, resource }) => `${action} ${resource}`)).toEqual(needs);
  });
});

describe('a call is made in the name of', () => {
  const authorization = 'AWS4-HMAC-SHA256 Credential=ASIA1/20260101/us-east-1/s3/aws4_request, Signature=0';
  it.each<[string, string | null, Partial<CallRequest>]>([
    ['whoever signs the headers', 'ASIA1', { headers: { authorization } }],
    ['whoever signed the link', 'ASIA2', { url: '/b/k?X-Amz-Credential=ASIA2%2F20260101%2Fus-east-1' }],
    ['nobody, by a key of our own', null, { headers: { authorization: 'Bearer msj_a_b' } }],
    ['nobody', null, {}],
  ])('%s', (_name, accessKeyId, request) => {
    expect(readCall('s3', { method: 'GET', url: '/b/k', headers: {}, ...request }, '')).toMatchObject({
      accessKeyId,
    });
  });
});
