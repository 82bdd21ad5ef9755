import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { FUNCTIONS } from '../../functions/core/limits.ts';
import type { OwnVariables, SharedVariables } from '../../functions/core/variables.ts';
import type { Settings } from '../settings/settings.ts';
import type { Storage } from '../storage/storage.ts';
import type { Bundles, FunctionName } from './bundle.ts';
import type { Permission } from './grant.ts';
import { StageQueue } from './stage-queue.ts';

export interface StageProps {
  storage: Storage;
  settings: Settings;
  bundles: Bundles;
  sharedVariables: SharedVariables;
}

export interface WakingStageProps extends StageProps {
  pollQueue: StageQueue;
  deliverQueue: StageQueue;
  createQueue: StageQueue;
}

/** A queue or a secret in a function's environment gives it the URL or the ARN, and permission to send or to read. */
type Environment<Variables> = {
  [Name in keyof Variables]: Name extends `${string}_QUEUE_URL`
    ? StageQueue
    : Name extends `${string}_SECRET_ARN`
      ? Secret
      : Variables[Name];
};

type StageFunctionProps = StageProps & {
  permissions: Permission[];
  consumes?: StageQueue;
} & { [Name in FunctionName]: { name: Name; environment: Environment<OwnVariables[Name]> } }[FunctionName];

/** A function of a stage: its bundle, what it knows, and what it may do. */
export class StageFunction extends lambda.Function {
  readonly stage: FunctionName;

  constructor(scope: Construct, id: string, props: StageFunctionProps) {
    const given = Object.values(props.environment);
    const queues = given.filter((value) => value instanceof StageQueue);
    const secrets = given.filter((value) => value instanceof Secret);
    super(scope, id, {
      ...commonProps(scope, id, props.settings),
      code: lambda.Code.fromAsset(props.bundles.folderOf(props.name)),
      memorySize: FUNCTIONS[props.name].memoryMib,
      timeout: Duration.seconds(FUNCTIONS[props.name].timeoutSeconds),
      environment: { ...props.sharedVariables, ...textsOf(props.environment) },
      // Lambda would stop a function that sends to the queue which wakes it after 16 hops. Such a chain is bounded by its
      // job's expiry, by the delivery schedule and, if those should fail, by CHAIN_MAX.
      recursiveLoop: queues.some((queue) => queue === props.consumes)
        ? lambda.RecursiveLoop.ALLOW
        : lambda.RecursiveLoop.TERMINATE,
    });
    this.stage = props.name;
    const permissions = [
      ...props.permissions,
      { actions: ['sqs:SendMessage'], resourceArns: queues.map(({ queue }) => queue.queueArn) },
      ...secrets.map(({ secretArn }) => ({
        actions: ['secretsmanager:GetSecretValue'],
        resourceArns: [secretArn],
      })),
    ];
    for (const permission of permissions) Grant.addToPrincipal({ grantee: this, ...permission });
    if (props.consumes) this.addEventSource(props.consumes.eventSource);
  }
}

/** Of every function: arm64 and Node 24, with a role and a log group of its own. */
export function commonProps(scope: Construct, id: string, { logRetentionDays, logLevel }: Settings) {
  // CDK's own role could write to every log group of the account.
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: logRetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  logGroup.grantWrite(role);
  return {
    role,
    logGroup,
    // JSON, so that the platform's own lines for each invocation, most of all that is logged, can be left out.
    loggingFormat: lambda.LoggingFormat.JSON,
    systemLogLevelV2: lambda.SystemLogLevel.WARN,
    applicationLogLevelV2: lambda.ApplicationLogLevel[logLevel],
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    handler: 'index.handler',
  };
}

function textsOf(environment: Record<string, string | undefined | StageQueue | Secret>) {
  const texts = Object.entries(environment).map(([name, value]) => {
    if (value instanceof StageQueue) return [name, value.queue.queueUrl];
    return [name, value instanceof Secret ? value.secretArn : value];
  });
  return Object.fromEntries(texts) as Record<string, string>;
}
