import { Random } from '../../simulation/random.ts';
import type { Durations } from './distributions.ts';
import { asPolled, type Judged, judge } from './judge.ts';
import { type Load, type LoadJob, play } from './play.ts';

export const BURSTS = [1, 2, 3, 4, 5];
export const FIRST_SINGLES = 'the first 16 singles';
export const LATER_SINGLES = 'the other singles';

const BURST_SECONDS = 10;
const HOUR = 3600;
const SINGLES = 208;
const FIRST = 16;
const SINGLE_EVERY_SECONDS = 180;

export interface BurstCase {
  distribution: Durations;
  /** Of a burst. */
  jobs: number;
  lagPerPoll: number;
  seed: number;
}

/** What each of the bursts, and the singles after them, have cost, by their names. */
export async function measureBursts(oneCase: BurstCase): Promise<Record<string, Judged>> {
  const { distribution, jobs, lagPerPoll, seed } = oneCase;
  const random = new Random(seed);
  const load = burstsThenSingles(distribution, jobs, () => random.fraction());
  const parts = Object.groupBy(await play(load, lagPerPoll, seed), ({ part }) => part);
  return Object.fromEntries(
    Object.entries(parts).map(([part, some = []]) => [part, judge(some, lagPerPoll, asPolled)]),
  );
}

export const nameOfBurst = (burst: number) => `burst ${burst}`;

/** Bursts of jobs an hour apart, then one job after the other. */
export function burstsThenSingles(known: Durations, jobs: number, random: () => number): Load {
  const job = (at: number, part: string): LoadJob => ({ at, work: known.draw(random), part, known });
  const bursts = BURSTS.flatMap((burst) =>
    Array.from({ length: jobs }, () =>
      job((burst - 1) * HOUR + BURST_SECONDS * random(), nameOfBurst(burst)),
    ),
  );
  const singles = Array.from({ length: SINGLES }, (_, i) =>
    job(
      BURSTS.length * HOUR + SINGLE_EVERY_SECONDS * (i + random()),
      i < FIRST ? FIRST_SINGLES : LATER_SINGLES,
    ),
  );
  return { jobs: [...bursts, ...singles] };
}
