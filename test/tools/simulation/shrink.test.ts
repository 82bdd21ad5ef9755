import { expect, it } from 'vitest';
import { simulatorWith } from '../../../tools/simulation/load.ts';
import { MUTANTS } from '../../../tools/simulation/mutants.ts';
import { shrink } from '../../../tools/simulation/shrink.ts';
import { type Run, simulate } from '../../../tools/simulation/simulate.ts';

const FAULTS_MAX = 3;
/** The first one that meets the bug and few other faults. */
const FIRST_SEED = 75;
const SEEDS_MAX = 400;

const idsOf = ({ faults }: Run) => faults.map(({ id }) => id);

it('shrinks a failure to the few faults that it takes', { timeout: 120_000 }, async () => {
  const mutant = MUTANTS.find(({ name }) => name === 'a delivery is claimed by two');
  expect.assert(mutant);
  const run = await simulatorWith(mutant);
  let failed: Run | null = null;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_MAX && failed === null; seed++) {
    const tried = await run(seed);
    if (tried.violation !== null && tried.faults.length > 2 * FAULTS_MAX) failed = tried;
  }
  expect.assert(failed);

  const few = await shrink(failed, run);

  const invariant = failed.violation?.split(':')[0];
  expect(few.violation?.split(':')[0]).toBe(invariant);
  expect(few.faults.length).toBeLessThanOrEqual(FAULTS_MAX);
  for (const id of idsOf(few)) {
    const others = idsOf(few).filter((other) => other !== id);
    const { violation } = await run(few.seed, { only: new Set(others) });
    expect(violation?.split(':')[0]).not.toBe(invariant);
  }
});

it('leaves the other faults as they were when one is left out', async () => {
  const all = await simulate(24);
  const [first, ...others] = idsOf(all);
  const few = await simulate(24, { only: new Set(others) });
  expect(idsOf(few)).not.toContain(first);
  expect(few.faults.slice(0, 3).map(({ id }) => id)).toEqual(others.slice(0, 3));
});

it('has no faults left when none may happen', async () => {
  expect((await simulate(24, { only: new Set() })).faults).toEqual([]);
});
