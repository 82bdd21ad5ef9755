import { type Cost, costFor, gridOf, optimalWaits, type WaitAt } from './optimum.ts';
import type { Known, PolledJob } from './play.ts';

export interface Judged extends Cost {
  /** J as a multiple of J*. */
  ratio: number;
}

type DrawnJob = Pick<PolledJob, 'part' | 'known' | 'seconds'>;

/** What the jobs' polls have cost, by the parts of their load. */
export function judge(jobs: readonly PolledJob[], lagPerPoll: number): Record<string, Judged> {
  return judgeBy(jobs, lagPerPoll, ({ seconds, polls }) => {
    const lag = Math.max(...polls) - seconds;
    return { polls: polls.length, lag, total: lag + lagPerPoll * polls.length };
  });
}

/**
 * J is the mean of the jobs. J* is what these very jobs would have cost under the best schedule for what is known of each
 * in advance, each look coming to the second: the luck of the draw is in both.
 */
export function judgeBy<J extends DrawnJob>(
  jobs: readonly J[],
  lagPerPoll: number,
  costOfJob: (job: J) => Cost,
): Record<string, Judged> {
  const parts = Object.groupBy(jobs, ({ part }) => part);
  return Object.fromEntries(
    Object.entries(parts).map(([part, some = []]) => {
      const cost = meanOf(some.map(costOfJob));
      const best = meanOf(
        some.map(({ known, seconds }) => costFor(seconds, lagPerPoll, bestFor(known, lagPerPoll))),
      );
      return [part, { ...cost, ratio: cost.total / best.total }];
    }),
  );
}

const best = new Map<Known, Map<number, WaitAt>>();

function bestFor(known: Known, lagPerPoll: number): WaitAt {
  const byLag = best.get(known) ?? new Map<number, WaitAt>();
  best.set(known, byLag);
  const waits = byLag.get(lagPerPoll) ?? optimalWaits(gridOf(known), lagPerPoll);
  byLag.set(lagPerPoll, waits);
  return waits;
}

export function meanOf(costs: readonly Cost[]): Cost {
  const mean = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    polls: mean(({ polls }) => polls),
    lag: mean(({ lag }) => lag),
    total: mean(({ total }) => total),
  };
}
