import { Random } from '../../simulation/random.ts';
import type { Durations } from './distributions.ts';
import { type Judged, judge } from './judge.ts';
import { type LoadJob, type PolledJob, play } from './play.ts';

export const BURSTS = [1, 2, 3, 4, 5];
export const FIRST_SINGLES = 'the first 16 singles';
export const LATER_SINGLES = 'the other singles';

const BURST_SECONDS = 10;
const HOUR = 3600;
const SINGLES = 64;
const FIRST = 16;
const SINGLE_EVERY_SECONDS = 180;

export interface BurstCase {
  distribution: Durations;
  /** Of a burst. */
  jobs: number;
  lagPerPoll: number;
  seed: number;
  /** The mean of so many is taken; one, unless given. */
  lives?: number;
}

/** What each of the bursts, and the singles after them, have cost, by their names. */
export async function measureBursts(oneCase: BurstCase): Promise<Record<string, Judged>> {
  return judge(await playBursts(oneCase), oneCase.lagPerPoll);
}

/** Bursts of jobs an hour apart, then one job after the other. */
export async function playBursts({
  distribution,
  jobs,
  lagPerPoll,
  seed,
  lives = 1,
}: BurstCase): Promise<PolledJob[]> {
  const polled: PolledJob[] = [];
  for (let life = 0; life < lives; life++) {
    const load = { jobs: jobsOf(distribution, jobs, new Random(seed * 1000 + life)) };
    polled.push(...(await play(load, lagPerPoll, seed + life)));
  }
  return polled;
}

function jobsOf(known: Durations, jobs: number, source: Random): LoadJob[] {
  const random = () => source.fraction();
  const job = (at: number, part: string): LoadJob => ({ at, work: known.draw(random), part, known });
  const bursts = BURSTS.flatMap((burst) =>
    Array.from({ length: jobs }, () => job((burst - 1) * HOUR + BURST_SECONDS * random(), `burst ${burst}`)),
  );
  const singles = Array.from({ length: SINGLES }, (_, i) =>
    job(
      BURSTS.length * HOUR + SINGLE_EVERY_SECONDS * (i + random()),
      i < FIRST ? FIRST_SINGLES : LATER_SINGLES,
    ),
  );
  return [...bursts, ...singles];
}
