import type { Sessions } from './aws/authority.ts';
import { CREDENTIALS } from './clients.ts';
import type { Endpoints } from './emulators.ts';
import { REGION } from './identities.ts';
import { LambdaFunction } from './lambda.ts';
import type { ResolvedResource, StackModel } from './model.ts';
import { accessKeyIdOf } from './sessions.ts';

interface FunctionProperties {
  Code: { S3Key?: string };
  Environment?: { Variables?: Record<string, unknown> };
  Handler?: string;
  LoggingConfig?: { LogFormat?: string; ApplicationLogLevel?: string; LogGroup?: string };
  MemorySize?: number;
  PackageType?: string;
  ReservedConcurrentExecutions?: number;
  Runtime?: string;
  Timeout?: number;
}

export interface FunctionOptions {
  sessions: Sessions;
  endpoints: Endpoints;
  assetDirectory(objectKey: string): string;
  /** Replaces variables that the template gives a function; adds none. */
  environment: Record<string, string>;
  extraEnvironment: Record<string, string>;
  onLog(line: { functionName: string; line: string }): void;
}

/** A laptop gains nothing from more threads than this. */
const ENVIRONMENTS_MAX = 10;

/** By logical id. */
export function createFunctions(model: StackModel, options: FunctionOptions): Record<string, LambdaFunction> {
  const resources = model.ofType<FunctionProperties>('AWS::Lambda::Function');
  return Object.fromEntries(
    resources.map((resource) => [resource.logicalId, createFunction(resource, options)]),
  );
}

function createFunction(
  resource: ResolvedResource<FunctionProperties>,
  options: FunctionOptions,
): LambdaFunction {
  const { logicalId, identity, properties } = resource;
  const { Code, MemorySize = 128, ReservedConcurrentExecutions, Runtime = '', Timeout = 3 } = properties;
  if (Code.S3Key === undefined || !Runtime.startsWith('nodejs')) {
    throw new Error(
      `${logicalId}: only a Node.js function published as a file asset can run in the local stack`,
    );
  }
  return new LambdaFunction({
    name: identity.name,
    timeoutSeconds: Timeout,
    memoryMegabytes: MemorySize,
    maxConcurrency: Math.min(ReservedConcurrentExecutions ?? ENVIRONMENTS_MAX, ENVIRONMENTS_MAX),
    environment: {
      ...runtimeVariables(resource, options.assetDirectory(Code.S3Key)),
      ...credentialVariables(options.sessions, identity.name),
      ...endpointVariables(options.endpoints),
      ...templateVariables(properties, options.environment),
      ...options.extraEnvironment,
    },
    onLog: (line) => options.onLog({ functionName: identity.name, line }),
  });
}

function templateVariables(
  properties: FunctionProperties,
  overrides: Record<string, string>,
): Record<string, string> {
  const named = Object.entries(properties.Environment?.Variables ?? {});
  return Object.fromEntries(named.map(([name, value]) => [name, overrides[name] ?? String(value)]));
}

/** What Lambda's Node.js runtime defines. */
function runtimeVariables(
  { identity, properties }: ResolvedResource<FunctionProperties>,
  codeDirectory: string,
): Record<string, string> {
  const { LogFormat = 'Text', ApplicationLogLevel, LogGroup } = properties.LoggingConfig ?? {};
  return {
    _HANDLER: properties.Handler ?? '',
    AWS_DEFAULT_REGION: REGION,
    AWS_EXECUTION_ENV: `AWS_Lambda_${properties.Runtime}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize ?? 128),
    AWS_LAMBDA_FUNCTION_NAME: identity.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_FORMAT: LogFormat,
    ...(ApplicationLogLevel && { AWS_LAMBDA_LOG_LEVEL: ApplicationLogLevel }),
    AWS_LAMBDA_LOG_GROUP_NAME: LogGroup ?? `/aws/lambda/${identity.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'tools/local/[$LATEST]',
    AWS_REGION: REGION,
    LAMBDA_TASK_ROOT: codeDirectory,
    TZ: ':UTC',
  };
}

/** A function without a role of the template is an administrator. */
function credentialVariables(sessions: Sessions, functionName: string): Record<string, string> {
  const session = sessions.get(accessKeyIdOf(functionName));
  const { accessKeyId, secretAccessKey } = session?.credentials ?? CREDENTIALS;
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(session && { AWS_SESSION_TOKEN: session.credentials.sessionToken }),
  };
}

/** A client of a service that has no emulator is refused at once, instead of reaching AWS. */
const NOWHERE = 'http://127.0.0.1:9';

function endpointVariables({ dynamodb, events, sqs, s3, secretsmanager }: Endpoints): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: NOWHERE,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: events,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsmanager,
    AWS_ENDPOINT_URL_SQS: sqs,
  };
}
