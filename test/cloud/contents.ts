import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Job, Millis } from '../../functions/core/job.ts';
import type { Span } from '../../functions/core/polling/forecast.ts';
import { encoded } from '../../functions/core/polling/lessons.ts';
import { createJobs } from '../../functions/edge/jobs-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import { atOnce, clientsOf } from './clients.ts';
import type { Cloud } from './cloud.ts';
import type { Item } from './expressions.ts';
import { unmarshall } from './items.ts';
import { RETENTION_DAYS } from './ports.ts';

const FOR_EVER = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/** A job as its row has it, without what only the table needs. */
export function jobOf(item: Item): Job {
  const { writeId, ttl, listKey, sweepShard, sweepAt, format, ...job } = unmarshall(item);
  return job as unknown as Job;
}

/** As polls would tell that are as dense as can be written down. */
export function exactly(seconds: number): Span {
  return { from: seconds * (1 - 2 ** -8), to: seconds };
}

/** Of the past: jobs of this kind have taken this many seconds. */
export function teach(
  cloud: Cloud,
  kind: string,
  durations: readonly number[],
  submittedAt: (slot: number) => Millis,
): void {
  const slots = durations.map((seconds, slot) => {
    const lesson = { submittedAt: submittedAt(slot), took: exactly(seconds), isUnderWay: false };
    return [`s${slot}`, { N: String(encoded(lesson)) }];
  });
  cloud.tables.durationStats.put({ bucket: { S: kind }, ...Object.fromEntries(slots) });
}

/** The jobs' rows, for those who look at them past all ports. */
export class Rows {
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  get(jobId: string): Job | undefined {
    const item = this.#cloud.tables.jobs.peek(jobId);
    return item ? jobOf(item) : undefined;
  }

  /** Whatever has been there. */
  set(jobId: string, job: Job): void {
    this.delete(jobId);
    const { dynamodb } = clientsOf(this.#cloud, atOnce);
    void createJobs(createRows(dynamodb, 'jobs'), RETENTION_DAYS, { now: () => 0 }).insert({ ...job, jobId });
  }

  delete(jobId: string): void {
    this.#cloud.tables.jobs.delete({ jobId: { S: jobId } });
  }

  clear(): void {
    for (const jobId of this.#cloud.tables.jobs.keys) this.delete(jobId);
  }

  values(): Job[] {
    return this.#cloud.tables.jobs.keys.map((jobId) => this.get(jobId) as Job);
  }

  get size(): number {
    return this.#cloud.tables.jobs.keys.length;
  }
}

/** All documents, in the table and in the bucket, for those who look at them past all ports. */
export class Contents {
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  get(key: string): string | undefined {
    const { tables, objects } = this.#cloud;
    const deflated = tables.documents.peek(key)?.['deflated']?.B;
    return deflated ? inflateRawSync(deflated).toString() : objects.get(key);
  }

  /** In both places, wherever it will be looked for. */
  set(key: string, json: string): void {
    const { tables, objects } = this.#cloud;
    const deflated = deflateRawSync(json);
    tables.documents.put({ key: { S: key }, deflated: { B: deflated }, ttl: { N: String(FOR_EVER) } });
    objects.set(key, json);
  }

  clear(): void {
    const { tables, objects } = this.#cloud;
    for (const key of tables.documents.keys) tables.documents.delete({ key: { S: key } });
    objects.clear();
  }

  keys(): string[] {
    const { tables, objects } = this.#cloud;
    return [...new Set([...tables.documents.keys, ...objects.keys()])];
  }

  values(): string[] {
    return this.keys().map((key) => this.get(key) as string);
  }

  *[Symbol.iterator](): Iterator<[key: string, json: string]> {
    for (const key of this.keys()) yield [key, this.get(key) as string];
  }
}
