import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClientKey } from '../core/client-key.ts';
import type { ClientKeys, Clock } from '../ports.ts';

/** Half of what the contract grants a revocation, so that a row read late is still in time. */
const CACHE_MILLIS = 30_000;
const CACHE_MAX_KEYS = 1000;

/** Client keys in DynamoDB, one item each, under the key `sha256`. Only keys that exist are remembered. */
export function createClientKeys(client: DynamoDBClient, tableName: string, clock: Clock): ClientKeys {
  const cache = new Map<string, { key: ClientKey; until: number }>();
  return {
    async find(sha256) {
      const cached = cache.get(sha256);
      if (cached && cached.until > clock.now()) return cached.key;
      const input = { TableName: tableName, Key: { sha256: { S: sha256 } } };
      const { Item } = await client.send(new GetItemCommand(input));
      cache.delete(sha256);
      if (!Item) return null;
      const key = unmarshall(Item) as ClientKey;
      if (cache.size >= CACHE_MAX_KEYS) cache.clear();
      cache.set(sha256, { key, until: clock.now() + CACHE_MILLIS });
      return key;
    },
  };
}
