import type { Call } from './call.ts';
import type { Refusal } from './refusal.ts';

type Value = Partial<Record<string, unknown>>;
type Item = Record<string, Value>;

const ITEM_MAX_BYTES = 400 * 1024;

/** What DynamoDB refuses of a call, and dynalite does not: it counts characters. */
export function dynamodbRefusal({
  operation,
  input,
}: Pick<Call, 'operation' | 'input'>): Refusal | undefined {
  const isTooLarge = operation === 'PutItem' && bytesOf((input['Item'] ?? {}) as Item) > ITEM_MAX_BYTES;
  if (!isTooLarge) return undefined;
  return { code: 'ValidationException', message: 'Item size has exceeded the maximum allowed size' };
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function bytesOf(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + bytesIn(value),
    0,
  );
}

function bytesIn(value: Value): number {
  const [[type, content] = ['', '']] = Object.entries(value);
  if (type === 'B') return Buffer.byteLength(String(content), 'base64');
  if (type === 'N') return Math.ceil(String(content).length / 2) + 1;
  if (type === 'L') return (content as Value[]).reduce((sum, each) => sum + 1 + bytesIn(each), 3);
  if (type === 'M') return 3 + Object.keys(content as Item).length + bytesOf(content as Item);
  return typeof content === 'string' ? Buffer.byteLength(content) : 1;
}
