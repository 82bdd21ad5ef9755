import { Random } from '../../simulation/random.ts';
import { Ledger } from '../flows/ledger.ts';
import { steadyStats } from '../flows/steady.ts';
import type { Options } from '../flows/surroundings.ts';
import { System } from '../flows/system.ts';
import { HALF_A_MINUTE } from '../polling/distributions.ts';

const SEED = 6;
const JOBS = 1000;
/** So many are submitted at the same moment, and polled in one batch from then on. */
const NEIGHBOURS = 10;
const SLOW_JOB = JOBS / 2;

export interface Delay {
  what: string;
  /** Milliseconds that the slow job's own webhook is later for it. */
  own: number;
  /** The most that any other job's webhook is later for it. */
  others: number;
  /** Of the others, how many are later at all. */
  later: number;
}

const SLOW: { what: string; exchangeMillis: NonNullable<Options['exchangeMillis']> }[] = [
  {
    what: 'ModelStudio takes 10 s to answer each poll of one job',
    exchangeMillis: ({ url }) =>
      url.pathname.endsWith(`/gen_${String(SLOW_JOB).padStart(32, '0')}`) ? 10_000 : null,
  },
  {
    what: 'its receiver takes 14 s to answer the webhook of one job',
    exchangeMillis: ({ body = '' }) => (body.includes(`"ref":"job-${SLOW_JOB}"`) ? 14_000 : null),
  },
];

/** Whether a slow answer to one job holds up any other one, which shares a batch with it. */
export async function measureDelays(): Promise<Delay[]> {
  const usual = await deliveriesWith({});
  const delays: Delay[] = [];
  for (const { what, exchangeMillis } of SLOW) {
    const slow = await deliveriesWith({ exchangeMillis });
    const later = Array.from(slow, (at, i) => at - (usual[i] ?? 0));
    const others = later.filter((_, i) => i !== SLOW_JOB);
    delays.push({
      what,
      own: later[SLOW_JOB] ?? 0,
      others: Math.max(...others),
      later: others.filter((millis) => millis > 0).length,
    });
  }
  return delays;
}

/** When each job's webhook arrived. Nothing is learned, so that one job cannot change the schedule of another. */
async function deliveriesWith(options: Partial<Options>): Promise<Float64Array> {
  const durationStats = steadyStats(5);
  const random = new Random(SEED);
  const durations = Array.from({ length: JOBS }, () => 1000 * HALF_A_MINUTE.draw(() => random.fraction()));
  const ledger = new Ledger(JOBS, (index) => durations[index] as number);
  const system = new System(ledger, {
    seed: SEED,
    lagPerPoll: 1,
    modelOf: () => 'model',
    isSilent: true,
    durationStatsOf: () => durationStats,
    ...options,
  });
  for (let index = 0; index < JOBS; index++) {
    system.time.after(Math.floor(index / NEIGHBOURS) * 100, () => void system.submit(index));
  }
  await system.time.govern(() => system.time.run());
  return ledger.deliveredAt;
}
