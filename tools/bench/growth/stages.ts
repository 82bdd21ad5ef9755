import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import { Ledger } from '../flows/ledger.ts';
import { steadyStats } from '../flows/steady.ts';
import { System } from '../flows/system.ts';
import { shareOf, type Usage, useOf } from './usage.ts';

const SEED = 4;
/** All jobs do the same thing within the same half of each period. */
const PERIOD_SECONDS = 100;
const JOB_SECONDS = 2.5 * PERIOD_SECONDS;

export interface Arrivals {
  jobs: number;
  gapMillis: number;
}

export interface StageUse {
  stage: string;
  /** Messages of an invocation. */
  batch: number;
  /** A message. */
  usage: Usage;
  dynamodbCalls: number;
  sqsCalls: number;
}

/** What each stage takes, one stage at a time. */
export async function measureStages(arrivals: Arrivals): Promise<StageUse[]> {
  await followJobs(arrivals);
  return followJobs(arrivals);
}

async function followJobs({ jobs, gapMillis }: Arrivals): Promise<StageUse[]> {
  const durationStats = steadyStats(PERIOD_SECONDS);
  const system = new System(new Ledger(jobs, () => JOB_SECONDS * 1000), {
    seed: SEED,
    lagPerPoll: 1,
    modelOf: () => 'llama-3.1-8b-instruct',
    deliveryWaitSeconds: PERIOD_SECONDS,
    durationStatsOf: () => durationStats,
  });
  // The jitter of the deliveries would take the batches apart.
  Object.assign(system.random, { fraction: () => 0.5 });
  const start = system.time.now;
  for (let index = 0; index < jobs; index++) {
    system.time.after(index * gapMillis, () => void system.submit(index));
  }
  const stages: StageUse[] = [];
  for (const [period, stage] of [
    'submit',
    'poll, running',
    'poll again',
    'poll, finished',
    'deliver',
  ].entries()) {
    const before = { ...system.cloud.meter.counts };
    const usage = await useOf(system, start + (period + 0.75) * PERIOD_SECONDS * 1000);
    stages.push(perMessage(stage, jobs, usage, system.cloud.meter.since(before)));
  }
  // Those of environments that start are in the first ones.
  return stages
    .filter(({ stage }) => stage !== 'poll, running')
    .map((each) => ({
      ...each,
      stage: each.stage === 'poll again' ? 'poll, running' : each.stage,
    }));
}

function perMessage(stage: string, jobs: number, usage: Usage, counts: Counts): StageUse {
  return {
    stage,
    batch: jobs / countOf(counts, 'lambda.requests'),
    usage: shareOf(usage, jobs),
    dynamodbCalls: countOf(counts, 'dynamodb.requests') / jobs,
    sqsCalls: countOf(counts, 'sqs.sends') / jobs,
  };
}
