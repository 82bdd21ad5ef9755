import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;

/** The parts of a request that speak of attributes, as far as our code uses them. */
export interface Expressions {
  ConditionExpression?: string | undefined;
  KeyConditionExpression?: string | undefined;
  UpdateExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Item | undefined;
}

/** A term of a condition: an attribute that must be missing, or what it must be compared with. */
interface Term {
  name: string;
  operator: 'is missing' | '=' | '<' | '<=';
  value: string;
}

/** What a condition asks of an item, which is null when there is none. */
export function holds({ ConditionExpression, ...terms }: Expressions, item: Item | null): boolean {
  if (ConditionExpression === undefined) return true;
  const parsed = PARSED.get(ConditionExpression) ?? alternativesIn(ConditionExpression);
  PARSED.set(ConditionExpression, parsed);
  return parsed.some((all) => all.every((term) => holdsTerm(term, terms, item)));
}

const PARSED = new Map<string, Term[][]>();

function alternativesIn(condition: string): Term[][] {
  return condition.split(' OR ').map((all) => all.split(' AND ').map(termIn));
}

function termIn(text: string): Term {
  const [, missing] = /^attribute_not_exists\((\S+)\)$/.exec(text) ?? [];
  if (missing !== undefined) return { name: missing, operator: 'is missing', value: '' };
  const [, name = '', operator = '', value = ''] = /^(\S+) (=|<=?) (:\w+)$/.exec(text) ?? unknown(text);
  return { name, operator: operator as Term['operator'], value };
}

function holdsTerm({ name, operator, value }: Term, terms: Expressions, item: Item | null): boolean {
  const found = item?.[nameOf(name, terms)];
  if (operator === 'is missing') return found === undefined;
  if (found === undefined) return false;
  const order = compare(found, valueNamed(value, terms));
  return order < 0 ? operator !== '=' : order === 0 && operator !== '<';
}

/** With nothing in common with the original. */
export function copyOf(item: Item): Item {
  const copy: Item = {};
  for (const name in item) copy[name] = copyOfValue(item[name] as AttributeValue);
  return copy;
}

function copyOfValue(value: AttributeValue): AttributeValue {
  if (value.S !== undefined) return { S: value.S };
  if (value.N !== undefined) return { N: value.N };
  if (value.M !== undefined) return { M: copyOf(value.M) };
  if (value.L !== undefined) return { L: value.L.map(copyOfValue) };
  if (value.B !== undefined) return { B: Buffer.from(value.B) };
  return { ...value };
}

/** The part of an index that a query asks for, its ends included. */
export interface Range {
  partition: string;
  from: AttributeValue | null;
  to: AttributeValue;
}

/** `p = :p AND s <= :to` or `p = :p AND s BETWEEN :from AND :to`. */
export function rangeOf(terms: Expressions, keys: readonly [partition: string, sort: string]): Range {
  const expression = terms.KeyConditionExpression ?? '';
  const asked = /^(\S+) = (:\w+) AND (\S+) (?:<= (:\w+)|BETWEEN (:\w+) AND (:\w+))$/.exec(expression);
  const [, partition = '', value = '', sort = '', upTo, from, to] = asked ?? unknown(expression);
  if (nameOf(partition, terms) !== keys[0] || nameOf(sort, terms) !== keys[1]) unknown(expression);
  return {
    partition: keyText(valueNamed(value, terms)),
    from: from === undefined ? null : valueNamed(from, terms),
    to: valueNamed(upTo ?? to ?? '', terms),
  };
}

/** `SET a = :x, … REMOVE c, … ADD b :y, …`, done to a copy. */
export function updated(item: Item, terms: Expressions): Item {
  const expression = terms.UpdateExpression ?? '';
  const [, sets = '', removes = '', adds = ''] =
    /^SET (.*?)(?: REMOVE (.*?))?(?: ADD (.*))?$/.exec(expression) ?? unknown(expression);
  const after = { ...item };
  for (const set of sets.split(', ')) {
    const [name = '', value = ''] = set.split(' = ');
    after[nameOf(name, terms)] = valueNamed(value, terms);
  }
  for (const name of removes === '' ? [] : removes.split(', ')) delete after[nameOf(name, terms)];
  for (const add of adds === '' ? [] : adds.split(', ')) {
    const [given = '', value = ''] = add.split(' ');
    const name = nameOf(given, terms);
    after[name] = { N: String(Number(after[name]?.N ?? 0) + Number(valueNamed(value, terms).N)) };
  }
  return after;
}

/** Numbers by their size, texts by their bytes. */
export function compare(a: AttributeValue, b: AttributeValue): number {
  if (a.N !== undefined && b.N !== undefined) return Number(a.N) - Number(b.N);
  const [x, y] = [keyText(a), keyText(b)];
  return x === y ? 0 : Buffer.compare(Buffer.from(x), Buffer.from(y));
}

export function keyText(key: AttributeValue | undefined): string {
  return key?.S ?? key?.N ?? '';
}

function nameOf(name: string, { ExpressionAttributeNames }: Expressions): string {
  return name.startsWith('#') ? (ExpressionAttributeNames?.[name] ?? unknown(name)) : name;
}

function valueNamed(name: string, { ExpressionAttributeValues }: Expressions): AttributeValue {
  return ExpressionAttributeValues?.[name] ?? unknown(name);
}

/** Never a fault that the real service could have. */
export class NotSimulated extends Error {}

function unknown(expression: string): never {
  throw new NotSimulated(`The simulated table does not understand "${expression}"`);
}

/** An item's size by DynamoDB's own rules: names (here in ASCII) and values, 3 bytes for a list or map, 1 for each in it. */
export function bytesOf(item: Item): number {
  let bytes = 0;
  for (const name in item) bytes += name.length + valueBytes(item[name] as AttributeValue);
  return bytes;
}

export function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  // A byte for two digits, and one more.
  if (value.N !== undefined) return 1 + Math.ceil(value.N.length / 2);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + valueBytes(each), 3);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + bytesOf(value.M);
  return 1;
}
