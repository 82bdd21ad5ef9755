import { defineConfig } from 'vitest/config';
import {
  BaseSequencer,
  type RunnerTestCase,
  type TestModule,
  type TestSpecification,
  type Vitest,
} from 'vitest/node';

/**
 * Stryker picks tests by names that it joins with a space, vitest joins them with " > ". So its pattern fits no test
 * inside a `describe`, none runs, and every mutant "survives". Without the pattern, it is whole files that it picks.
 */
const wholeFiles = {
  name: 'whole-files',
  configureVitest: ({ project }: { project: { config: object } }) => {
    Object.defineProperty(project.config, 'testNamePattern', { get: () => undefined, set: () => undefined });
  },
};

/**
 * Stryker looks at tests alone. A file that cannot even be loaded with a mutant has none, so that the mutant would
 * "survive": its fault is put down as a test that failed. A run without any test is an error.
 */
class FaultsOfFiles {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest) {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]) {
    const state = this.#vitest?.state;
    if (!modules.some(hasRun)) state?.catchError(new Error('No test was run'), 'Unhandled Error');
    for (const file of state?.getFiles() ?? []) {
      const { result } = file;
      if (!result?.errors?.length) continue;
      file.tasks.push({ type: 'test', name: 'can be loaded', mode: 'run', file, result } as RunnerTestCase);
    }
  }
}

function hasRun(module: TestModule): boolean {
  const tests = [...module.children.allTests()];
  return module.errors().length > 0 || tests.some((test) => test.result().state !== 'skipped');
}

/** The first test that fails ends a mutant's run: so the core's own tests come first, and of them the quickest. */
class QuickestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const quickest = (await super.sort(files)).toReversed();
    return quickest.toSorted((a, b) => Number(isOfCore(b)) - Number(isOfCore(a)));
  }
}

function isOfCore({ moduleId }: TestSpecification): boolean {
  return moduleId.includes('/test/core/');
}

/** The tests that hold the decisions, and what the flows make of them. */
export default defineConfig({
  plugins: [wholeFiles],
  test: {
    // With all mutants in it, the code takes several times as long.
    testTimeout: 60_000,
    sequence: { sequencer: QuickestFirst },
    include: ['test/core/**/*.test.ts', 'test/flows/**/*.test.ts', 'test/edge/webhooks.test.ts'],
    reporters: [new FaultsOfFiles()],
  },
});
