import type { Generation } from '../core/http/generation-request.ts';
import type { Requests, StoredRequest } from '../ports.ts';
import type { Bucket } from './document-bucket.ts';

/** The only place where a prompt is at rest. `createdAt` distinguishes jobs of one idempotency key. */
export const keyOf = ({ jobId, createdAt, parts }: StoredRequest) =>
  `${parts ? 'sources' : 'requests'}/${jobId}/${createdAt}.json`;

/** The requests of queued jobs, under a prefix of the bucket that only the function which creates them can read. */
export function createRequests(bucket: () => Promise<Bucket>): Requests {
  return {
    async save(job, asked) {
      await (await bucket()).put(keyOf(job), Buffer.from(JSON.stringify(asked)));
    },
    async load(job) {
      const json = await (await bucket()).get(keyOf(job));
      return JSON.parse(json ?? 'null') as Generation;
    },
    async remove(job) {
      await (await bucket()).remove(keyOf(job));
    },
  };
}
