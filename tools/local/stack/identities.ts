import type { TemplateResource } from './template.ts';

/** fauxqs and dynalite both use this account, so every ARN must. */
export const ACCOUNT_ID = '000000000000';
export const REGION = 'us-east-1';
export const PARTITION = 'aws';
export const URL_SUFFIX = 'amazonaws.com';

export interface Place {
  stackName: string;
  apiUrl: string;
  sqsEndpoint: string;
}

/** What `Ref` and `Fn::GetAtt` say about one resource. */
export interface Identity {
  name: string;
  ref: string;
  attributes: Record<string, string>;
}

const NAME_PROPERTY: Record<string, string> = {
  'AWS::DynamoDB::GlobalTable': 'TableName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Events::Rule': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::Scheduler::Schedule': 'Name',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
};

export function nameProperty({ Type, Properties }: TemplateResource): unknown {
  const property = NAME_PROPERTY[Type];
  return property === undefined ? undefined : Properties?.[property];
}

export function identify(
  type: string,
  logicalId: string,
  givenName: string | undefined,
  place: Place,
): Identity {
  const name = givenName ?? `${place.stackName}-${logicalId}`;
  switch (type) {
    case 'AWS::Lambda::Function':
      return named(name, arn('lambda', `function:${name}`));
    case 'AWS::SQS::Queue': {
      const url = `${place.sqsEndpoint}/${ACCOUNT_ID}/${name}`;
      return { name, ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
    }
    case 'AWS::DynamoDB::Table':
    case 'AWS::DynamoDB::GlobalTable':
      return named(name, arn('dynamodb', `table/${name}`));
    case 'AWS::S3::Bucket': {
      const bucket = givenName ?? bucketName(name);
      return named(bucket, `arn:${PARTITION}:s3:::${bucket}`);
    }
    case 'AWS::SecretsManager::Secret':
      return secret(givenName ?? `${logicalId}-local`);
    case 'AWS::IAM::Role':
      return named(name, `arn:${PARTITION}:iam::${ACCOUNT_ID}:role/${name}`);
    case 'AWS::ApiGatewayV2::Api':
      return {
        name,
        ref: apiId(logicalId),
        attributes: { ApiEndpoint: place.apiUrl, ApiId: apiId(logicalId) },
      };
    case 'AWS::Events::Rule':
      return named(name, arn('events', `rule/${name}`));
    case 'AWS::Scheduler::Schedule':
      return named(name, arn('scheduler', `schedule/default/${name}`));
    case 'AWS::SNS::Topic':
      return { name, ref: arn('sns', name), attributes: { TopicArn: arn('sns', name), TopicName: name } };
    default:
      return named(name, arn(type.split('::')[1]?.toLowerCase() ?? 'unknown', name));
  }
}

/** The address that CDK writes into a template for an API's URL; the laptop answers elsewhere. */
export function deployedApiUrl(logicalId: string): string {
  return `https://${apiId(logicalId)}.execute-api.${REGION}.${URL_SUFFIX}`;
}

export function arn(service: string, resource: string): string {
  return `arn:${PARTITION}:${service}:${REGION}:${ACCOUNT_ID}:${resource}`;
}

function named(name: string, resourceArn: string): Identity {
  return { name, ref: name, attributes: { Arn: resourceArn } };
}

function secret(name: string): Identity {
  const ref = secretArn(name);
  return { name, ref, attributes: { Arn: ref, Id: ref } };
}

/** A secret's ARN ends with six random characters, which CDK cuts off to get at the name. */
const SECRET_SUFFIX = '-aB3dE6';

/** @param id a name, an ARN, or an ARN without its random suffix */
export function secretArn(id: string): string {
  const whole = id.startsWith('arn:') ? id : arn('secretsmanager', `secret:${id}`);
  return whole.endsWith(SECRET_SUFFIX) ? whole : `${whole}${SECRET_SUFFIX}`;
}

function apiId(logicalId: string): string {
  return logicalId.toLowerCase();
}

function bucketName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .slice(0, 63);
}
