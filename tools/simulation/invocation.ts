import type { Service } from '../../test/cloud/clients.ts';
import type { Delivery } from '../../test/cloud/queue.ts';

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
  readonly onDeath: () => void;

  constructor(onDeath: () => void) {
    this.onDeath = onDeath;
  }
}
