import { Random } from '../../simulation/random.ts';
import { BURSTS, nameOfBurst } from './bursts.ts';
import { empirical, lognormal } from './distributions.ts';
import type { Load } from './play.ts';
import { Upstream } from './upstream.ts';

const SERVICE = lognormal('', 10, 0.5);
const BURST_EVERY_SECONDS = 3600;
/** What whoever knows such bursts knows of them is found by so many of them. */
const KNOWN_BURSTS = 2000;
const KNOWN_SEED = 19;

/** Hourly bursts of jobs that come within a second, of which ModelStudio works on so many at a time. */
export function queue(name: string, jobs: number, atOnce: number): (random: () => number) => Load {
  let learnt: ReturnType<typeof knowledgeOf> | null = null;
  return (random) => {
    learnt ??= knowledgeOf(name, jobs, atOnce);
    const { known, byPlace } = learnt;
    return {
      atOnce,
      jobs: BURSTS.flatMap((burst) => {
        const moments = Array.from({ length: jobs }, random).sort((a, b) => a - b);
        return moments.map((moment, place) => ({
          at: (burst - 1) * BURST_EVERY_SECONDS + moment,
          ...{ part: nameOfBurst(burst), known, reference: byPlace[place] ?? known },
          work: SERVICE.draw(random),
        }));
      }),
    };
  };
}

/** How long the jobs of a burst take, and how long those at each place in it. */
function knowledgeOf(name: string, jobs: number, atOnce: number) {
  const source = new Random(KNOWN_SEED);
  const random = () => source.fraction();
  const bursts = Array.from({ length: KNOWN_BURSTS }, () => {
    const upstream = new Upstream(atOnce);
    return Array.from({ length: jobs }, () => upstream.millisFor(SERVICE.draw(random) * 1000, 0) / 1000);
  });
  const byPlace = Array.from({ length: jobs }, (_, place) =>
    empirical(
      `place ${place}`,
      bursts.map((burst) => burst[place] as number),
    ),
  );
  return { known: empirical(name, bursts.flat()), byPlace };
}
