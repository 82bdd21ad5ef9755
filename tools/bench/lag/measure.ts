import { Random } from '../../simulation/random.ts';
import { submitAtRate } from '../flows/arrivals.ts';
import { Ledger } from '../flows/ledger.ts';
import { System } from '../flows/system.ts';
import { DISTRIBUTIONS, type Durations } from '../polling/distributions.ts';
import { doubling } from './doubling.ts';

const SEED = 11;
const JOBS_PER_SECOND = 10;

export interface Scenario {
  schedule: 'learnt' | 'doubling';
  /** λ; of no effect on the doubling one. */
  lagPerPoll: number;
  /** So many jobs that come first are not measured. */
  seen: number;
  jobs: number;
  /** The share of invocations that meet a fault. */
  faults: number;
  /** How long a poll that failed stays hidden; as deployed, unless given. */
  pollVisibilityMillis?: number;
}

export interface Lags {
  mean: number;
  median: number;
  p90: number;
  p99: number;
}

export interface Lagged {
  pollsPerJob: number;
  /** Seconds from a job's end at ModelStudio to the answer that says so. */
  detection: Lags;
  /** Seconds from a job's end at ModelStudio to its webhook. */
  webhook: Lags;
  /** Mean seconds from a job's creation to its webhook. */
  createdToWebhook: number;
  /** Mean seconds of detection, by model. */
  byModel: Record<string, number>;
  /** Submissions that a fault kept from being answered with 202. */
  refused: number;
  /** Accepted jobs whose webhook never came. */
  lost: number;
}

/** Eight kinds of jobs in turn, each a model of its own of which nothing is known before. */
export async function measureLag(scenario: Scenario): Promise<Lagged> {
  const { schedule, lagPerPoll, seen, jobs, faults, pollVisibilityMillis } = scenario;
  const random = new Random(SEED);
  const ledger = new Ledger(seen + jobs, (index) => 1000 * durationsOf(index).draw(() => random.fraction()));
  const system = new System(ledger, {
    seed: SEED,
    lagPerPoll,
    faults,
    modelOf: (index) => `model-${index % DISTRIBUTIONS.length}`,
    isForgetful: true,
    isSilent: true,
    ...(schedule === 'doubling' && { durationStatsOf: doubling }),
    ...(pollVisibilityMillis !== undefined && { pollVisibilityMillis }),
  });
  submitAtRate(system, JOBS_PER_SECOND);
  system.sweepEachMinute();
  await system.time.govern(() => system.time.run());
  return summarize(ledger, seen);
}

function durationsOf(index: number): Durations {
  return DISTRIBUTIONS[index % DISTRIBUTIONS.length] as Durations;
}

function summarize(ledger: Ledger, seen: number): Lagged {
  const { finishedAt, acceptedAt, detectedAt, deliveredAt, polls } = ledger;
  const accepted = Array.from(polls.keys()).filter((i) => i >= seen && acceptedAt[i] !== 0);
  // A submission whose outcome is unknown ends without being looked at; its caller knows.
  const done = accepted.filter((i) => deliveredAt[i] !== 0 && detectedAt[i] !== 0);
  const between = (from: Float64Array, to: Float64Array, jobs = done) =>
    jobs.map((i) => ((to[i] as number) - (from[i] as number)) / 1000);
  const byModel = DISTRIBUTIONS.map(({ name }, model) => {
    const own = done.filter((i) => i % DISTRIBUTIONS.length === model);
    return [name, meanOf(between(finishedAt, detectedAt, own))];
  });
  return {
    pollsPerJob: meanOf(accepted.map((i) => polls[i] as number)),
    detection: lagsOf(between(finishedAt, detectedAt)),
    webhook: lagsOf(between(finishedAt, deliveredAt)),
    createdToWebhook: meanOf(between(acceptedAt, deliveredAt)),
    byModel: Object.fromEntries(byModel),
    refused: polls.length - seen - accepted.length,
    lost: accepted.length - done.length,
  };
}

function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lagsOf(values: number[]): Lags {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0;
  return { mean: meanOf(values), median: at(0.5), p90: at(0.9), p99: at(0.99) };
}
