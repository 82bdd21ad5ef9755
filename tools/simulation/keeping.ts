import { isFinished } from '../../functions/core/job.ts';
import type { Cloud } from '../../test/cloud/cloud.ts';
import type { Item } from '../../test/cloud/expressions.ts';
import type { Delivery, Message } from '../../test/cloud/queue.ts';
import type { Environment } from './environment.ts';
import type { Invocation } from './invocation.ts';
import { must } from './judge.ts';
import { jobIn } from './ledger.ts';
import { isLaterDocument, isLaterMessage, isLaterRow } from './releases.ts';
import type { Rows } from './rows.ts';
import type { Simulation } from './simulation.ts';

/** Judges whether what a later release has stored is left to it. What is of a later release once remains so. */
export class Keeping {
  readonly #sim: Simulation;
  readonly #cloud: Cloud;
  readonly #rows: Pick<Rows, 'get'>;

  constructor(sim: Simulation, cloud: Cloud, rows: Pick<Rows, 'get'>) {
    this.#sim = sim;
    this.#cloud = cloud;
    this.#rows = rows;
  }

  isLater(jobId: string): boolean {
    const row = this.#cloud.tables.jobs.peek(jobId);
    return this.#sim.rollout !== null && isLaterRow(row) && !this.#isOver(row);
  }

  /** After its time to live, which by a clock that is ahead has come already, a row is nothing to anyone. */
  #isOver(row: Item | null): boolean {
    return Number(row?.['ttl']?.N) * 1000 <= this.#sim.now + this.#sim.faults.skewMillis;
  }

  /** Whether the results of a job that today's release can read are in a document that it cannot. */
  isDocumentLater(jobId: string): boolean {
    const job = this.#rows.get(jobId);
    return job !== undefined && 'event' in job && isLaterDocument(this.#cloud, job.event.key);
  }

  /** Before a row is written, or removed. */
  judgeWrite(jobId: string): void {
    const { acting } = this.#sim;
    if (acting === null || acting.release === 'later') return;
    must(
      !this.isLater(jobId),
      'I25',
      () => `${acting.name} writes ${jobId}, which a later release has written`,
    );
  }

  /** Before the request of a job is deleted, which nobody needs once the job has ended, or the job is given to ModelStudio. */
  judgeUse(jobId: string, what: string): void {
    const { acting } = this.#sim;
    const job = this.#rows.get(jobId);
    if (acting === null || acting.release === 'later' || !job || isFinished(job)) return;
    must(
      !this.isLater(jobId),
      'I25',
      () => `${acting.name} ${what} ${jobId}, which waits for a later release`,
    );
  }

  /** Of messages, those that only the later release may be done with. */
  keptIn(batch: readonly Delivery[]): Delivery[] {
    return batch.filter(({ message }) => this.isKept(message));
  }

  isKept({ body }: Message): boolean {
    return this.#sim.rollout !== null && (isLaterMessage(body) || this.isLater(jobIn(body)));
  }

  judgeDone(name: string, kept: readonly Delivery[], by: Invocation | null): void {
    if (by?.release === 'later') return;
    const [taken] = this.keptIn(kept);
    must(
      taken === undefined,
      'I25',
      () => `${name} is done with a message for later: ${taken?.message.body}`,
    );
  }

  judgePost(body: string, { release, name }: Environment): void {
    if (this.#sim.rollout === null || release === 'later') return;
    const jobId = JSON.parse(body).data.job_id;
    const isLater = this.isDocumentLater(jobId);
    must(!isLater, 'I25', () => `${name} sends the event of ${jobId}, which a later release has written`);
  }

  /** Where nothing else goes wrong, no message is given up before the later release is back. */
  judgeDeadLetters(): void {
    if (this.#sim.rollout?.isAlone !== true) return;
    for (const { name, deadLetters } of Object.values(this.#cloud.queues)) {
      const lost = deadLetters.find((message) => this.isKept(message));
      must(lost === undefined, 'I25', () => `${name} gives up a message for later: ${lost?.body}`);
    }
  }
}
