import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { CliError } from './error-message.ts';

/** What commands work on: a deployed stack, or the system that `npm start` runs on this machine. */
export interface Target {
  /** Its name in a sentence. */
  name: string;
  /** What names it on a command line. */
  flags: string;
  ref: StackRef;
  /** Its own names begin with it: that of its stack, unless it is a construct in an app's own. */
  deploymentName: string;
  outputs: Outputs;
  clients: Clients;
  /** For what the operator has elsewhere. */
  clientsIn(region: string): { sqs: SQSClient; eventBridge: EventBridgeClient };
  /** Null for the local one. */
  deployment: { status: string; lambda: LambdaClient; sns: SNSClient } | null;
  /** At least the queues and tables: physical ids by logical id. A queue's physical id is its URL. */
  resources(): Promise<Record<string, string>>;
  /** The one that its functions use, which may be a restored one. */
  jobsTable(): Promise<string>;
  modelStudio(): Promise<{ baseUrl: string; organizationId: string }>;
}

/** Where a deployment is looked for. */
export interface StackRef {
  stackName: string;
  /** The one in cdk.json by which the stack was named. */
  environment?: string | undefined;
  /** The path of its construct in the stack, if that may hold several. */
  construct?: string | undefined;
}

export interface Clients {
  dynamodb: DynamoDBClient;
  secrets: SecretsManagerClient;
  sqs: SQSClient;
}

export const OUTPUTS = ['ApiUrl', 'ClientKeysTable', 'ModelStudioSecretArn', 'WebhookSecretArn'] as const;
export type Outputs = Record<(typeof OUTPUTS)[number], string>;

/** @throws a CliError when one is missing */
export function outputsIn(outputs: Record<string, string>, name: string): Outputs {
  const missing = OUTPUTS.filter((output) => !outputs[output]);
  if (missing.length === 0) return outputs as Outputs;
  const without = `There is no output ${missing.join(', ')} of ${name}`;
  throw new CliError(`${without}: its deployment has not finished, or is not one of this template.`);
}

/**
 * The physical id of a resource.
 * @param id its logical id without the hash that CDK puts after it
 * @throws a CliError when there is no such resource
 */
export function physicalId(resources: Record<string, string>, id: string, name: string): string {
  const found = Object.keys(resources).find((logicalId) => logicalId.replace(/[0-9A-F]{8}$/, '') === id);
  if (found !== undefined) return resources[found] as string;
  throw new CliError(`There is no ${id} in ${name}: it is not a deployment of this version of the template.`);
}
