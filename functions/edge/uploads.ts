import { randomUUID } from 'node:crypto';
import { sweepKeys } from '../core/polling/overdue.ts';
import { objectKeyOf, uploadsOverdueAt, uploadsRowOf } from '../core/uploads.ts';
import type { Clock, Uploads } from '../ports.ts';
import type { Bucket } from './document-bucket.ts';
import type { Rows } from './rows.ts';

/** A row of which nothing is left is deleted by DynamoDB, later than anyone who has read it could write it. */
const EMPTY_KEPT_SECONDS = 86_400;

/** Each client's uploads are a row of the jobs' table; the files lie in the bucket. */
export function createUploads(rows: Rows, bucket: () => Promise<Bucket>, clock: Clock): Uploads {
  return {
    async find(owner) {
      const { version = 0, uploads = {}, leftovers = {} } = (await rows.get(uploadsRowOf(owner))) ?? {};
      return { client: owner, version, uploads, leftovers };
    },
    replace(after) {
      const writeId = randomUUID();
      const jobId = uploadsRowOf(after.client);
      const sweepAt = uploadsOverdueAt(after);
      const ttl = sweepAt === null && { ttl: Math.ceil(clock.now() / 1000) + EMPTY_KEPT_SECONDS };
      const row = { ...after, jobId, writeId, ...sweepKeys(jobId, sweepAt), ...ttl };
      const ConditionExpression = after.version === 1 ? 'attribute_not_exists(jobId)' : 'version = :before';
      const values = after.version === 1 ? undefined : { ':before': after.version - 1 };
      return rows.isDone(rows.put(row, { ConditionExpression, values }), jobId, writeId);
    },
    link: async (upload, sha256) => (await bucket()).linkToPut(objectKeyOf(upload), upload.bytes, sha256),
    isThere: async (upload) => (await bucket()).has(objectKeyOf(upload)),
    async remove(objectKey) {
      await (await bucket()).remove(objectKey);
    },
  };
}
