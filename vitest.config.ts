import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Inherited by every process that a test starts: each would compile the same modules again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url));

const TESTS = ['test/**/*.test.ts'];
/** They leave nothing behind in their process, so that they may share one, which imports CDK once. */
const SHARED = ['test/{core,flows,stack}/**/*.test.ts', 'test/house.test.ts'];
/** The folders of whole systems and simulations, whose tests take up to a minute each. */
const LONG = /\/test\/\w+\/(blackbox|commands|console|deploy|examples|simulation)\//;

/** Files whose duration vitest does not know yet, as in a fresh clone, start by their size: a long one might be left for last, beside an idle core. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

function isLong({ moduleId }: TestSpecification): boolean {
  return LONG.test(moduleId);
}

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // Most of them wait for a job more than they compute: one for each core would leave the cores idle for a third of the time.
    maxWorkers: 2 * availableParallelism(),
    sequence: { sequencer: LongFirst },
    // In the order of their names, so that the short ones come last and all cores end together.
    projects: [
      { extends: true, test: { name: 'isolated', include: TESTS, exclude: SHARED } },
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
    ],
  },
});
