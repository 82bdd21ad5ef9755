import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../tools/simulation/simulate.ts';

/** Seeds that have found something, and the first thirty. */
const REGRESSION_SEEDS = [
  48003034982790,
  104385093871703,
  29125624353914,
  77207890547101,
  12113742720085,
  90,
  108,
  610,
  638,
  747,
  878,
  1084,
  1192,
  1226,
  2142,
  ...Array(30).keys(),
];
const FRESH_SEEDS = 200;
/** They take minutes: MANY_SEEDS=yes npx vitest run FILE */
const MANY_SEEDS = 5000;
const freshSeeds = process.env['MANY_SEEDS'] === 'yes' ? MANY_SEEDS : FRESH_SEEDS;

async function violations(seeds: Iterable<number>): Promise<string[]> {
  const found: string[] = [];
  for (const seed of seeds) {
    const { violation } = await simulate(seed);
    if (violation !== null) found.push(`seed ${seed}: ${violation}`);
  }
  return found;
}

describe('every invariant of the simulation holds', () => {
  it('on the seeds that once found a fault', async () => {
    expect(await violations(REGRESSION_SEEDS)).toEqual([]);
  });

  it(`on ${freshSeeds} seeds that nobody has run before`, { timeout: 1_800_000 }, async () => {
    const first = randomInt(2 ** 47);
    expect(await violations(Array.from({ length: freshSeeds }, (_, i) => first + i))).toEqual([]);
  });
});

describe('a seed', () => {
  it.each([3, 16, 90])('gives the same run, byte for byte: %d', async (seed) => {
    const [first, second]: [string[], string[]] = [[], []];
    await simulate(seed, { onStep: (step) => first.push(step) });
    await simulate(seed, { onStep: (step) => second.push(step) });
    expect(first.length).toBeGreaterThan(10);
    expect(second).toEqual(first);
  });

  it('is the same run whoever watches it', async () => {
    const [alone, watched]: [string[], string[]] = [[], []];
    await simulate(3, { onStep: (step) => alone.push(step) });
    const nothing = () => undefined;
    await simulate(3, { onStep: (step) => watched.push(step), onOccasion: nothing, onMark: nothing });
    expect(watched).toEqual(alone);
  });
});
