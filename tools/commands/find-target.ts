import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DEFAULT_STACK_NAME, ofEnvironment, SettingsError } from '../../lib/settings/environments.ts';
import { UsageError } from './command.ts';
import { findDeployed } from './deployed.ts';
import { CliError } from './error-message.ts';
import { contextOfProject } from './project.ts';
import { findRunning, type Running } from './running.ts';
import { outputsIn, physicalId, type StackRef, type Target } from './target.ts';

export const targetOptions = {
  stack: { type: 'string' },
  environment: { type: 'string' },
  construct: { type: 'string' },
  local: { type: 'boolean' },
  port: { type: 'string' },
} as const;

const STACK_FLAG = `  --stack NAME  the deployed stack, default ${DEFAULT_STACK_NAME}, or as cdk.json says
  --environment NAME  one of those in cdk.json, instead of it
  --construct PATH    which ModelStudioJobs of an app's own stack, if there are several`;
const CREDENTIALS = 'Credentials and region are taken from where the AWS CLI takes them.';

export const TARGET_HELP = `${STACK_FLAG}
  --local       instead of it, the system that \`npm start\` runs on this machine
  --port N      the port of that system's API, default 8787

${CREDENTIALS}`;

/** For a command that needs a deployment. */
export const STACK_HELP = `${STACK_FLAG}

${CREDENTIALS}`;

const LOCAL_PORT = '8787';

export type TargetRef = StackRef | { port: number };

type TargetFlags = Partial<Record<Exclude<keyof typeof targetOptions, 'local'>, string>> & {
  local?: boolean;
};

/** @throws a UsageError when the flags contradict each other, or no environment is chosen */
export function targetRefIn(values: TargetFlags): TargetRef {
  const { stack, environment, construct, local = false } = values;
  if (local && stack !== undefined) throw new UsageError('--local and --stack cannot be used together');
  if (environment !== undefined && (local || stack !== undefined))
    throw new UsageError('--environment cannot be used together with --local or --stack');
  if (local && construct !== undefined)
    throw new UsageError('--local and --construct cannot be used together');
  const port = portIn(values);
  if (port !== null) return { port };
  return { ...(stack === undefined ? ofEnvironmentNamed(environment) : { stackName: stack }), construct };
}

/** Of the system on this machine; null if it is not asked for. */
function portIn({ local = false, port = local ? LOCAL_PORT : undefined }: TargetFlags): number | null {
  if (port === undefined) return null;
  if (!local) throw new UsageError('--port needs --local');
  if (!/^\d{1,5}$/.test(port)) throw new UsageError('--port must be a whole number');
  return Number(port);
}

/** For a command to which a deployment is no more than a URL. @throws a CliError when it is asked for and does not run */
export async function localSystemIn(values: TargetFlags): Promise<Running | null> {
  const port = portIn(values);
  return port === null ? null : runningOn(port);
}

/** What a deployment by the same settings makes. */
function ofEnvironmentNamed(given: string | undefined): StackRef {
  const context = contextOfProject();
  const environment = given ?? (context['environment'] as string | undefined);
  try {
    const { stackName = DEFAULT_STACK_NAME } = ofEnvironment({ ...context, environment });
    return { stackName: String(stackName), environment };
  } catch (error) {
    throw error instanceof SettingsError ? new UsageError(error.message.replace(/\.$/, '')) : error;
  }
}

/** How it is deployed, apart from its other settings. */
export function deployCommand({ stackName, environment }: StackRef): string {
  if (environment !== undefined) return `npx cdk deploy -c environment=${environment}`;
  return stackName === (contextOfProject()['stackName'] ?? DEFAULT_STACK_NAME)
    ? 'npx cdk deploy'
    : `npx cdk deploy -c stackName=${stackName}`;
}

/** @throws a CliError when it is not there */
export async function findTarget(ref: TargetRef): Promise<Target> {
  return 'port' in ref ? localTarget(await runningOn(ref.port)) : findDeployed(ref);
}

/** @throws a CliError when there is none */
async function runningOn(port: number): Promise<Running> {
  const running = await findRunning(port);
  if (!running) throw new CliError(`No local system runs on port ${port}: start one with \`npm start\`.`);
  return running;
}

function localTarget({ apiUrl, stackName, endpoints, access, outputs, ...running }: Running): Target {
  const { port } = new URL(apiUrl);
  const name = `the local system on port ${port}`;
  const sqs = new SQSClient({ endpoint: endpoints.sqs, ...access });
  return {
    name,
    flags: `--local --port ${port}`,
    ref: { stackName },
    deploymentName: stackName,
    outputs: outputsIn(outputs, name),
    clients: {
      dynamodb: new DynamoDBClient({ endpoint: endpoints.dynamodb, ...access }),
      secrets: new SecretsManagerClient({ endpoint: endpoints.secretsmanager, ...access }),
      sqs,
    },
    clientsIn: () => ({ sqs, eventBridge: new EventBridgeClient({ endpoint: endpoints.events, ...access }) }),
    deployment: null,
    resources: async () => running.resources,
    jobsTable: async () => physicalId(running.resources, 'StateJobs', name),
    modelStudio: async () => running.modelStudio,
  };
}
