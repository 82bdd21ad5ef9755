import type { Millis } from '../../../functions/core/job.ts';
import type { DurationStats } from '../../../functions/ports.ts';
import { Ledger } from '../flows/ledger.ts';
import { System } from '../flows/system.ts';
import type { Durations } from './distributions.ts';
import { Upstream } from './upstream.ts';

/** A job that a client submits. */
export interface LoadJob {
  /** Seconds after the start. */
  at: number;
  /** How long ModelStudio works on it, in seconds. */
  work: number;
  /** What of the load it belongs to, which is looked at by itself. */
  part: string;
  /** What whoever knows the load knows of how long it takes. */
  known: Known;
  /** What somebody knows of it who knows more of the load, or less. */
  reference?: Known;
  /** Of the request, beside what any request has. */
  fields?: object;
}

export type Known = Pick<Durations, 'name' | 'cdf'>;

export interface Load {
  jobs: readonly LoadJob[];
  /** How many of them ModelStudio works on at once, the others waiting for their turn; all, unless given. */
  atOnce?: number;
}

/** What became of a job. */
export interface PolledJob extends Pick<LoadJob, 'part' | 'known' | 'reference'> {
  /** Seconds from the start to its creation at ModelStudio. */
  created: number;
  /** Seconds from its creation to its end, and to each of the polls. */
  seconds: number;
  polls: readonly number[];
}

const MODEL = 'model-1';

/** Has the deployed code submit and poll a load on a virtual clock, with all jobs of one model of which nothing is known at first. */
export async function play(
  { jobs, atOnce = Number.POSITIVE_INFINITY }: Load,
  lagPerPoll: number,
  seed: number,
  durationStatsOf?: (poll: number) => DurationStats,
): Promise<PolledJob[]> {
  const upstream = new Upstream(atOnce);
  const ledger = new PollLedger(jobs.length, (index, now) =>
    upstream.millisFor(1000 * (jobs[index]?.work ?? 0), now),
  );
  const system = new System(ledger, {
    seed,
    lagPerPoll,
    modelOf: () => MODEL,
    // Without a webhook, which would say nothing about polling and take as long.
    fieldsOf: (index) => ({ webhook_url: null, ...jobs[index]?.fields }),
    isSilent: true,
    ...(durationStatsOf && { durationStatsOf }),
  });
  const start = system.time.now;
  for (const [index, { at }] of jobs.entries()) system.time.after(1000 * at, () => void system.submit(index));
  await system.time.govern(() => system.time.run());
  return jobs.map(({ part, known, reference }, index) => {
    const created = ledger.createdAt[index] as number;
    const since = (at: Millis) => (at - created) / 1000;
    return {
      ...{ part, known, ...(reference && { reference }), created: (created - start) / 1000 },
      seconds: since(ledger.finishedAt[index] as number),
      polls: (ledger.polledAt[index] ?? []).map(since),
    };
  });
}

class PollLedger extends Ledger {
  readonly createdAt: Millis[] = [];
  readonly polledAt: Millis[][] = [];

  override created(index: number, now: Millis): void {
    this.createdAt[index] = now;
    this.polledAt[index] = [];
    super.created(index, now);
  }

  override reported(index: number, now: Millis): boolean {
    this.polledAt[index]?.push(now);
    return super.reported(index, now);
  }
}
