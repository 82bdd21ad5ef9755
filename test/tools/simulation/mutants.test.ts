import { describe, expect, it } from 'vitest';
import { simulatorWith } from '../../../tools/simulation/load.ts';
import { MUTANTS } from '../../../tools/simulation/mutants.ts';

const SEEDS_MAX = 400;

describe('the simulation catches a planted bug:', () => {
  it.each(MUTANTS)('$name', { timeout: 120_000 }, async (mutant) => {
    const simulate = await simulatorWith(mutant);
    let caught: string | null = null;
    for (let seed = 0; seed < SEEDS_MAX && caught === null; seed++) caught = (await simulate(seed)).violation;
    expect(caught).not.toBeNull();
  });
});
