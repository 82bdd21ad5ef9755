import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FIRST_FORMAT, isLaterFormat, LaterFormat } from '../core/format.ts';
import { DOCUMENT_EXTRA_DAYS } from '../core/limits.ts';
import type { Clock, Documents } from '../ports.ts';
import type { Bucket } from './document-bucket.ts';
import { createRows } from './rows.ts';

/** Compressed size. Up to this, a DynamoDB write (one unit per KB) costs less than an S3 PUT (as much as eight units). */
export const TABLE_MAX_BYTES = 8 * 1024;
/** Text seldom shrinks below an eighth: anything longer goes to the bucket uncompressed, where links lead to it. */
const COMPRESSED_FROM_MAX_BYTES = 8 * TABLE_MAX_BYTES;

const DAY_SECONDS = 86_400;

export interface DocumentStores {
  dynamodb: DynamoDBClient;
  tableName: string;
  bucket(): Promise<Bucket>;
  retentionDays: number;
  clock: Clock;
}

/** Immutable documents: small ones, compressed, in a DynamoDB table under the key `key`, larger ones in an S3 bucket. */
export function createDocuments(stores: DocumentStores): Documents {
  const { bucket } = stores;
  const rows = createRows(stores.dynamodb, stores.tableName, 'key');
  return {
    async save(key, json) {
      const body = Buffer.from(json);
      const deflated = body.byteLength > COMPRESSED_FROM_MAX_BYTES ? null : deflateRawSync(body);
      if (deflated === null || deflated.byteLength > TABLE_MAX_BYTES) {
        await (await bucket()).put(key, body);
        return { store: 'bucket', key };
      }
      await rows.put({ key, format: FIRST_FORMAT, deflated, ttl: endOfLife(stores) });
      return { store: 'table', key };
    },

    async saveAll(key, bytes, texts) {
      await (await bucket()).putAll(key, bytes, texts);
      return { store: 'bucket', key };
    },

    async load({ store, key }) {
      if (store === 'bucket') return (await (await bucket()).get(key)) ?? missing(key);
      // It never changes, so it can only be missing at half the price.
      const { format, deflated } = (await rows.get(key, false)) ?? (await rows.get(key)) ?? missing(key);
      if (isLaterFormat(format)) throw new LaterFormat(`The document ${key}`);
      return inflateRawSync(deflated).toString();
    },

    async setAside(key, content) {
      await (await bucket()).put(key, content);
    },

    async remove({ store, key }) {
      if (store === 'bucket') await (await bucket()).remove(key);
      else await rows.remove(key);
    },

    async link({ store, key }, seconds) {
      if (store !== 'bucket') throw new Error(`The document ${key} is in the table, which has no links`);
      return (await bucket()).link(key, seconds);
    },
  };
}

/** A document outlives the row that points to it, and the last delivery of it. */
function endOfLife({ clock, retentionDays }: DocumentStores): number {
  return Math.ceil(clock.now() / 1000) + (retentionDays + DOCUMENT_EXTRA_DAYS) * DAY_SECONDS;
}

function missing(key: string): never {
  throw new Error(`The document ${key} is gone`);
}
