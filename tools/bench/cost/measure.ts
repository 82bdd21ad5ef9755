import { kindOf } from '../../../functions/core/polling/lessons.ts';
import { teach } from '../../../test/cloud/contents.ts';
import type { Counts } from '../../../test/cloud/meter.ts';
import type { VirtualTime } from '../../../test/cloud/time.ts';
import { Random } from '../../simulation/random.ts';
import { submitAtRate } from '../flows/arrivals.ts';
import { Ledger } from '../flows/ledger.ts';
import { metadataOf } from '../flows/prose.ts';
import type { Options } from '../flows/surroundings.ts';
import { System } from '../flows/system.ts';
import { HALF_A_MINUTE } from '../polling/distributions.ts';
import { METADATA_BYTES, READ_SHARE, RESULT_CHARACTERS } from './assumptions.ts';

/** As they are when jobs of half a minute come all the time: 64 in four times what long ones take. */
const LESSONS_GAP_MILLIS = 4000;
const SEED = 5;
const MODEL = 'llama-3.1-8b-instruct';
const DURATIONS_KNOWN = 64;
/** By default, more are of another part. */
export const CONVERSATIONS_PER_CREATE = 1000;
const APPS = {
  resultCharacters: RESULT_CHARACTERS,
  readShare: READ_SHARE,
  fieldsOf: (index: number) => ({ metadata: metadataOf(index, METADATA_BYTES) }),
};

export interface Load {
  jobsPerSecond: number;
  jobs: number;
  options?: Partial<Options>;
}

export interface Measured {
  counts: Counts;
  pollsPerJob: number;
  /** Mean seconds from a job's end at ModelStudio to its webhook. */
  lagSeconds: number;
  pollBatch: number;
  deliverBatch: number;
  /** The most environments that submit, poll and deliver had at work at once. */
  busiest: number;
  /** Of a processor, for the flows and what they stream through memory; at the most. */
  workMillis: number;
}

/** Runs the flows under a load, from the first submission to the last webhook, and counts what they ask AWS for. */
export async function measure({ jobsPerSecond, jobs, options }: Load): Promise<Measured> {
  const random = new Random(SEED);
  const draw = () => HALF_A_MINUTE.draw(() => random.fraction());
  const ledger = new Ledger(jobs, () => 1000 * draw());
  const given = { seed: SEED, lagPerPoll: 1, modelOf: () => MODEL, isForgetful: true, ...APPS };
  const system = new System(ledger, { ...given, ...options });
  teach(
    system.cloud,
    kindOf({ modelId: MODEL, totalTasks: Math.min(options?.conversations ?? 1, CONVERSATIONS_PER_CREATE) }),
    Array.from({ length: DURATIONS_KNOWN }, draw),
    (slot) => system.time.now - slot * LESSONS_GAP_MILLIS,
  );
  const before = { ...system.cloud.meter.counts };
  submitAtRate(system, jobsPerSecond);
  const cpu = process.threadCpuUsage();
  await system.time.govern(() => (options?.conversations ? runStreams(system.time) : system.time.run()));
  const { user } = process.threadCpuUsage(cpu);
  if (ledger.deliveredCount !== jobs)
    throw new Error(`${jobs - ledger.deliveredCount} webhooks did not arrive`);
  const counts = system.cloud.meter.since(before);
  const { submit, poll, deliver } = system.fleets;
  const per = (name: string) =>
    (counts[`lambda.messages.${name}`] ?? 0) / (counts[`lambda.requests.${name}`] ?? 1);
  return {
    counts,
    pollsPerJob: (counts['exchanges.report'] ?? 0) / jobs,
    lagSeconds:
      ledger.deliveredAt.reduce((sum, at, i) => sum + at - (ledger.finishedAt[i] ?? 0), 0) / jobs / 1000,
    pollBatch: per('poll'),
    deliverBatch: per('deliver'),
    busiest: submit.busiest + poll.busiest + deliver.busiest,
    workMillis: Math.max(0, user / 1000 - system.overhead.millis),
  };
}

/** What is streamed takes turns of the event loop between its moments. */
async function runStreams(time: VirtualTime): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve));
  while (await time.step());
}

/** What one sweep asks for when there is nothing to look after. */
export async function measureSweep(): Promise<Counts> {
  const system = new System(new Ledger(0, () => 0), {
    seed: SEED,
    lagPerPoll: 1,
    modelOf: () => MODEL,
  });
  const before = { ...system.cloud.meter.counts };
  system.time.after(0, () => void system.sweep());
  await system.time.govern(() => system.time.run());
  return system.cloud.meter.since(before);
}
