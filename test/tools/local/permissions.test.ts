import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import { type LocalStack, startLocalStack } from '../../../tools/local/stack/stack.ts';
import type { Template } from '../../../tools/local/stack/template.ts';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { eventually, writeFiles, writeStack } from './fixtures.ts';

const { resolve } = createRequire(import.meta.url);
const sdk = (name: string) => JSON.stringify(resolve(name));

/** Makes the call that it is asked for, and answers with the name and the sentence of AWS's refusal, if it is refused. */
const CALLER = `
  const dynamodb = require(${sdk('@aws-sdk/client-dynamodb')});
  const sqs = require(${sdk('@aws-sdk/client-sqs')});
  const s3 = require(${sdk('@aws-sdk/client-s3')});
  const secrets = require(${sdk('@aws-sdk/client-secrets-manager')});
  const { getSignedUrl } = require(${sdk('@aws-sdk/s3-request-presigner')});
  const { TableName, QueueUrl, Bucket, SecretId } = process.env;
  const [table, queue, bucket, vault] = [new dynamodb.DynamoDBClient(), new sqs.SQSClient(),
    new s3.S3Client({ forcePathStyle: true }), new secrets.SecretsManagerClient()];
  const pk = { S: 'a' }, Key = 'kept/object';
  const calls = {
    get: () => table.send(new dynamodb.GetItemCommand({ TableName, Key: { pk } })),
    put: () => table.send(new dynamodb.PutItemCommand({ TableName, Item: { pk } })),
    batchGet: () => table.send(new dynamodb.BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [{ pk }] } } })),
    query: () => table.send(new dynamodb.QueryCommand({ TableName, IndexName: 'other',
      KeyConditionExpression: 'colour = :v', ExpressionAttributeValues: { ':v': pk } })),
    send: () => queue.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
    sendBatch: () => queue.send(new sqs.SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: 'a', MessageBody: 'x' }] })),
    store: () => bucket.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' })),
    load: () => bucket.send(new s3.GetObjectCommand({ Bucket, Key })),
    look: () => bucket.send(new s3.HeadObjectCommand({ Bucket, Key })),
    list: () => bucket.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'kept/' })),
    listAll: () => bucket.send(new s3.ListObjectsV2Command({ Bucket })),
    loadNothing: () => bucket.send(new s3.GetObjectCommand({ Bucket, Key: 'kept/nothing' })),
    secret: () => vault.send(new secrets.GetSecretValueCommand({ SecretId })),
    putSecret: () => vault.send(new secrets.PutSecretValueCommand({ SecretId, SecretString: 'x' })),
    link: () => getSignedUrl(bucket, new s3.GetObjectCommand({ Bucket, Key })),
  };
  exports.handler = async (name) => calls[name]().then((link) => typeof link === 'string' ? link : 'done',
    (error) => error.name + ': ' + error.message);`;

const role = (statements: object[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: { Policies: [{ PolicyDocument: { Statement: statements } }] },
});
const caller = (roleId: string) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Key: 'caller.zip' },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Timeout: 20,
    Role: { 'Fn::GetAtt': [roleId, 'Arn'] },
    Environment: {
      Variables: {
        TableName: { Ref: 'Table' },
        QueueUrl: { Ref: 'Queue' },
        Bucket: { Ref: 'Bucket' },
        SecretId: { Ref: 'Secret' },
      },
    },
  },
});
const arnOf = (logicalId: string, rest = '') => ({
  'Fn::Join': ['', [{ 'Fn::GetAtt': [logicalId, 'Arn'] }, rest]],
});
const allow = (Action: string[], Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const ALL = ['dynamodb:*', 'sqs:*', 's3:*', 'secretsmanager:*'];
const KEPT = { StringLike: { 's3:prefix': 'kept/*' }, Bool: { 'aws:SecureTransport': 'true' } };

const TEMPLATE: Template = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: ['pk', 'colour'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'other',
            KeySchema: [{ AttributeName: 'colour', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      },
    },
    Queue: { Type: 'AWS::SQS::Queue' },
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'bucket' } },
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { SecretString: 'x' } },
    GrantedRole: role([
      allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem'], arnOf('Table')),
      allow(['dynamodb:Query'], arnOf('Table', '/index/other')),
      allow(['sqs:SendMessage'], arnOf('Queue')),
      allow(['s3:GetObject', 's3:PutObject'], arnOf('Bucket', '/*')),
      allow(['s3:ListBucket'], arnOf('Bucket'), { Condition: KEPT }),
    ]),
    Granted: caller('GrantedRole'),
    SecretPolicy: {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'x',
        Roles: [{ Ref: 'GrantedRole' }],
        PolicyDocument: { Statement: allow(['secretsmanager:Get*'], { Ref: 'Secret' }) },
      },
    },
    // Everything, on everything else.
    OtherwiseRole: role([allow(ALL, [arnOf('Table', 's'), arnOf('Queue', 's'), arnOf('Bucket', 's/*')])]),
    Otherwise: caller('OtherwiseRole'),
    AlmostAllRole: role([allow(['*'], '*')]),
    AlmostAll: caller('AlmostAllRole'),
    QueuePolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Queue' }],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: { AWS: { 'Fn::GetAtt': ['AlmostAllRole', 'Arn'] } },
              Action: 'sqs:*',
              Resource: arnOf('Queue'),
            },
            {
              Effect: 'Deny',
              Principal: '*',
              Action: '*',
              Resource: '*',
              Condition: { Bool: { 'aws:SecureTransport': false } },
            },
          ],
        },
      },
    },
  },
};

describe('a function', () => {
  let stack: LocalStack;
  beforeAll(async () => {
    const steps: (() => void)[] = [];
    const templateFile = writeStack(TEMPLATE, { caller: CALLER }, (step) => steps.push(step));
    stack = await startLocalStack({ templateFile });
    return async () => {
      await stack.close();
      for (const step of steps) step();
    };
  });
  const ask = async (fn: string, call: string) => String(await stack.functions[fn]?.invoke(call));

  it.each([
    'get',
    'put',
    'batchGet',
    'query',
    'send',
    'sendBatch',
    'store',
    'load',
    'look',
    'list',
    'secret',
  ])('may %s as its role allows', async (call) => {
    expect(await ask('Granted', call)).toBe('done');
  });

  it.each<[string, string]>([
    ['get', 'dynamodb:GetItem'],
    ['put', 'dynamodb:PutItem'],
    ['batchGet', 'dynamodb:BatchGetItem'],
    ['query', 'dynamodb:Query'],
    ['send', 'sqs:SendMessage'],
    ['sendBatch', 'sqs:SendMessage'],
    ['store', 's3:PutObject'],
    ['load', 's3:GetObject'],
    ['list', 's3:ListBucket'],
    ['secret', 'secretsmanager:GetSecretValue'],
  ])('may not %s where its role allows it elsewhere', async (call, action) => {
    const user = 'User: arn:aws:sts::000000000000:assumed-role/Fixture-OtherwiseRole/Fixture-Otherwise';
    const answer = await ask('Otherwise', call);
    expect(answer).toMatch(/^AccessDenied(Exception)?: /);
    expect(answer).toContain(`${user} is not authorized to perform: ${action} on resource: arn:aws:`);
    expect(answer).toContain(`because no identity-based policy allows the ${action} action`);
  });

  it.each<[string, string, string]>([
    ['what the policy of the resource denies', 'AlmostAll', 'send'],
    ['what a condition does not cover', 'Granted', 'listAll'],
    ['another action of the same service', 'Granted', 'putSecret'],
  ])('may not do %s', async (_name, fn, call) => {
    expect(await ask(fn, call)).toMatch(
      /^AccessDenied(Exception)?: User: .+ (with an explicit deny|because no )/,
    );
  });

  it('is refused a HEAD as S3 refuses one, without a message', async () => {
    expect(await ask('Otherwise', 'look')).toMatch(/^(403|Forbidden|AccessDenied|Unknown)/);
  });

  it('is told that an object does not exist only where it may list objects', async () => {
    expect(await ask('Granted', 'loadNothing')).toBe('AccessDenied: Access Denied');
    expect(await ask('AlmostAll', 'loadNothing')).toMatch(/^NoSuchKey: /);
  });

  it('gives with a link only what it may do itself', async () => {
    await ask('Granted', 'store');
    expect((await fetch(await ask('Granted', 'link'))).status).toBe(200);
    const refused = await fetch(await ask('Otherwise', 'link'));
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('<Code>AccessDenied</Code>'),
    ]);
  });
});

describe('a stack does not start', () => {
  const start = (Resources: Template['Resources']) =>
    startLocalStack({
      templateFile: writeStack({ Resources: { ...TEMPLATE.Resources, ...Resources } }, { caller: CALLER }),
    }).then((stack) => stack.close());

  it('when a function may not take messages from its queue', async () => {
    const Mapping = {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { EventSourceArn: arnOf('Queue'), FunctionName: { Ref: 'Granted' } },
    };
    await expect(start({ Mapping })).rejects.toThrow(
      'GrantedRole does not have permissions to call ReceiveMessage on arn:aws:sqs:us-east-1:000000000000:Fixture-Queue',
    );
  });

  it('when a condition is not understood', async () => {
    const AlmostAllRole = role([
      allow(['*'], '*', { Condition: { StringEquals: { 'aws:RequestedRegion': 'x' } } }),
    ]);
    await expect(start({ AlmostAllRole })).rejects.toThrow(
      'AlmostAllRole: the local stack cannot judge the condition aws:RequestedRegion',
    );
  });
});

describe('the product itself', () => {
  let synthesized: string;
  beforeAll(async () => {
    synthesized = await synthesize();
  });

  /** Its template, but for one action of one role; its bundles stay where they are. */
  function without(roleId: RegExp, action: string): string {
    const template = JSON.parse(readFileSync(synthesized, 'utf8')) as Template;
    for (const [logicalId, { Type, Properties }] of Object.entries(template.Resources)) {
      if (Type !== 'AWS::IAM::Policy' || !roleId.test(logicalId)) continue;
      const document = Properties?.['PolicyDocument'] as { Statement: { Action: string | string[] }[] };
      for (const statement of document.Statement) {
        const actions = [statement.Action].flat();
        if (actions.includes(action))
          statement.Action = ['none:None', ...actions.filter((each) => each !== action)];
      }
    }
    const source = path.dirname(synthesized);
    const directory = writeFiles({});
    for (const name of readdirSync(source)) {
      if (!name.startsWith('ModelStudioJobs.') && !name.startsWith('asset.')) continue;
      cpSync(path.join(source, name), path.join(directory, name), { recursive: true });
    }
    const file = path.join(directory, path.basename(synthesized));
    writeFileSync(file, JSON.stringify(template));
    return file;
  }

  // With all of its grants it is what the black-box tests run.
  it('is refused what a missing grant would allow, and its log says so', async () => {
    const lines: string[] = [];
    const templateFile = without(/^ApiJobs/, 'dynamodb:GetItem');
    const stack = await startLocalStack({ templateFile, onLog: ({ line }) => lines.push(line) });
    onTestFinished(() => stack.close());
    const { key } = newClientKey('anyone', ['jobs:read'], randomBytes(48), Date.now());
    const { status } = await fetch(`${stack.apiUrl}/v1/jobs`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(status).toBe(500);
    await eventually(() => expect(lines.join('\n')).toContain('AccessDenied'));
  });
});
