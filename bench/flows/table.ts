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

interface Condition {
  ConditionExpression?: string | undefined;
  ExpressionAttributeValues?: Item | undefined;
}

/** A DynamoDB table that counts what each request takes, in units as they are billed. */
export class Table {
  readonly shape: TableShape;
  /** As JSON, which takes a tenth of the memory of the objects. */
  readonly #items = new Map<string, string>();
  readonly #meter: Meter;

  constructor(shape: TableShape, meter: Meter) {
    this.shape = shape;
    this.#meter = meter;
  }

  get(Key: Item, isConsistent: boolean): { Item?: Item } {
    const item = this.#find(Key);
    this.#read(item === null ? 0 : bytesOf(item), isConsistent);
    return item === null ? {} : { Item: item };
  }

  put(item: Item, condition: Condition): void {
    this.#write(keyText(item[this.shape.key]), item, condition);
  }

  delete(Key: Item, condition: Condition): void {
    this.#write(keyText(Key[this.shape.key]), null, condition);
  }

  /** `SET a = :x, …` and `ADD a :x`: all that our code asks for. */
  update(Key: Item, expression: string, values: Item): void {
    const item: Item = { ...(this.#find(Key) ?? Key) };
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

  /** Items of one partition of an index up to a sort key, in its order: all in one page. */
  query(indexName: string, partition: AttributeValue, upTo: AttributeValue): { Items: Item[] } {
    const index = this.shape.indexes?.find(({ name }) => name === indexName);
    if (!index) throw new Error(`The table ${this.shape.name} has no index ${indexName}`);
    const [partitionKey, sortKey] = index.keys;
    const found = [...this.#items.values()]
      .map((json) => JSON.parse(json) as Item)
      .filter((item) => item[partitionKey]?.N === partition.N && Number(item[sortKey]?.N) <= Number(upTo.N))
      .sort((a, b) => Number(a[sortKey]?.N) - Number(b[sortKey]?.N));
    this.#read(found.length * 100, false);
    return { Items: found };
  }

  #find(Key: Item): Item | null {
    const json = this.#items.get(keyText(Key[this.shape.key]));
    return json === undefined ? null : (JSON.parse(json) as Item);
  }

  #read(bytes: number, isConsistent: boolean): void {
    const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) / (isConsistent ? 1 : 2);
    this.#meter.add(`dynamodb.requests.${this.shape.name}`);
    this.#meter.add(`dynamodb.reads.${this.shape.name}`, units);
  }

  #write(key: string, item: Item | null, condition: Condition): void {
    const json = this.#items.get(key);
    const before = json === undefined ? null : (JSON.parse(json) as Item);
    const { name, indexes = [] } = this.shape;
    // The larger of the two is billed; a write that is refused, by what it found.
    const bytes = Math.max(before ? bytesOf(before) : 0, item ? bytesOf(item) : 0);
    this.#meter.add(`dynamodb.requests.${name}`);
    this.#meter.add(`dynamodb.writes.${name}`, writeUnits(bytes));
    if (!holds(condition, before)) {
      const message = 'The conditional request failed';
      throw new ConditionalCheckFailedException({ message, $metadata: {} });
    }
    for (const index of indexes) {
      const [was, is] = [before, item].map((row) => row && entryOf(index.keys, row, this.shape.key));
      // An entry whose keys change is taken out and put in again.
      const units = was?.text === is?.text ? 0 : (was?.units ?? 0) + (is?.units ?? 0);
      this.#meter.add(`dynamodb.writes.${name}/${index.name}`, units);
      this.#meter.add(`dynamodb.kept.${name}/${index.name}`, (is?.bytes ?? 0) - (was?.bytes ?? 0));
    }
    this.#meter.add(`dynamodb.kept.${name}`, kept(item) - kept(before));
    if (item === null || this.shape.isDone?.(item)) this.#items.delete(key);
    else this.#items.set(key, JSON.stringify(item));
  }
}

/** What an item takes of the storage: a hundred bytes are added to each. */
function kept(item: Item | null): number {
  return item === null ? 0 : bytesOf(item) + 100;
}

function entryOf(keys: string[], item: Item, primaryKey: string) {
  const values = [...keys, primaryKey].map((name) => [name, item[name]] as const);
  if (values.some(([, value]) => value === undefined)) return null;
  const entry = Object.fromEntries(values) as Item;
  const bytes = bytesOf(entry);
  return { text: JSON.stringify(entry), bytes: bytes + 100, units: writeUnits(bytes) };
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

/** An item's size by DynamoDB's own rules: names and values in UTF-8, 3 bytes for a list or map, 1 for each in it. */
export function bytesOf(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  // A byte for two digits, and one more.
  if (value.N !== undefined) return 1 + Math.ceil(value.N.replace(/\D/g, '').length / 2);
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + valueBytes(each), 3);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + bytesOf(value.M);
  return 1;
}
