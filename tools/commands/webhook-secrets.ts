import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  type ClientSettings,
  OVERLAP_MILLIS,
  settingsKey,
} from '../../functions/core/webhook/client-settings.ts';
import { clientSecret } from '../../functions/core/webhook/signature.ts';
import { createRootSecrets } from '../../functions/edge/secrets.ts';
import { type ClientKeysTable, clientKeysOf } from './client-keys.ts';
import { CliError } from './error-message.ts';
import type { Target } from './target.ts';

/** The secrets of which those of the clients are made, the current one first. No receiver may ever get one. */
export async function rootSecretsOf({
  clients,
  outputs,
  flags,
}: Pick<Target, 'clients' | 'outputs' | 'flags'>) {
  return createRootSecrets(outputs.WebhookSecretArn, clients.secrets)().catch((error: Error) => {
    if (error.name !== 'Error') throw error;
    throw new CliError(`${error.message}: see npm run doctor -- ${flags}`);
  });
}

export async function settingsOf(
  { client, TableName }: ClientKeysTable,
  name: string,
): Promise<ClientSettings> {
  const get = { TableName, Key: settingsKey(name), ConsistentRead: true };
  return unmarshall((await client.send(new GetItemCommand(get))).Item ?? {});
}

/** What a client's receivers verify webhooks with, and what is to be known about it. */
export interface WebhookSecret {
  secret: string;
  generation: number;
  /** When the one before stops signing along; null: it does not any longer, or there is none. */
  overlapsUntil: Date | null;
}

export async function webhookSecretOf(target: Target, name: string): Promise<WebhookSecret> {
  const [root = ''] = await rootSecretsOf(target);
  const { generation = 1, rotatedAt = 0 } = await settingsOf(clientKeysOf(target), name);
  const overlapsUntil = new Date(rotatedAt + OVERLAP_MILLIS);
  return {
    secret: clientSecret(root, name, generation),
    generation,
    overlapsUntil: overlapsUntil.getTime() > Date.now() ? overlapsUntil : null,
  };
}

/** Begins a client's next generation. The write is made once, however often the SDK sends it: two steps would end the overlap. */
export async function rotate(target: Target, name: string): Promise<void> {
  const table = clientKeysOf(target);
  const { generation } = await settingsOf(table, name);
  const next = { generation: (generation ?? 1) + 1, rotatedAt: Date.now() };
  const update = {
    TableName: table.TableName,
    Key: settingsKey(name),
    UpdateExpression: 'SET client = :client, generation = :generation, rotatedAt = :rotatedAt',
    ConditionExpression: generation === undefined ? 'attribute_not_exists(generation)' : 'generation = :was',
    ExpressionAttributeValues: marshall({
      ':client': name,
      ':generation': next.generation,
      ':rotatedAt': next.rotatedAt,
      ...(generation !== undefined && { ':was': generation }),
    }),
  };
  await table.client.send(new UpdateItemCommand(update)).catch(async (error) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const { rotatedAt } = await settingsOf(table, name);
    if (rotatedAt !== next.rotatedAt)
      throw new CliError(`Somebody else has rotated the secret of ${name} just now.`);
  });
}
