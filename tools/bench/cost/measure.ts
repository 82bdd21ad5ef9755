import { Random } from '../../simulation/random.ts';
import { submitAtRate } from '../flows/arrivals.ts';
import { Cloud } from '../flows/cloud.ts';
import { Ledger } from '../flows/ledger.ts';
import type { CloudOptions } from '../flows/services.ts';
import { lognormal } from '../polling/distributions.ts';
import type { Counts } from './bill.ts';

const SEED = 5;
const MODEL = 'llama-3.1-8b-instruct';
/** Jobs take half a minute in the median. */
const DURATIONS = lognormal('lognormal 30 s / 0.5', 30, 0.5);
const DURATIONS_KNOWN = 64;

export interface Load {
  jobsPerSecond: number;
  jobs: number;
  options?: Partial<CloudOptions>;
}

export interface Measured {
  counts: Counts;
  pollsPerJob: number;
  /** Mean seconds from a job's end at ModelStudio to its webhook. */
  lagSeconds: number;
  pollBatch: number;
  deliverBatch: number;
  busiest: Record<string, number>;
}

/** Runs the flows under a load, from the first submission to the last webhook, and counts what they ask AWS for. */
export async function measure({ jobsPerSecond, jobs, options }: Load): Promise<Measured> {
  const random = new Random(SEED);
  const draw = () => DURATIONS.draw(() => random.fraction());
  const ledger = new Ledger(jobs, () => 1000 * draw());
  const given = { seed: SEED, lagPerPoll: 1, resultBytes: 1000, modelOf: () => MODEL, isForgetful: true };
  const cloud = new Cloud(ledger, { ...given, ...options });
  cloud.teach(`0/${MODEL}`, Array.from({ length: DURATIONS_KNOWN }, draw));
  const before = { ...cloud.meter.counts };
  submitAtRate(cloud, jobsPerSecond);
  await cloud.time.govern(() => cloud.time.run());
  if (ledger.deliveredCount !== jobs)
    throw new Error(`${jobs - ledger.deliveredCount} webhooks did not arrive`);
  const counts = cloud.meter.since(before);
  const per = (name: string) =>
    (counts[`lambda.messages.${name}`] ?? 0) / (counts[`lambda.requests.${name}`] ?? 1);
  return {
    counts,
    pollsPerJob: (counts['exchanges.report'] ?? 0) / jobs,
    lagSeconds:
      ledger.deliveredAt.reduce((sum, at, i) => sum + at - (ledger.finishedAt[i] ?? 0), 0) / jobs / 1000,
    pollBatch: per('poll'),
    deliverBatch: per('deliver'),
    busiest: cloud.busiest,
  };
}

/** What one sweep asks for when there is nothing to look after. */
export async function measureSweep(): Promise<Counts> {
  const cloud = new Cloud(new Ledger(0, () => 0), {
    seed: SEED,
    lagPerPoll: 1,
    resultBytes: 0,
    modelOf: () => MODEL,
  });
  const before = { ...cloud.meter.counts };
  cloud.time.after(0, () => void cloud.sweep());
  await cloud.time.govern(() => cloud.time.run());
  return cloud.meter.since(before);
}
