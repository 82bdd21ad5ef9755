import { describe, expect, it } from 'vitest';
import { simulatorWith } from '../../../tools/simulation/load.ts';
import { PLANTS } from '../../../tools/simulation/mutants.ts';

const SEEDS_MAX = 400;

describe('the simulator catches a planted bug', () => {
  it.each(PLANTS)('$name', { timeout: 120_000 }, async (plant) => {
    const simulate = await simulatorWith(plant);
    let caught: string | null = null;
    for (let seed = 0; seed < SEEDS_MAX && caught === null; seed++) caught = (await simulate(seed)).violation;
    expect(caught).not.toBeNull();
  });
});
