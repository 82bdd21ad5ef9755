import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { clientSettings } from './clients.ts';
import type { Emulators } from './emulators.ts';
import type { ResolvedResource, StackModel } from './model.ts';
import { generateSecretString, type SecretGeneration } from './secret-string.ts';

type TableProperties = Pick<
  CreateTableCommandInput,
  'AttributeDefinitions' | 'GlobalSecondaryIndexes' | 'KeySchema' | 'LocalSecondaryIndexes'
>;

interface QueueProperties extends Record<string, unknown> {
  RedrivePolicy?: { deadLetterTargetArn?: string };
}

type QueueResource = ResolvedResource<QueueProperties>;

interface SecretProperties {
  Description?: string;
  GenerateSecretString?: SecretGeneration;
  SecretString?: string;
}

/** Creates what keeps state; in any order, as every name is known beforehand, but for the queues. */
export async function provision(
  model: StackModel,
  emulators: Emulators,
  sqs: SQSClient,
  initialSecrets: Record<string, string>,
): Promise<void> {
  const dynamodb = new DynamoDBClient(clientSettings(emulators.endpoints.dynamodb));
  const s3 = new S3Client({ ...clientSettings(emulators.endpoints.s3), forcePathStyle: true });
  const tables = model.ofType<TableProperties>('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable');
  const queues = model.ofType<QueueProperties>('AWS::SQS::Queue');
  createSecrets(model, emulators, initialSecrets);
  await Promise.all([
    ...tables.map((table) => createTable(dynamodb, table)),
    createQueues(sqs, queues),
    ...model
      .ofType('AWS::S3::Bucket')
      .map(({ identity }) => s3.send(new CreateBucketCommand({ Bucket: identity.ref }))),
  ]);
  dynamodb.destroy();
  s3.destroy();
}

async function createTable(
  dynamodb: DynamoDBClient,
  table: ResolvedResource<TableProperties>,
): Promise<void> {
  const { AttributeDefinitions, GlobalSecondaryIndexes, KeySchema, LocalSecondaryIndexes } = table.properties;
  const TableName = table.identity.ref;
  const create = new CreateTableCommand({
    TableName,
    AttributeDefinitions,
    KeySchema,
    LocalSecondaryIndexes,
    GlobalSecondaryIndexes: GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
      IndexName,
      KeySchema,
      Projection,
    })),
    BillingMode: 'PAY_PER_REQUEST',
  });
  await dynamodb.send(create).catch((error: Error) => {
    throw new Error(`${table.logicalId}: ${error.message}`, { cause: error });
  });
  while ((await dynamodb.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus !== 'ACTIVE') {
    await nextTurn();
  }
}

/** A queue for dead letters comes before the queue that names it. */
async function createQueues(sqs: SQSClient, queues: QueueResource[]): Promise<void> {
  const created = new Map<string, Promise<void>>();
  const create = (queue: QueueResource): Promise<void> => {
    const { Arn = '' } = queue.identity.attributes;
    const target = queues.find(
      ({ identity }) => identity.attributes['Arn'] === queue.properties.RedrivePolicy?.deadLetterTargetArn,
    );
    const creation =
      created.get(Arn) ??
      (async () => {
        if (target) await create(target);
        await createQueue(sqs, queue);
      })();
    created.set(Arn, creation);
    return creation;
  };
  await Promise.all(queues.map(create));
}

async function createQueue(sqs: SQSClient, queue: QueueResource): Promise<void> {
  const { QueueName: _, ...properties } = queue.properties;
  const attributes = Object.entries(properties).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  const create = new CreateQueueCommand({
    QueueName: queue.identity.name,
    Attributes: Object.fromEntries(attributes),
  });
  await sqs.send(create).catch((error: Error) => {
    throw new Error(`${queue.logicalId}: ${error.message}`, { cause: error });
  });
}

function createSecrets(
  model: StackModel,
  { secretsManager }: Emulators,
  initial: Record<string, string>,
): void {
  const secrets = model.ofType<SecretProperties>('AWS::SecretsManager::Secret');
  const given = new Map(
    Object.entries(initial).map(([name, value]) => [model.logicalIdOf(name) ?? name, value]),
  );
  const unknown = [...given.keys()].filter((id) => !secrets.some(({ logicalId }) => logicalId === id));
  if (unknown.length > 0) throw new Error(`The template has no secret ${unknown.join(', ')}`);
  for (const { logicalId, identity, properties } of secrets) {
    const { Description, GenerateSecretString, SecretString } = properties;
    const generated = GenerateSecretString && generateSecretString(GenerateSecretString);
    const value = given.get(logicalId) ?? SecretString ?? generated;
    secretsManager.create({
      Name: identity.name,
      arn: identity.ref,
      ...(Description !== undefined && { Description }),
      ...(value !== undefined && { SecretString: value }),
    });
  }
}
