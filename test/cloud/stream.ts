import type { Item } from './expressions.ts';
import type { Table } from './table.ts';

export interface StreamRecord {
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  dynamodb: { Keys: Item; OldImage?: Item; NewImage?: Item };
}

/** What a stream of DynamoDB, with the old images and the new ones, says of a table from now on. */
export function streamOf(table: Table): StreamRecord[] {
  const records: StreamRecord[] = [];
  const before = new Map(table.keys.map((key) => [key, table.peek(key)]));
  table.onWrite = (key, after) => {
    const old = before.get(key);
    before.set(key, after);
    // A write that changes nothing is no change.
    if (JSON.stringify(old) === JSON.stringify(after)) return;
    const eventName = old ? (after ? 'MODIFY' : 'REMOVE') : 'INSERT';
    const images = { ...(old && { OldImage: old }), ...(after && { NewImage: structuredClone(after) }) };
    records.push({ eventName, dynamodb: { Keys: { [table.shape.key]: { S: key } }, ...images } });
  };
  return records;
}
