import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { Meter } from './meter.ts';

export type Item = Record<string, AttributeValue>;

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

export interface TableShape {
  name: string;
  key: string;
  /** Secondary indexes of keys only. */
  indexes?: { name: string; keys: [partition: string, sort: string] }[];
  /** An item that nobody will read again, which need not be kept in memory. */
  isDone?: (item: Item) => boolean;
}

/** An item as JSON, which takes a tenth of the memory of the object. */
interface Stored {
  json: string;
  bytes: number;
}

interface Entry {
  partition: string;
  sort: string;
  bytes: number;
}

interface Condition {
  ConditionExpression?: string | undefined;
  ExpressionAttributeValues?: Item | undefined;
}

/** A DynamoDB table that counts what each request takes, in units as they are billed. */
export class Table {
  readonly shape: TableShape;
  readonly #items = new Map<string, Stored>();
  /** Of each index, its entries' keys by the item's. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #meter: Meter;

  constructor(shape: TableShape, meter: Meter) {
    this.shape = shape;
    for (const { name } of shape.indexes ?? []) this.#entries.set(name, new Map());
    this.#meter = meter;
  }

  get(Key: Item, isConsistent: boolean): { Item?: Item } {
    const stored = this.#items.get(keyText(Key[this.shape.key]));
    this.#read(stored?.bytes ?? 0, isConsistent);
    return stored ? { Item: itemIn(stored) } : {};
  }

  put(item: Item, condition: Condition): void {
    this.#write(keyText(item[this.shape.key]), item, condition);
  }

  delete(Key: Item, condition: Condition): void {
    this.#write(keyText(Key[this.shape.key]), null, condition);
  }

  /** `SET a = :x, …` and `ADD a :x`: all that our code asks for. */
  update(Key: Item, expression: string, values: Item): void {
    const stored = this.#items.get(keyText(Key[this.shape.key]));
    const item: Item = stored ? itemIn(stored) : { ...Key };
    const [, sets = '', adds = ''] = /^SET (.*?)(?: ADD (.*))?$/.exec(expression) ?? [];
    for (const set of sets.split(', ')) {
      const [name = '', value = ''] = set.split(' = ');
      item[name] = values[value] as AttributeValue;
    }
    for (const add of adds === '' ? [] : adds.split(', ')) {
      const [name = '', value = ''] = add.split(' ');
      item[name] = { N: String(Number(item[name]?.N ?? 0) + Number(values[value]?.N)) };
    }
    this.#write(keyText(Key[this.shape.key]), item, {});
  }

  /** Keys of one partition of an index up to a sort key, in its order: all in one page. */
  query(indexName: string, partition: string, upTo: number): { Items: Item[] } {
    const found = [...(this.#entries.get(indexName) ?? [])]
      .filter(([, entry]) => entry.partition === partition && Number(entry.sort) <= upTo)
      .sort(([, a], [, b]) => Number(a.sort) - Number(b.sort));
    this.#read(
      found.reduce((bytes, [, entry]) => bytes + entry.bytes, 0),
      false,
    );
    return { Items: found.map(([key]) => ({ [this.shape.key]: { S: key } })) };
  }

  /** How many items are in an index. */
  entriesIn(indexName: string): number {
    return this.#entries.get(indexName)?.size ?? 0;
  }

  get bytesInUse(): number {
    return [...this.#items.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get indexBytesInUse(): number {
    const entries = [...this.#entries.values()].flatMap((index) => [...index.values()]);
    return entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #read(bytes: number, isConsistent: boolean): void {
    const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) / (isConsistent ? 1 : 2);
    this.#meter.add(`dynamodb.requests.${this.shape.name}`);
    this.#meter.add(`dynamodb.reads.${this.shape.name}`, units);
  }

  #write(key: string, item: Item | null, condition: Condition): void {
    const stored = this.#items.get(key);
    const before: Item | null = stored ? itemIn(stored) : null;
    const bytes = item === null ? 0 : bytesOf(item);
    const { name } = this.shape;
    this.#meter.add(`dynamodb.requests.${name}`);
    // The larger of the two is billed; a write that is refused, by what it found.
    this.#meter.add(`dynamodb.writes.${name}`, writeUnits(Math.max(stored?.bytes ?? 0, bytes)));
    if (!holds(condition, before)) {
      const message = 'The conditional request failed';
      throw new ConditionalCheckFailedException({ message, $metadata: {} });
    }
    this.#writeIndexes(key, item);
    this.#meter.add(`dynamodb.kept.${name}`, kept(bytes) - kept(stored?.bytes ?? 0));
    if (item === null || this.shape.isDone?.(item)) this.#forget(key);
    else this.#items.set(key, { json: jsonOf(item), bytes });
  }

  #forget(key: string): void {
    this.#items.delete(key);
    for (const entries of this.#entries.values()) entries.delete(key);
  }

  #writeIndexes(key: string, item: Item | null): void {
    const { name, key: primaryKey, indexes = [] } = this.shape;
    for (const index of indexes) {
      const entries = this.#entries.get(index.name) as Map<string, Entry>;
      const was = entries.get(key);
      const is = item && entryOf(index.keys, item, primaryKey);
      const isSame = was?.partition === is?.partition && was?.sort === is?.sort;
      // An entry whose keys change is taken out and put in again.
      const units = isSame ? 0 : (was ? writeUnits(was.bytes) : 0) + (is ? writeUnits(is.bytes) : 0);
      this.#meter.add(`dynamodb.writes.${name}/${index.name}`, units);
      this.#meter.add(`dynamodb.kept.${name}/${index.name}`, kept(is?.bytes ?? 0) - kept(was?.bytes ?? 0));
      if (is) entries.set(key, is);
      else entries.delete(key);
    }
  }
}

// A Buffer says in JSON that it is one, and then each of its bytes.
function jsonOf(item: Item): string {
  return JSON.stringify(item, (_key, value) =>
    value?.type === 'Buffer' ? { ...value, data: Buffer.from(value.data).toString('base64') } : value,
  );
}

function itemIn({ json }: Stored): Item {
  return JSON.parse(json, (_key, value) =>
    value?.type === 'Buffer' ? Buffer.from(value.data, 'base64') : value,
  );
}

/** What an item takes of the storage: a hundred bytes are added to each. */
function kept(bytes: number): number {
  return bytes === 0 ? 0 : bytes + 100;
}

/** Null: the item lacks one of the keys, and the index is sparse. */
function entryOf(keys: [string, string], item: Item, primaryKey: string): Entry | null {
  const [partition, sort] = keys.map((name) => item[name]);
  if (partition === undefined || sort === undefined) return null;
  const names = [...keys, primaryKey];
  const bytes = names.reduce((sum, name) => sum + name.length + valueBytes(item[name] as AttributeValue), 0);
  return { partition: keyText(partition), sort: keyText(sort), bytes };
}

function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}

function keyText(key: AttributeValue | undefined): string {
  return key?.S ?? key?.N ?? '';
}

/** `attribute_not_exists(a)` and `a = :x AND …`: all that our code asks for. */
function holds({ ConditionExpression, ExpressionAttributeValues }: Condition, item: Item | null): boolean {
  if (ConditionExpression === undefined) return true;
  if (ConditionExpression.startsWith('attribute_not_exists')) return item === null;
  return ConditionExpression.split(' AND ').every((equation) => {
    const [name = '', value = ''] = equation.split(' = ');
    const expected = ExpressionAttributeValues?.[value];
    return item !== null && expected !== undefined && keyText(item[name]) === keyText(expected);
  });
}

/** An item's size by DynamoDB's own rules: names (here in ASCII) and values, 3 bytes for a list or map, 1 for each in it. */
export function bytesOf(item: Item): number {
  let bytes = 0;
  for (const name in item) bytes += name.length + valueBytes(item[name] as AttributeValue);
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  // A byte for two digits, and one more.
  if (value.N !== undefined) return 1 + Math.ceil(value.N.length / 2);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + valueBytes(each), 3);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + bytesOf(value.M);
  return 1;
}
