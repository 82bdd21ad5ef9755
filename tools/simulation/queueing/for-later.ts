import type { Job, Millis } from '../../../functions/core/job.ts';
import type { Cloud } from '../../../test/cloud/cloud.ts';
import type { FunctionName } from '../../../test/cloud/handlers.ts';
import { isLaterDocument, isLaterMessage, isLaterRow, openedMessage } from '../releases.ts';
import { goneSince, laterSince } from '../rollout.ts';
import type { Simulation } from '../simulation.ts';

/** A message is delayed by whole seconds, and then waits for a function. */
const LATE_MAX_MILLIS = 4000;

/** What a rollback explains: today's release leaves what it cannot read until the later one is back. */
export class ForLater {
  readonly #sim: Simulation;
  readonly #cloud: Cloud;
  /** When the latest message is due that not everybody can read by then. */
  #unreadDueAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(sim: Simulation, cloud: Cloud) {
    this.#sim = sim;
    this.#cloud = cloud;
  }

  get unreadDueAt(): Millis {
    return this.#unreadDueAt;
  }

  /** A message of the queue's chain. */
  sent(body: string): void {
    if (!isLaterMessage(body)) return;
    const { dueAt } = JSON.parse(openedMessage(body)).wakeUp;
    if (this.#since('create', dueAt + LATE_MAX_MILLIS) > dueAt)
      this.#unreadDueAt = Math.max(this.#unreadDueAt, dueAt);
  }

  isRow(jobId: string): boolean {
    return this.#sim.rollout !== null && isLaterRow(this.#cloud.tables.jobs.peek(jobId));
  }

  /** Whether only the later release can give it to ModelStudio. */
  isToCreate({ jobId, createdAt }: Job): boolean {
    if (this.#sim.rollout === null) return false;
    return this.isRow(jobId) || isLaterDocument(this.#cloud, `requests/${jobId}/${createdAt}.json`);
  }

  /** Since when a function can read the job's row for sure; infinity if it cannot. */
  readSince(jobId: string, name: FunctionName): Millis {
    return this.isRow(jobId) ? this.#since(name) : Number.NEGATIVE_INFINITY;
  }

  /** Since when a function is of today's release alone, after the later one has gone; infinity at other times. */
  goneSince(name: FunctionName): Millis {
    const { rollout, now } = this.#sim;
    return rollout ? goneSince(rollout, name, now) : Number.POSITIVE_INFINITY;
  }

  createdSince(job: Job): Millis {
    return this.isToCreate(job) ? this.#since('create') : Number.NEGATIVE_INFINITY;
  }

  #since(name: FunctionName, at = this.#sim.now): Millis {
    const { rollout } = this.#sim;
    return rollout ? laterSince(rollout, name, at) : Number.NEGATIVE_INFINITY;
  }
}
