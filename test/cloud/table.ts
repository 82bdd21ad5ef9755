import { type AttributeValue, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { Millis } from '../../functions/core/job.ts';
import {
  bytesOf,
  compare,
  copyOf,
  type Expressions,
  holds,
  type Item,
  keyText,
  rangeOf,
  updated,
  valueBytes,
} from './expressions.ts';
import type { Meter } from './meter.ts';
import type { Time } from './time.ts';

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;
export const ITEM_MAX_BYTES = 400 * 1024;

export interface TableShape {
  name: string;
  key: string;
  /** Secondary indexes of keys only. */
  indexes?: { name: string; keys: [partition: string, sort: string] }[];
  /** An item that nobody will read again, which need not be kept in memory. */
  isDone?: (item: Item) => boolean;
}

export interface TableOptions {
  meter: Meter;
  time: Time;
  /** How far an index is behind with a write. */
  lagMillis(index: string): Millis;
  /** How many entries of an index come in one page at most, however many are asked for. */
  pageMax(index: string): number;
  /** How long an item is there beyond its time to live; null: for good. */
  ttlLateMillis(): Millis | null;
}

/** An item of the table's own: copied when it is written, and when it is read. */
interface Stored {
  item: Item;
  bytes: number;
}

interface Entry {
  partition: AttributeValue;
  sort: AttributeValue;
  bytes: number;
}

interface Query extends Expressions {
  IndexName?: string | undefined;
  ScanIndexForward?: boolean | undefined;
  Limit?: number | undefined;
  ExclusiveStartKey?: Item | undefined;
}

/** A DynamoDB table that counts what each request takes, in units as they are billed. */
export class Table {
  readonly shape: TableShape;
  readonly #options: TableOptions;
  readonly #items = new Map<string, Stored>();
  /** Of each index, its entries by the item's key. */
  readonly #indexes = new Map<string, Map<string, Entry>>();
  /** Told of each write as it happens, which is before it is answered. */
  onWrite: (key: string, after: Item | null) => void = () => undefined;
  /** Told of each item that is deleted because its time to live is over. */
  onExpire: (key: string) => void = () => undefined;
  /** The times to live at whose ends something is planned. */
  readonly #ends = new Map<string, Millis>();

  constructor(shape: TableShape, options: TableOptions) {
    this.shape = shape;
    this.#options = options;
    for (const { name } of shape.indexes ?? []) this.#indexes.set(name, new Map());
  }

  get keys(): string[] {
    return [...this.#items.keys()];
  }

  /** The item as it is, for whoever looks into the table past DynamoDB. */
  peek(key: string): Item | null {
    const stored = this.#items.get(key);
    return stored ? copyOf(stored.item) : null;
  }

  get(Key: Item, isConsistent: boolean): { Item?: Item } {
    const stored = this.#items.get(this.#keyOf(Key));
    this.#read(stored?.bytes ?? 0, isConsistent);
    return stored ? { Item: copyOf(stored.item) } : {};
  }

  put(item: Item, condition: Expressions = {}): void {
    this.#write(this.#keyOf(item), item, condition);
  }

  delete(Key: Item, condition: Expressions = {}): void {
    this.#write(this.#keyOf(Key), null, condition);
  }

  /** As with ALL_NEW. */
  update(Key: Item, expressions: Expressions): { Attributes: Item } {
    const key = this.#keyOf(Key);
    const after = updated(this.peek(key) ?? Key, expressions);
    this.#write(key, after, expressions);
    return { Attributes: copyOf(after) };
  }

  /** Keys of one partition of an index, in the order of the index, a page of them. */
  query({ IndexName = '', ...asked }: Query): { Items: Item[]; LastEvaluatedKey?: Item } {
    const keys = this.#keysOf(IndexName);
    const { partition, from, to } = rangeOf(asked, keys);
    const isAsked = ({ partition: own, sort }: Entry) =>
      keyText(own) === partition && compare(sort, to) <= 0 && (from === null || compare(sort, from) >= 0);
    const sign = asked.ScanIndexForward === false ? -1 : 1;
    const inOrder = ([a, { sort: x }]: [string, Entry], [b, { sort: y }]: [string, Entry]) =>
      sign * (compare(x, y) || (a < b ? -1 : 1));
    const all = [...(this.#indexes.get(IndexName) ?? [])].filter(([, entry]) => isAsked(entry)).sort(inOrder);
    const start = asked.ExclusiveStartKey;
    const last = start && ([this.#keyOf(start), { sort: start[keys[1]] }] as [string, Entry]);
    const left = last ? all.filter((entry) => inOrder(entry, last) > 0) : all;
    const most = Math.min(asked.Limit ?? Number.POSITIVE_INFINITY, this.#options.pageMax(IndexName));
    const page = left.slice(0, most);
    const bytes = page.reduce((sum, [, entry]) => sum + entry.bytes, 0);
    this.#read(bytes, false);
    const Items = page.map(([key, { partition, sort }]) => ({
      [this.shape.key]: { S: key },
      [keys[0]]: partition,
      [keys[1]]: sort,
    }));
    const LastEvaluatedKey = Items.at(-1);
    // As soon as a page is full, whether anything follows or not.
    return page.length === most && LastEvaluatedKey ? { Items, LastEvaluatedKey } : { Items };
  }

  /** The least of what an index is sorted by, over all its partitions; null when it is empty. */
  firstIn(index: string): number | null {
    let first: number | null = null;
    for (const { sort } of this.#indexes.get(index)?.values() ?? []) {
      first = Math.min(first ?? Number.POSITIVE_INFINITY, Number(sort.N));
    }
    return first;
  }

  get bytesInUse(): number {
    return [...this.#items.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get indexBytesInUse(): number {
    const entries = [...this.#indexes.values()].flatMap((index) => [...index.values()]);
    return entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #keyOf(item: Item): string {
    return keyText(item[this.shape.key]);
  }

  #read(bytes: number, isConsistent: boolean): void {
    const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) / (isConsistent ? 1 : 2);
    this.#options.meter.add(`dynamodb.requests.${this.shape.name}`);
    this.#options.meter.add(`dynamodb.reads.${this.shape.name}`, units);
  }

  #write(key: string, item: Item | null, condition: Expressions): void {
    const { meter } = this.#options;
    const { name } = this.shape;
    const stored = this.#items.get(key);
    const bytes = item === null ? 0 : bytesOf(item);
    if (bytes > ITEM_MAX_BYTES) throw new Error(`ValidationException: an item of ${bytes} bytes`);
    meter.add(`dynamodb.requests.${name}`);
    // The larger of the two is billed; a write that is refused, by what it found.
    meter.add(`dynamodb.writes.${name}`, writeUnits(Math.max(stored?.bytes ?? 0, bytes)));
    if (!holds(condition, stored?.item ?? null)) {
      const message = 'The conditional request failed';
      throw new ConditionalCheckFailedException({ message, $metadata: {} });
    }
    this.onWrite(key, item);
    meter.add(`dynamodb.kept.${name}`, kept(bytes) - kept(stored?.bytes ?? 0));
    if (item === null) this.#items.delete(key);
    else this.#items.set(key, { item: copyOf(item), bytes });
    this.#writeIndexes(key, item);
    this.#planExpiry(key);
    if (item !== null && this.shape.isDone?.(item)) this.#forget(key);
  }

  #forget(key: string): void {
    this.#items.delete(key);
    for (const entries of this.#indexes.values()) entries.delete(key);
  }

  /** Until it is deleted, an item that is past its time is read and written like any other, and is in the indexes. */
  #planExpiry(key: string): void {
    const { time, ttlLateMillis } = this.#options;
    const lateMillis = ttlLateMillis();
    const ttlMillis = this.#ttlMillisOf(key);
    if (lateMillis === null || ttlMillis === null || this.#ends.get(key) === ttlMillis) return;
    this.#ends.set(key, ttlMillis);
    time.after(ttlMillis + lateMillis - time.now, () => {
      // Whoever has written it since may have given it more time, or less.
      if (this.#ttlMillisOf(key) !== ttlMillis) return;
      this.onExpire(key);
      this.#ends.delete(key);
      this.#items.delete(key);
      this.#writeIndexes(key, null);
    });
  }

  #ttlMillisOf(key: string): Millis | null {
    const ttl = this.#items.get(key)?.item['ttl']?.N;
    return ttl === undefined ? null : 1000 * Number(ttl);
  }

  #writeIndexes(key: string, item: Item | null): void {
    const { time, lagMillis } = this.#options;
    for (const { name } of this.shape.indexes ?? []) {
      const millis = lagMillis(name);
      if (millis === 0) this.#writeIndex(name, key, item);
      else time.after(millis, () => this.#writeIndex(name, key, this.#items.get(key)?.item ?? null));
    }
  }

  #writeIndex(name: string, key: string, item: Item | null): void {
    const entries = this.#indexes.get(name) as Map<string, Entry>;
    const was = entries.get(key);
    const is = entryOf(this.#keysOf(name), item, this.shape.key);
    this.#meterIndex(name, was, is);
    if (is) entries.set(key, is);
    else entries.delete(key);
  }

  #keysOf(index: string): [partition: string, sort: string] {
    const shape = this.shape.indexes?.find(({ name }) => name === index);
    if (!shape) throw new Error(`There is no index ${index}`);
    return shape.keys;
  }

  #meterIndex(index: string, was: Entry | undefined, is: Entry | null): void {
    const { meter } = this.#options;
    const name = `${this.shape.name}/${index}`;
    const isSame =
      keyText(was?.partition) === keyText(is?.partition) && keyText(was?.sort) === keyText(is?.sort);
    // An entry whose keys change is taken out and put in again.
    const units = isSame ? 0 : (was ? writeUnits(was.bytes) : 0) + (is ? writeUnits(is.bytes) : 0);
    meter.add(`dynamodb.writes.${name}`, units);
    meter.add(`dynamodb.kept.${name}`, kept(is?.bytes ?? 0) - kept(was?.bytes ?? 0));
  }
}

/** What an item takes of the storage: a hundred bytes are added to each. */
function kept(bytes: number): number {
  return bytes === 0 ? 0 : bytes + 100;
}

/** Null: the item lacks one of the keys, and the index is sparse. */
function entryOf(keys: [string, string], item: Item | null, primaryKey: string): Entry | null {
  const [partition, sort] = keys.map((name) => item?.[name]);
  if (item === null || partition === undefined || sort === undefined) return null;
  const names = [...keys, primaryKey];
  const bytes = names.reduce((sum, name) => sum + name.length + valueBytes(item[name] as AttributeValue), 0);
  return { partition, sort, bytes };
}

function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}
