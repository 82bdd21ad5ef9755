import { describe, expect, it } from 'vitest';
import { DELETING_MUTANTS } from '../../../tools/simulation/deleting-mutants.ts';
import { DESTINATION_MUTANTS } from '../../../tools/simulation/destination-mutants.ts';
import { KEEPING_MUTANTS } from '../../../tools/simulation/keeping-mutants.ts';
import { LANE_MUTANTS } from '../../../tools/simulation/lane-mutants.ts';
import { LEARNING_MUTANTS } from '../../../tools/simulation/learning-mutants.ts';
import { simulatorWith } from '../../../tools/simulation/load.ts';
import { MUTANTS } from '../../../tools/simulation/mutants.ts';
import { QUIET_MUTANTS } from '../../../tools/simulation/quiet-mutants.ts';
import { TRACE_MUTANTS } from '../../../tools/simulation/trace-mutants.ts';

const SEEDS_MAX = 500;
const ALL = [
  ...DELETING_MUTANTS,
  ...MUTANTS,
  ...QUIET_MUTANTS,
  ...KEEPING_MUTANTS,
  ...TRACE_MUTANTS,
  ...DESTINATION_MUTANTS,
  ...LANE_MUTANTS,
  ...LEARNING_MUTANTS,
];

describe('the simulation catches a planted bug:', () => {
  it.each(ALL)('$name', { timeout: 120_000 }, async (mutant) => {
    const simulate = await simulatorWith(mutant);
    let { violation } = await simulate(mutant.seed ?? 0);
    for (let seed = 0; seed < SEEDS_MAX && violation === null; seed++) ({ violation } = await simulate(seed));
    expect(violation).not.toBeNull();
  });
});
