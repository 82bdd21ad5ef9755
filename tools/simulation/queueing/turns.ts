import type { Job, Millis, QueuedJob } from '../../../functions/core/job.ts';
import { must } from '../judge.ts';
import type { Simulation } from '../simulation.ts';

/** How long a job may be on its way from its turn to its row. */
const ON_ITS_WAY_MILLIS = 4000;

/** The order in which clients take turns. */
export class Turns {
  readonly #sim: Simulation;
  /** The latest of each client. */
  readonly #latest = new Map<string, number>();
  /** While anything went wrong, with which turns may be lost. */
  readonly #latestBeforeCalm = new Map<string, number>();
  /** The latest of those that were let through. */
  #virtualTime = 0;
  /** As the gate had it, from when on. */
  readonly #virtualTimes: { at: Millis; virtualTime: number }[] = [];

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  asked(turn: number): void {
    this.#virtualTime = Math.max(this.#virtualTime, turn);
  }

  letThrough(virtualTime: number): void {
    this.asked(virtualTime);
    this.#virtualTimes.push({ at: this.#sim.now, virtualTime });
  }

  /** A client's next turn is the next, or the one after those whose turn it is. */
  wrote(client: string, turn: number, isCalm: boolean): void {
    const last = this.#latest.get(client) ?? 0;
    const most = Math.max(this.#virtualTime, last) + 1;
    this.#latest.set(client, turn);
    if (!isCalm) this.#latestBeforeCalm.set(client, turn);
    const isNext = last < turn && turn <= most;
    must(isNext, 'I24', () => `${client} gets turn ${turn} after ${last}, at most ${most}`);
  }

  /** Whoever has not been there for a while has not saved up turns, nor comes behind the jobs of others. */
  judge({ jobId, client, queueing: { turn } }: QueuedJob, jobs: readonly Job[]): void {
    const before = this.#sim.now - ON_ITS_WAY_MILLIS;
    const { virtualTime = 0 } = this.#virtualTimes.findLast(({ at }) => at <= before) ?? {};
    must(turn > virtualTime, 'I24', () => `${jobId} gets turn ${turn}, and it is that of ${virtualTime}`);
    const own = jobs.filter((job) => job.client === client).length;
    const from = Math.max(this.#virtualTime, this.#latestBeforeCalm.get(`turn/${client}`) ?? 0);
    const isOwn = turn <= from + own + 1;
    must(isOwn, 'I24', () => `${jobId} gets turn ${turn}, behind the jobs of others`);
  }
}
