import type { AttributeValue } from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/**
 * Stand-ins for `@aws-sdk/util-dynamodb`, for rows of what JSON can hold, and of bytes. Where thousands of runs are simulated, they take
 * its place: the SDK's own converter takes four times as long.
 */
export function marshall(row: object): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(row)) item[name] = attributeOf(value);
  return item;
}

function attributeOf(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };
  if (value instanceof Uint8Array) return { B: value };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  if (value instanceof Map) return { M: marshall(Object.fromEntries(value)) };
  if (typeof value === 'object') return { M: marshall(value) };
  throw new Error(`A row cannot hold a value of the type ${typeof value}`);
}

export function unmarshall(item: Item): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const name in item) row[name] = plainOf(item[name] as AttributeValue);
  return row;
}

function plainOf({ S, N, M, L, B, BOOL, NULL }: AttributeValue): unknown {
  if (S !== undefined) return S;
  if (N !== undefined) return Number(N);
  if (M !== undefined) return unmarshall(M);
  return NULL ? null : (BOOL ?? B ?? L?.map(plainOf));
}
