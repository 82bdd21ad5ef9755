import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  paginateListStackResources,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { redactedInput } from '../../functions/core/redact.ts';
import { deploymentIn } from './deployments.ts';
import { answered, CliError } from './error-message.ts';
import { physicalId, type StackRef, type Target } from './target.ts';

const CONNECT_DEADLINE_MILLIS = 5000;

/** Of every client of AWS. */
export function awsSettings() {
  return {
    // The AWS CLI knows both variables, its SDK for JavaScript only the first.
    region: process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'],
    requestHandler: { connectionTimeout: CONNECT_DEADLINE_MILLIS },
  };
}

/** Null: there is none of that name. */
export async function describeStack(client: CloudFormationClient, StackName: string): Promise<Stack | null> {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    return answered(Stacks)[0] ?? null;
  } catch (error) {
    return nullIfMissing(error);
  }
}

/** The one that has made a resource. Null: there is none. */
export async function describeStackOf(
  client: CloudFormationClient,
  PhysicalResourceId: string,
): Promise<Stack | null> {
  try {
    const of = new DescribeStackResourcesCommand({ PhysicalResourceId });
    const { StackName } = answered((await client.send(of)).StackResources)[0] ?? {};
    return StackName === undefined ? null : await describeStack(client, StackName);
  } catch (error) {
    return nullIfMissing(error);
  }
}

function nullIfMissing(error: unknown): null {
  const { name, message } = error as Error;
  if (name === 'ValidationError' && message.includes('does not exist')) return null;
  throw error;
}

/** @throws a CliError when it is not there, or not whole, or one of several */
export async function findDeployed(ref: StackRef): Promise<Target> {
  const { stackName } = ref;
  const cloudFormation = new CloudFormationClient(awsSettings());
  const stack = await describeStack(cloudFormation, stackName);
  const place = `stack ${redactedInput(stackName)} in ${await cloudFormation.config.region()}`;
  if (!stack)
    throw new CliError(`There is no ${place}: deploy it, name another with --stack, or say --local.`);
  const all = (stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]);
  const { path, deploymentName, outputs, own } = deploymentIn(Object.fromEntries(all), ref, `the ${place}`);
  const name = path === null ? `the ${place}` : `${path} in the ${place}`;
  const lambda = new LambdaClient(awsSettings());
  const sqsIn = (settings: ReturnType<typeof awsSettings>) =>
    // Else a queue's URL would have precedence over AWS_ENDPOINT_URL.
    new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
  const resources = async () => own(await resourcesOf(cloudFormation, stackName));
  return {
    name,
    flags: `--stack ${stackName}${path === null ? '' : ` --construct ${path}`}`,
    ref,
    deploymentName,
    outputs,
    clients: {
      dynamodb: new DynamoDBClient(awsSettings()),
      secrets: new SecretsManagerClient(awsSettings()),
      sqs: sqsIn(awsSettings()),
    },
    clientsIn: (region) => {
      const settings = { ...awsSettings(), region };
      return { sqs: sqsIn(settings), eventBridge: new EventBridgeClient(settings) };
    },
    deployment: { status: stack.StackStatus ?? '', lambda, sns: new SNSClient(awsSettings()) },
    resources,
    jobsTable: async () => (await variablesOf(lambda, await resources(), name))['JOBS_TABLE'] ?? '',
    modelStudio: async () => {
      const variables = await variablesOf(lambda, await resources(), name);
      return {
        baseUrl: variables['MODELSTUDIO_BASE_URL'] ?? '',
        organizationId: variables['MODELSTUDIO_ORGANIZATION_ID'] ?? '',
      };
    },
  };
}

async function resourcesOf(client: CloudFormationClient, StackName: string): Promise<Record<string, string>> {
  const resources: [string, string][] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
    for (const { LogicalResourceId = '', PhysicalResourceId = '' } of StackResourceSummaries) {
      resources.push([LogicalResourceId, PhysicalResourceId]);
    }
  }
  return Object.fromEntries(resources);
}

/** What its functions have, whatever the settings on this machine are. */
async function variablesOf(
  lambda: LambdaClient,
  resources: Record<string, string>,
  name: string,
): Promise<Record<string, string>> {
  const FunctionName = physicalId(resources, 'ApiSubmit', name);
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  return Environment?.Variables ?? {};
}
