import type { Job, Millis } from '../../../functions/core/job.ts';
import type { Cloud } from '../../../test/cloud/cloud.ts';
import type { Invocation } from '../invocation.ts';
import { must } from '../judge.ts';
import type { OpenedContents } from '../releases.ts';
import type { Simulation } from '../simulation.ts';
import type { Visit } from './visit.ts';

/** What the model knows of the world. */
export interface Known {
  readonly cloud: Cloud;
  readonly contents: OpenedContents;
  readonly rows: { readonly deleted: { has(jobId: string): boolean } };
}

/** What the rules go by. */
export interface Model {
  readonly sim: Simulation;
  readonly known: Known;
  /** How far a function's clock may be off in this run. */
  readonly skewMillis: Millis;
  readonly now: Millis;
  /** What each job was asked for by. */
  readonly wanted: Map<string, string>;
  /** The job that a client's key stands for. */
  jobIdOf(client: string, key: string): string | undefined;
  /** What a job has been at some moment since; null: not there. */
  since(jobId: string, from: Millis): (Job | null)[];
  /** The same of a client's own, as who asks may see it. */
  ownSince(jobId: string, visit: Visit): (Job | null)[];
  /** The same as `since`, as the client sees it that repeats the request. */
  keySince(jobId: string, from: Millis): (Job | 'deleted' | null)[];
  /** When a client's webhooks are redelivered to a host, of those that were asked for together. */
  readonly paced: Map<string, Set<Millis>>;
}

export function judgeNothingDone({ request }: Visit, { rows, sent, creates }: Invocation): void {
  const done = rows.length + sent.length + creates.length;
  must(done === 0, 'I10', () => `${request.method} ${request.path} is answered as if it had done nothing`);
}
