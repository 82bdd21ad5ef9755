import { kindOf } from '../../../functions/core/polling/lessons.ts';
import { teach } from '../../../test/cloud/contents.ts';
import { type Counts, countOf } from '../../../test/cloud/meter.ts';
import { Random } from '../../simulation/random.ts';
import { submitAtRate } from '../flows/arrivals.ts';
import { Ledger } from '../flows/ledger.ts';
import { System } from '../flows/system.ts';
import { HALF_A_MINUTE } from '../polling/distributions.ts';
import { heapInUse } from './heap.ts';
import { shareOf, sumOf, type Usage, useOf } from './usage.ts';

/** As they are when jobs of half a minute come all the time: 64 in four times what long ones take. */
const LESSONS_GAP_MILLIS = 4000;
const SEED = 3;
const MODEL = 'llama-3.1-8b-instruct';
/** All jobs are submitted within that time, and then all are in flight but for the shortest. */
const SUBMIT_SECONDS = 10;
const WARM_UP_JOBS = 2000;
/** Few jobs are run several times over, to be measured as well as many. */
const JOBS_AT_LEAST = 5000;

export interface Grown {
  jobs: number;
  /** When the last one has been submitted. */
  inFlight: number;
  /** A job. */
  calls: Record<string, number>;
  usage: Usage;
  /** A job in flight, in bytes: what AWS keeps of it, and what this process does. */
  kept: { row: number; indexEntries: number; message: number; heap: number };
}

/** Has so many jobs in flight at once, and follows them to their ends. */
export async function measureGrowth(jobs: number): Promise<Grown> {
  await runOnce(WARM_UP_JOBS);
  const runs = [];
  for (let run = 0; run * jobs < JOBS_AT_LEAST; run++) runs.push(await runOnce(jobs));
  const [first] = runs as [Awaited<ReturnType<typeof runOnce>>];
  const usage = sumOf(runs.map((run) => run.usage));
  return {
    ...first,
    jobs,
    usage: shareOf(usage, jobs * runs.length),
  };
}

async function runOnce(jobs: number) {
  const heapBefore = heapInUse();
  const random = new Random(SEED);
  const draw = () => HALF_A_MINUTE.draw(() => random.fraction());
  const ledger = new Ledger(jobs, () => 1000 * draw());
  const given = { seed: SEED, lagPerPoll: 1, modelOf: () => MODEL, isForgetful: true };
  const system = new System(ledger, given);
  teach(
    system.cloud,
    kindOf({ modelId: MODEL, totalTasks: 1 }),
    Array.from({ length: 64 }, draw),
    (slot) => system.time.now - slot * LESSONS_GAP_MILLIS,
  );
  const before = { ...system.cloud.meter.counts };
  submitAtRate(system, jobs / SUBMIT_SECONDS);
  const submitting = await useOf(system, system.time.now + (SUBMIT_SECONDS + 1) * 1000);
  const inFlight = jobs - ledger.deliveredCount;
  const kept = keptBy(system, inFlight, heapInUse() - heapBefore);
  const following = await useOf(system);
  if (ledger.deliveredCount !== jobs) throw new Error('Not all webhooks have arrived');
  const counts = system.cloud.meter.since(before);
  return { inFlight, calls: callsOf(counts, jobs), usage: sumOf([submitting, following]), kept };
}

function callsOf(counts: Counts, jobs: number): Record<string, number> {
  const sum = (...names: string[]) => names.reduce((total, name) => total + countOf(counts, name), 0) / jobs;
  return {
    upstream: sum('exchanges.create', 'exchanges.report'),
    webhooks: sum('exchanges.webhook'),
    dynamodbRequests: sum('dynamodb.requests'),
    writeUnits: sum('dynamodb.writes'),
    readUnits: sum('dynamodb.reads'),
    messages: sum('sqs.messages'),
    sqsRequests: sum('sqs.sends', 'sqs.receives', 'sqs.deletes'),
    invocations: sum('lambda.requests'),
  };
}

function keptBy({ cloud }: System, inFlight: number, heapBytes: number): Grown['kept'] {
  const { jobs } = cloud.tables;
  const waiting = Object.values(cloud.queues).flatMap((queue) => queue.waiting);
  return {
    row: jobs.bytesInUse / inFlight,
    indexEntries: jobs.indexBytesInUse / inFlight,
    message: waiting.reduce((sum, { body }) => sum + body.length, 0) / inFlight,
    heap: heapBytes / inFlight,
  };
}
