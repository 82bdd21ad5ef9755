import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { MEMORY_MIB, TIMEOUT_SECONDS } from '../functions/core/limits.ts';
import type { OwnVariables } from '../functions/core/variables.ts';
import { allow } from './allow.ts';
import type { FunctionName } from './bundle.ts';
import type { StageQueue } from './queue.ts';
import type { Shared } from './shared.ts';

type StageFunctionProps = {
  [Name in FunctionName]: { name: Name; environment: OwnVariables[Name] };
}[FunctionName];

/**
 * They send to the queues that wake them, which Lambda would stop after 16 hops. Such a chain is bounded by its job's
 * expiry, by the delivery schedule and, if those should fail, by CHAIN_MAX.
 */
const FEED_THEMSELVES: readonly FunctionName[] = ['poll', 'collect', 'deliver'];

/** A function of the stack: its bundle, on arm64 and Node 24, with a role and a log group of its own. */
export class StageFunction extends LambdaFunction {
  readonly stage: FunctionName;

  constructor(scope: Construct, id: string, shared: Shared, props: StageFunctionProps) {
    // Of its own, as the one that CDK would make may write to every log group of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: shared.settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    allow(role, ['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn);
    super(scope, id, {
      role,
      logGroup,
      // As JSON, so that the platform's own lines on each invocation, most of all that is logged, can be left out.
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      applicationLogLevelV2: ApplicationLogLevel[shared.settings.logLevel],
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(shared.bundles.folderOf(props.name)),
      handler: 'index.handler',
      memorySize: MEMORY_MIB[props.name],
      timeout: Duration.seconds(TIMEOUT_SECONDS[props.name]),
      // What is undefined is left out.
      environment: { ...shared.environment, ...props.environment } as Record<string, string>,
      recursiveLoop: FEED_THEMSELVES.includes(props.name) ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
    });
    this.stage = props.name;
  }

  /** Feeds the function from a queue; a record that fails goes back to it alone. */
  consume({ queue, gatherSeconds }: StageQueue, batch: { size: number; maxConcurrency: number }): void {
    this.addEventSource(
      new SqsEventSource(queue, {
        batchSize: batch.size,
        maxConcurrency: batch.maxConcurrency,
        reportBatchItemFailures: true,
        ...(gatherSeconds > 0 && { maxBatchingWindow: Duration.seconds(gatherSeconds) }),
      }),
    );
  }
}
