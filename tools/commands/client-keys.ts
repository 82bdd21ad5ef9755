import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClientKey } from '../../functions/core/http/client-key.ts';
import type { Target } from './target.ts';

export interface ClientKeysTable {
  client: DynamoDBClient;
  TableName: string;
}

export function clientKeysOf({ clients, outputs }: Target): ClientKeysTable {
  return { client: clients.dynamodb, TableName: outputs.ClientKeysTable };
}

/** Revoked ones included, the oldest first. */
export async function allClientKeys({ client, TableName }: ClientKeysTable): Promise<ClientKey[]> {
  const keys: ClientKey[] = [];
  for await (const page of paginateScan({ client }, { TableName })) {
    // A client's settings are a row among them.
    const items = (page.Items ?? []).filter(({ keyId }) => keyId !== undefined);
    keys.push(...items.map((item) => unmarshall(item) as ClientKey));
  }
  return keys.sort((a, b) => a.createdAt - b.createdAt);
}
