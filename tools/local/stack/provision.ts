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

interface Present {
  /** The properties of what keeps state, by its `Ref`. */
  stores: Map<string, string>;
  /** Initial values of secrets, by logical id or construct path. */
  secrets: Record<string, string>;
}

/**
 * Creates what keeps state and is not there yet; in any order, as every name is known beforehand, but for the queues.
 * @throws when one that is there is to have other properties
 */
export async function provision(
  model: StackModel,
  emulators: Emulators,
  sqs: SQSClient,
  { stores, secrets }: Present,
): Promise<void> {
  const dynamodb = new DynamoDBClient(clientSettings(emulators.endpoints.dynamodb));
  const s3 = new S3Client({ ...clientSettings(emulators.endpoints.s3), forcePathStyle: true });
  const missing = <P>(...types: string[]) => missingOf(model.ofType<P>(...types), stores);
  const tables = missing<TableProperties>('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable');
  createSecrets(model, missing<SecretProperties>('AWS::SecretsManager::Secret'), emulators, secrets);
  await Promise.all([
    ...tables.map((table) => createTable(dynamodb, table)),
    createQueues(sqs, missing<QueueProperties>('AWS::SQS::Queue')),
    ...missing('AWS::S3::Bucket').map(({ identity }) =>
      s3.send(new CreateBucketCommand({ Bucket: identity.ref })),
    ),
  ]);
  dynamodb.destroy();
  s3.destroy();
}

function missingOf<P>(resources: ResolvedResource<P>[], stores: Map<string, string>): ResolvedResource<P>[] {
  return resources.filter(({ logicalId, identity, properties }) => {
    const [before, now] = [stores.get(identity.ref), JSON.stringify(properties)];
    if (before !== undefined && before !== now)
      throw new Error(`${logicalId}: the local stack cannot change what keeps state`);
    stores.set(identity.ref, now);
    return before === undefined;
  });
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
  missing: ResolvedResource<SecretProperties>[],
  { secretsManager }: Emulators,
  initial: Record<string, string>,
): void {
  const given = new Map(
    Object.entries(initial).map(([name, value]) => [model.logicalIdOf(name) ?? name, value]),
  );
  const all = model.ofType('AWS::SecretsManager::Secret');
  const unknown = [...given.keys()].filter((id) => !all.some(({ logicalId }) => logicalId === id));
  if (unknown.length > 0) throw new Error(`The template has no secret ${unknown.join(', ')}`);
  for (const { logicalId, identity, properties } of missing) {
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
