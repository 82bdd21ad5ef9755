import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetPolicyCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { clientSettings } from '../../../tools/local/stack/clients.ts';

export type Account = ReturnType<typeof accountAt>;

/** What is in an AWS account, as its APIs tell. */
export function accountAt(endpoint: string) {
  const settings = clientSettings(endpoint);
  const cloudFormation = new CloudFormationClient(settings);
  const dynamodb = new DynamoDBClient(settings);
  const lambda = new LambdaClient(settings);
  const s3 = new S3Client(settings);
  const secrets = new SecretsManagerClient(settings);
  const sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
  return {
    ...withoutClient(endpoint),
    stack: async (StackName: string) =>
      (await cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0],
    template: async (StackName: string) =>
      JSON.parse((await cloudFormation.send(new GetTemplateCommand({ StackName }))).TemplateBody ?? ''),
    async physicalIds(StackName: string): Promise<Record<string, string>> {
      const ids: [string, string][] = [];
      const pages = paginateListStackResources({ client: cloudFormation }, { StackName });
      for await (const { StackResourceSummaries = [] } of pages) {
        for (const { LogicalResourceId = '', PhysicalResourceId = '' } of StackResourceSummaries) {
          ids.push([LogicalResourceId, PhysicalResourceId]);
        }
      }
      return Object.fromEntries(ids);
    },
    buckets: async () => (await s3.send(new ListBucketsCommand())).Buckets ?? [],
    functions: async () => (await lambda.send(new ListFunctionsCommand())).Functions ?? [],
    mappings: async () => (await lambda.send(new ListEventSourceMappingsCommand())).EventSourceMappings ?? [],
    permissions: async (FunctionName: string) =>
      JSON.parse((await lambda.send(new GetPolicyCommand({ FunctionName }))).Policy ?? '').Statement,
    queues: async () => (await sqs.send(new ListQueuesCommand())).QueueUrls ?? [],
    queue: async (QueueUrl: string) =>
      (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes ?? {},
    secrets: async () => (await secrets.send(new ListSecretsCommand())).SecretList ?? [],
    secretValue: async (SecretId: string) =>
      (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString,
    tables: async () => (await dynamodb.send(new ListTablesCommand())).TableNames ?? [],
    rows: async (TableName: string) =>
      ((await dynamodb.send(new ScanCommand({ TableName }))).Items ?? []).map((item) => unmarshall(item)),
    table: async (TableName: string) =>
      (await dynamodb.send(new DescribeTableCommand({ TableName }))).Table ?? {},
  };
}

/** Of services that the project has no client for. */
function withoutClient(endpoint: string) {
  const { credentials, region } = clientSettings(endpoint);

  async function ask(service: string, path: string, init: RequestInit = {}) {
    const scope = `${credentials.accessKeyId}/20260101/${region}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=unchecked`;
    const response = await fetch(endpoint + path, { ...init, headers: { authorization, ...init.headers } });
    // biome-ignore lint/suspicious/noExplicitAny: what an API answers has no type
    return (await response.json()) as any;
  }
  const target = (service: string, name: string, request: object = {}) =>
    ask(service, '/', {
      method: 'POST',
      headers: { 'x-amz-target': name, 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(request),
    });

  return {
    alarms: async (): Promise<{ AlarmName: string; AlarmActions: string[] }[]> =>
      (await target('monitoring', 'GraniteServiceVersion20100801.DescribeAlarms')).MetricAlarms,
    apis: async (): Promise<{ apiId: string; apiEndpoint: string }[]> =>
      (await ask('apigateway', '/v2/apis')).items,
    integrations: async (apiId: string): Promise<{ integrationId: string; integrationUri: string }[]> =>
      (await ask('apigateway', `/v2/apis/${apiId}/integrations`)).items,
    routes: async (apiId: string): Promise<{ routeKey: string; target: string }[]> =>
      (await ask('apigateway', `/v2/apis/${apiId}/routes`)).items,
    logGroups: async (): Promise<{ logGroupName: string; retentionInDays: number }[]> =>
      (await target('logs', 'Logs_20140328.DescribeLogGroups')).logGroups,
    rules: async (): Promise<{ Name: string; ScheduleExpression: string; State: string }[]> =>
      (await target('events', 'AWSEvents.ListRules')).Rules,
    ruleTargets: async (Rule: string): Promise<{ Arn: string; Input: string }[]> =>
      (await target('events', 'AWSEvents.ListTargetsByRule', { Rule })).Targets,
  };
}
