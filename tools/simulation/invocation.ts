import type { Job } from '../../functions/core/job.ts';
import type { LogFields, Stage } from '../../functions/core/log.ts';
import type { MetricValues } from '../../functions/core/metrics.ts';
import type { PollForecast } from '../../functions/core/polling/next-poll.ts';
import type { Service } from '../../test/cloud/clients.ts';
import type { QueueName } from '../../test/cloud/cloud.ts';
import type { Delivery } from '../../test/cloud/queue.ts';
import type { Create } from './door/create.ts';
import type { Visit } from './door/visit.ts';
import type { Release } from './releases.ts';

/** One invocation of a function. */
export class Invocation {
  /** ModelStudio's ids of the jobs on which it has reported to this invocation. */
  readonly reportedOn = new Set<string>();
  /** Calls to each service. */
  readonly calls: Partial<Record<Service, number>> = {};
  /** The longest that one of its calls has taken. */
  slowestMillis = 0;
  underWay = 0;
  /** The messages that it was given. */
  batch: readonly Delivery[] = [];
  /** The place of the poll that it has sent, by job, and the jobs whose rows it has tried to write. */
  readonly polled = new Map<string, number>();
  readonly written = new Set<string>();
  isOver = false;
  /** The request that it is to answer. */
  visit: Visit | null = null;
  /** All calls by their names, and those that have failed for good. */
  readonly names = new Set<string>();
  readonly failures: string[] = [];
  /** Writes that others were ahead of. */
  conflicts = 0;
  readonly lost = new Map<string, number>();
  readonly creates: Create[] = [];
  readonly rows: { before: Job | null; after: Job | null }[] = [];
  readonly sent: { queue: QueueName; body: string; delaySeconds: number }[] = [];
  readonly told: { stage: Stage; facts: LogFields; metrics: MetricValues }[] = [];
  /** What it has planned by. */
  forecast: PollForecast | null = null;
  readonly release: Release;
  readonly onDeath: () => void;

  constructor(release: Release, onDeath: () => void) {
    this.release = release;
    this.onDeath = onDeath;
  }
}
