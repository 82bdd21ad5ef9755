import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { partsSimulatorWith } from '../../../tools/simulation/load.ts';
import { PARTS_MUTANTS } from '../../../tools/simulation/parts/mutants.ts';
import { simulateParts } from '../../../tools/simulation/parts/simulate.ts';

/** Seeds that have found something. */
const REGRESSION_SEEDS = [6, 39, 58, 237, 1455, 21_461, 750_037_905, 900_038_685, 3_600_024_705];
/** Many take minutes: MANY_SEEDS=yes npx vitest run FILE */
const FRESH_SEEDS = process.env['MANY_SEEDS'] === 'yes' ? 1000 : 40;
const SEEDS_MAX = 500;

it(`what large jobs promise holds on ${FRESH_SEEDS} seeds that nobody has run before`, {
  timeout: 600_000,
}, async () => {
  const first = randomInt(2 ** 47);
  const fresh = Array.from({ length: FRESH_SEEDS }, (_, i) => first + i);
  for (const seed of [...REGRESSION_SEEDS, ...fresh]) {
    const { violation } = await simulateParts(seed);
    expect(violation, `seed ${seed}`).toBeNull();
  }
});

it('a seed of large jobs gives the same run, byte for byte', async () => {
  const [first, second]: [string[], string[]] = [[], []];
  await simulateParts(39, { onStep: (step) => first.push(step) });
  await simulateParts(39, { onStep: (step) => second.push(step) });
  expect(first.length).toBeGreaterThan(10);
  expect(second).toEqual(first);
});

describe('the simulation of large jobs catches a planted bug:', () => {
  it.each(PARTS_MUTANTS)('$name', async (mutant) => {
    const simulate = await partsSimulatorWith(mutant);
    let { violation } = await simulate(mutant.seed ?? 0);
    for (let seed = 0; seed < SEEDS_MAX && violation === null; seed++) ({ violation } = await simulate(seed));
    expect(violation).not.toBeNull();
  });
});
