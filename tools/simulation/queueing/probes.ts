import type { Job, Millis } from '../../../functions/core/job.ts';
import { must } from '../judge.ts';
import type { Asked } from './upstream.ts';

/** A round and its answers; then 1, 2, 4 and 8 s. */
const ROUND_MILLIS = 1500;
const PROBES_MILLIS = 10_000;
const PROBES_MAX = 5;

/** Once ModelStudio has refused a round, it is asked with one job at a time, and ever more seldom. */
export class Probes {
  /** Since ModelStudio last took a job. */
  #refusedAt: Millis[] = [];
  #last = '';

  /** @param isCalm nothing else has gone wrong */
  asked({ at, outcome }: Asked, job: Job | undefined, isCalm: boolean): void {
    const probe = `${job?.jobId} v${job?.version}`;
    // With another key, if the first is refused.
    const isRepeat = this.#last === probe;
    this.#last = probe;
    if (isRepeat) return;
    const isTaken = outcome === 'created' || outcome === 'at fault';
    this.#refusedAt = isTaken ? [] : [...this.#refusedAt, at];
    const afterRound = (this.#refusedAt[0] ?? 0) + ROUND_MILLIS;
    const probes = this.#refusedAt.filter((each) => each > Math.max(afterRound, at - PROBES_MILLIS)).length;
    must(probes <= PROBES_MAX || !isCalm, 'I21', () => `${probes} probes within ten seconds`);
  }
}
