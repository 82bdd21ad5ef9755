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

const context = contextOfProject();

const STACK_FLAG = `  --stack NAME  the deployed stack, default ${context['environments'] ? 'that of the environment' : (context['stackName'] ?? DEFAULT_STACK_NAME)}
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
  const { stack, environment, construct, local = false, port = LOCAL_PORT } = values;
  if (local && stack !== undefined) throw new UsageError('--local and --stack cannot be used together');
  if (environment !== undefined && (local || stack !== undefined))
    throw new UsageError('--environment cannot be used together with --local or --stack');
  if (local && construct !== undefined)
    throw new UsageError('--local and --construct cannot be used together');
  if (!local && values.port !== undefined) throw new UsageError('--port needs --local');
  if (!local)
    return { ...(stack === undefined ? ofEnvironmentNamed(environment) : { stackName: stack }), construct };
  if (!/^\d{1,5}$/.test(port)) throw new UsageError('--port must be a whole number');
  return { port: Number(port) };
}

/** What a deployment by the same settings makes. */
function ofEnvironmentNamed(environment = context['environment'] as string | undefined): StackRef {
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
  return stackName === (context['stackName'] ?? DEFAULT_STACK_NAME)
    ? 'npx cdk deploy'
    : `npx cdk deploy -c stackName=${stackName}`;
}

/** @throws a CliError when it is not there */
export async function findTarget(ref: TargetRef): Promise<Target> {
  return 'port' in ref ? localTarget(await runningOn(ref.port)) : findDeployed(ref);
}

/** @throws a CliError when there is none */
export async function runningOn(port: number): Promise<Running> {
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
