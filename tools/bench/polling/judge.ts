import { type Cost, costFor, gridOf, optimalWaits, type WaitAt } from './optimum.ts';
import type { Known, PolledJob } from './play.ts';

export interface Judged extends Cost {
  /** J as a multiple of J*. */
  ratio: number;
}

/** Polls and lag of a job. */
export type CostOfJob = (job: PolledJob, lagPerPoll: number) => Cost;

/** As it was polled. */
export const asPolled: CostOfJob = ({ seconds, polls }, lagPerPoll) => {
  const lag = (polls.at(-1) ?? Number.POSITIVE_INFINITY) - seconds;
  return { polls: polls.length, lag, total: lag + lagPerPoll * polls.length };
};

/** As by the best schedule for what is known of each job in advance, every look coming to the second. */
export const atBest: CostOfJob = ({ known, seconds }, lagPerPoll) => bestFor(known, seconds, lagPerPoll);

/** The same for what somebody else knows. */
export const atBestOfReference: CostOfJob = ({ known, reference = known, seconds }, lagPerPoll) =>
  bestFor(reference, seconds, lagPerPoll);

/** J is the mean of the jobs. J* is what these very jobs would have cost at best: the luck of the draw is in both. */
export function judge(jobs: readonly PolledJob[], lagPerPoll: number, costOfJob: CostOfJob): Judged {
  const cost = meanOf(jobs.map((job) => costOfJob(job, lagPerPoll)));
  const best = meanOf(jobs.map((job) => atBest(job, lagPerPoll)));
  return { ...cost, ratio: cost.total / best.total };
}

const waitsFor = new Map<Known, Map<number, WaitAt>>();

function bestFor(known: Known, seconds: number, lagPerPoll: number): Cost {
  const byLag = waitsFor.get(known) ?? new Map<number, WaitAt>();
  waitsFor.set(known, byLag);
  const waits = byLag.get(lagPerPoll) ?? optimalWaits(gridOf(known), lagPerPoll);
  byLag.set(lagPerPoll, waits);
  return costFor(seconds, lagPerPoll, waits);
}

export function meanOf(costs: readonly Cost[]): Cost {
  const mean = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    polls: mean(({ polls }) => polls),
    lag: mean(({ lag }) => lag),
    total: mean(({ total }) => total),
  };
}
