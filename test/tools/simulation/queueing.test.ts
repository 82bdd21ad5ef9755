import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CROWD_MUTANTS } from '../../../tools/simulation/learning-mutants.ts';
import { queueSimulatorWith } from '../../../tools/simulation/load.ts';
import { QUEUE_MUTANTS } from '../../../tools/simulation/queueing/mutants.ts';
import { PLACE_MUTANTS } from '../../../tools/simulation/queueing/place-mutants.ts';
import { ROLLBACK_MUTANTS } from '../../../tools/simulation/queueing/rollback-mutants.ts';
import { simulateQueue } from '../../../tools/simulation/queueing/simulate.ts';

/** Seeds that have found something. */
const REGRESSION_SEEDS = [
  75, 82, 196, 211, 322, 1039, 1050, 8003, 51_315, 202_556, 1_700_022_475, 135_584_596_559_731,
];
/** Many take minutes: MANY_SEEDS=yes npx vitest run FILE */
const FRESH_SEEDS = process.env['MANY_SEEDS'] === 'yes' ? 1000 : 40;
const SEEDS_MAX = 500;

it(`what the queue promises holds on ${FRESH_SEEDS} seeds that nobody has run before`, {
  timeout: 600_000,
}, async () => {
  const first = randomInt(2 ** 47);
  const fresh = Array.from({ length: FRESH_SEEDS }, (_, i) => first + i);
  for (const seed of [...REGRESSION_SEEDS, ...fresh]) {
    const { violation } = await simulateQueue(seed);
    expect(violation, `seed ${seed}`).toBeNull();
  }
});

it.each([5, 82])('a seed of the queue gives the same run, byte for byte: %d', async (seed) => {
  const [first, second]: [string[], string[]] = [[], []];
  await simulateQueue(seed, { onStep: (step) => first.push(step) });
  await simulateQueue(seed, { onStep: (step) => second.push(step) });
  expect(first.length).toBeGreaterThan(10);
  expect(second).toEqual(first);
});

describe("the queue's simulation catches a planted bug:", () => {
  it.each([...QUEUE_MUTANTS, ...PLACE_MUTANTS, ...ROLLBACK_MUTANTS, ...CROWD_MUTANTS])(
    '$name',
    async (mutant) => {
      const simulate = await queueSimulatorWith(mutant);
      let { violation } = await simulate(mutant.seed ?? 0);
      for (let seed = 0; seed < SEEDS_MAX && violation === null; seed++)
        ({ violation } = await simulate(seed));
      expect(violation).not.toBeNull();
    },
  );
});
