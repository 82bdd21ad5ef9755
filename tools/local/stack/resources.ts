import type { Template } from './template.ts';

const ENCRYPTION = 'nothing is written to disk';
const BACKUP = 'the data lives as long as the process';
const CAPACITY = 'one process has no capacity to reserve';
const LABEL = 'for people and bills only';
const PERMISSIONS =
  'what is held to permissions is the functions, by their roles and the policies of queues and buckets';
const OBSERVATION = 'the log lines are printed instead';

interface ProvisionedType {
  honoured: string[];
  /** Properties that change nothing on a laptop, and why; any other one is named in a warning. */
  leftOut: Record<string, string>;
}

export const PROVISIONED: Record<string, ProvisionedType> = {
  'AWS::Lambda::Function': {
    honoured: [
      ...['Code', 'Environment', 'FunctionName', 'Handler', 'LoggingConfig', 'MemorySize', 'PackageType'],
      ...['ReservedConcurrentExecutions', 'Role', 'Runtime', 'Timeout'],
    ],
    leftOut: {
      Architectures: 'the host decides',
      Description: LABEL,
      EphemeralStorage: 'the host decides',
      KmsKeyArn: ENCRYPTION,
      RecursiveLoop: 'loops are not detected',
      RuntimeManagementConfig: 'the host decides',
      Tags: LABEL,
      TracingConfig: OBSERVATION,
    },
  },
  'AWS::Lambda::EventInvokeConfig': {
    honoured: ['FunctionName', 'MaximumRetryAttempts'],
    leftOut: { MaximumEventAgeInSeconds: 'no event waits for long', Qualifier: 'there is one version' },
  },
  'AWS::Lambda::EventSourceMapping': {
    honoured: [
      ...['BatchSize', 'Enabled', 'EventSourceArn', 'FunctionName', 'FunctionResponseTypes'],
      ...['MaximumBatchingWindowInSeconds', 'ScalingConfig'],
    ],
    leftOut: { MetricsConfig: OBSERVATION, Tags: LABEL },
  },
  'AWS::SQS::Queue': {
    honoured: [
      ...[
        'ContentBasedDeduplication',
        'DeduplicationScope',
        'DelaySeconds',
        'FifoQueue',
        'FifoThroughputLimit',
      ],
      ...['MaximumMessageSize', 'MessageRetentionPeriod', 'QueueName', 'ReceiveMessageWaitTimeSeconds'],
      ...['RedriveAllowPolicy', 'RedrivePolicy', 'VisibilityTimeout'],
    ],
    leftOut: {
      KmsDataKeyReusePeriodSeconds: ENCRYPTION,
      KmsMasterKeyId: ENCRYPTION,
      SqsManagedSseEnabled: ENCRYPTION,
      Tags: LABEL,
    },
  },
  'AWS::DynamoDB::Table': {
    honoured: [
      'AttributeDefinitions',
      'GlobalSecondaryIndexes',
      'KeySchema',
      'LocalSecondaryIndexes',
      'TableName',
    ],
    leftOut: {
      BillingMode: CAPACITY,
      ContributorInsightsSpecification: OBSERVATION,
      DeletionProtectionEnabled: BACKUP,
      OnDemandThroughput: CAPACITY,
      PointInTimeRecoverySpecification: BACKUP,
      ProvisionedThroughput: CAPACITY,
      ResourcePolicy: PERMISSIONS,
      SSESpecification: ENCRYPTION,
      TableClass: LABEL,
      Tags: LABEL,
      TimeToLiveSpecification: 'AWS may take days to expire an item, so no reader relies on it',
      WarmThroughput: CAPACITY,
    },
  },
  'AWS::DynamoDB::GlobalTable': {
    honoured: [
      'AttributeDefinitions',
      'GlobalSecondaryIndexes',
      'KeySchema',
      'LocalSecondaryIndexes',
      'TableName',
    ],
    leftOut: {
      BillingMode: CAPACITY,
      Replicas: 'there is one region, and no setting of a replica changes what it stores',
      SSESpecification: ENCRYPTION,
      TimeToLiveSpecification: 'AWS may take days to expire an item, so no reader relies on it',
      WarmThroughput: CAPACITY,
      WriteOnDemandThroughputSettings: CAPACITY,
      WriteProvisionedThroughputSettings: CAPACITY,
    },
  },
  'AWS::S3::Bucket': {
    honoured: ['BucketName'],
    leftOut: {
      BucketEncryption: ENCRYPTION,
      LifecycleConfiguration: BACKUP,
      OwnershipControls: PERMISSIONS,
      PublicAccessBlockConfiguration: PERMISSIONS,
      Tags: LABEL,
    },
  },
  'AWS::IAM::ManagedPolicy': {
    honoured: ['PolicyDocument', 'Roles'],
    leftOut: { Description: LABEL, ManagedPolicyName: LABEL, Path: LABEL },
  },
  'AWS::IAM::Policy': { honoured: ['PolicyDocument', 'Roles'], leftOut: { PolicyName: LABEL } },
  'AWS::IAM::Role': {
    honoured: ['ManagedPolicyArns', 'Policies', 'RoleName'],
    leftOut: { AssumeRolePolicyDocument: 'nobody but Lambda takes it on', Description: LABEL, Tags: LABEL },
  },
  'AWS::S3::BucketPolicy': { honoured: ['PolicyDocument'], leftOut: { Bucket: 'the policy names it' } },
  'AWS::SQS::QueuePolicy': { honoured: ['PolicyDocument'], leftOut: { Queues: 'the policy names them' } },
  'AWS::SecretsManager::Secret': {
    honoured: ['Description', 'GenerateSecretString', 'Name', 'SecretString'],
    leftOut: { KmsKeyId: ENCRYPTION, ReplicaRegions: BACKUP, Tags: LABEL },
  },
  'AWS::ApiGatewayV2::Api': {
    honoured: ['Name', 'ProtocolType'],
    leftOut: { Description: LABEL, Tags: LABEL },
  },
  'AWS::ApiGatewayV2::Stage': {
    honoured: ['ApiId', 'AutoDeploy', 'StageName'],
    leftOut: {
      AccessLogSettings: OBSERVATION,
      DefaultRouteSettings: 'one user needs no throttle',
      Description: LABEL,
      RouteSettings: 'one user needs no throttle',
      Tags: LABEL,
    },
  },
  'AWS::ApiGatewayV2::Integration': {
    honoured: ['ApiId', 'IntegrationType', 'IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis'],
    leftOut: {
      CredentialsArn: PERMISSIONS,
      Description: LABEL,
      IntegrationMethod: 'Lambda is always a POST',
    },
  },
  'AWS::ApiGatewayV2::Route': {
    honoured: ['ApiId', 'AuthorizationType', 'RouteKey', 'Target'],
    leftOut: { OperationName: LABEL },
  },
  'AWS::Scheduler::Schedule': {
    honoured: ['Name', 'ScheduleExpression', 'State', 'Target'],
    leftOut: {
      Description: LABEL,
      FlexibleTimeWindow: 'a rate is kept to the second',
      GroupName: LABEL,
      KmsKeyArn: ENCRYPTION,
      ScheduleExpressionTimezone: 'a rate has no time zone',
    },
  },
  'AWS::Events::Rule': {
    honoured: ['Name', 'ScheduleExpression', 'State', 'Targets'],
    leftOut: { Description: LABEL, RoleArn: PERMISSIONS, Tags: LABEL },
  },
};

/** Types that need no local equivalent, and why. */
export const IGNORED: Record<string, string> = {
  'AWS::CDK::Metadata': LABEL,
  'AWS::CloudWatch::Alarm': OBSERVATION,
  'AWS::CloudWatch::CompositeAlarm': OBSERVATION,
  'AWS::CloudWatch::Dashboard': OBSERVATION,
  'AWS::KMS::Alias': ENCRYPTION,
  'AWS::KMS::Key': ENCRYPTION,
  'AWS::Lambda::Permission': PERMISSIONS,
  'AWS::Logs::LogGroup': OBSERVATION,
  'AWS::Logs::MetricFilter': OBSERVATION,
  'AWS::Logs::QueryDefinition': OBSERVATION,
  'AWS::Logs::ResourcePolicy': PERMISSIONS,
  'AWS::Scheduler::ScheduleGroup': LABEL,
  'AWS::SecretsManager::ResourcePolicy': PERMISSIONS,
  'AWS::SNS::Subscription': OBSERVATION,
  'AWS::SNS::Topic': 'it carries alarms only',
  'AWS::SNS::TopicPolicy': PERMISSIONS,
  'Custom::S3AutoDeleteObjects': BACKUP,
};

export function refuseUnsupportedTypes(template: Template): void {
  const unsupported = Object.entries(template.Resources)
    .filter(([, { Type }]) => !Object.hasOwn(PROVISIONED, Type) && !Object.hasOwn(IGNORED, Type))
    .map(([logicalId, { Type }]) => `${logicalId} (${Type})`);
  if (unsupported.length === 0) return;
  throw new Error(
    `The local stack does not know these resources: ${unsupported.join(', ')}. ` +
      'Provision their type, or list it as ignored with a reason, in tools/local/stack/resources.ts.',
  );
}

export function unsupportedProperties(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties }]) => {
    const type = PROVISIONED[Type];
    if (!type) return [];
    return Object.keys(Properties ?? {})
      .filter((property) => !type.honoured.includes(property) && !Object.hasOwn(type.leftOut, property))
      .map((property) => `${logicalId} (${Type}): ${property} has no local equivalent`);
  });
}
