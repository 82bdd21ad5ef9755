import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey } from '../core/http/client-key.ts';
import type { ClientKeys, Clock } from '../ports.ts';
import { createRows } from './rows.ts';

/** Half of what the contract allows for a revocation, so that a row that was read late is still in time. */
const CACHE_MILLIS = 30_000;
/** Short, as a read may miss a key that has just been made. */
const UNKNOWN_CACHE_MILLIS = 10_000;
const CACHE_MAX_KEYS = 1000;

/** Client keys in DynamoDB, one item each. Those that do not exist are remembered apart, so that trying many evicts no other. */
export function createClientKeys(client: DynamoDBClient, tableName: string, clock: Clock): ClientKeys {
  const rows = createRows(client, tableName, 'sha256', false);
  const known = new Map<string, { key: ClientKey | null; until: number }>();
  const unknown: typeof known = new Map();
  return {
    async find(sha256) {
      const cached = known.get(sha256) ?? unknown.get(sha256);
      if (cached && cached.until > clock.now()) return cached.key;
      const key = (await rows.get(sha256)) as ClientKey | null;
      known.delete(sha256);
      const [cache, millis] = key === null ? [unknown, UNKNOWN_CACHE_MILLIS] : [known, CACHE_MILLIS];
      if (cache.size >= CACHE_MAX_KEYS) cache.clear();
      cache.set(sha256, { key, until: clock.now() + millis });
      return key;
    },
  };
}
