import type { Generation } from '../core/http/generation-request.ts';
import type { LargeJob } from '../core/parts/parts.ts';
import type { Requests, Sources, StoredRequest } from '../ports.ts';
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

type Range = readonly [from: number, to: number];

/** Reading so much that nobody asked for is cheaper than one more call. */
const GAP_MAX_BYTES = 256 * 1024;
/** So much at once, or what is held grows with the gaps. */
const SPAN_MAX_BYTES = 8 * 1024 * 1024;

export function createSources(bucket: () => Promise<Bucket>): Sources {
  const keyIn = (job: LargeJob) => job.parts.upload?.key ?? keyOf(job);
  return {
    async *stream(job) {
      yield* (await bucket()).stream(keyIn(job));
    },
    async read(job, ranges) {
      const found: Buffer[] = [];
      for (const span of spansOf(ranges)) {
        const [first = [0, 0]] = span;
        const [, end] = span.at(-1) ?? first;
        const bytes = await (await bucket()).range(keyIn(job), first[0], end);
        // Copies, or the whole span would be kept.
        for (const [from, to] of span)
          found.push(Buffer.from(bytes.subarray(from - first[0], to - first[0])));
      }
      return found;
    },
  };
}

/** Those that lie close together are read in one call. They are in the order of the file. */
function spansOf(ranges: readonly Range[]): Range[][] {
  const spans: Range[][] = [];
  for (const range of ranges) {
    const span = spans.at(-1);
    const [first] = span ?? [];
    const last = span?.at(-1);
    const isClose =
      first && last && range[0] - last[1] <= GAP_MAX_BYTES && range[1] - first[0] <= SPAN_MAX_BYTES;
    if (isClose) span?.push(range);
    else spans.push([range]);
  }
  return spans;
}
