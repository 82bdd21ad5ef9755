import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { FIRST_FORMAT, isLaterFormat, LaterFormat } from '../core/format.ts';
import { DOCUMENT_EXTRA_DAYS } from '../core/limits.ts';
import type { Clock, Documents } from '../ports.ts';
import type { Bucket } from './document-bucket.ts';
import type { Rows } from './rows.ts';

/** Compressed size. Up to this, a DynamoDB write (one unit per KB) costs less than an S3 PUT (as much as eight units). */
export const TABLE_MAX_BYTES = 8 * 1024;
/** Text seldom shrinks below an eighth: anything longer goes to the bucket uncompressed, where links lead to it. */
const COMPRESSED_FROM_MAX_BYTES = 8 * TABLE_MAX_BYTES;

const DAY_SECONDS = 86_400;

/** Immutable documents: small ones, compressed, in the rows of a table, larger ones in an S3 bucket. */
export function createDocuments(
  rows: Rows,
  bucket: () => Promise<Bucket>,
  retentionDays: number,
  clock: Clock,
): Documents {
  return {
    async save(key, json) {
      const body = Buffer.from(json);
      const deflated = body.byteLength > COMPRESSED_FROM_MAX_BYTES ? null : deflateRawSync(body);
      if (deflated === null || deflated.byteLength > TABLE_MAX_BYTES) {
        await (await bucket()).put(key, body);
        return { store: 'bucket', key };
      }
      // It outlives the row that points to it, and the last delivery of it.
      const ttl = Math.ceil(clock.now() / 1000) + (retentionDays + DOCUMENT_EXTRA_DAYS) * DAY_SECONDS;
      await rows.put({ key, format: FIRST_FORMAT, deflated, ttl });
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

function missing(key: string): never {
  throw new Error(`The document ${key} is gone`);
}
