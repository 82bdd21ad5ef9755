import { defineConfig } from 'vitest/config';
import type { RunnerTestCase, TestModule, Vitest } from 'vitest/node';

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

/** The tests that hold the decisions. */
export default defineConfig({
  plugins: [wholeFiles],
  test: {
    include: ['test/core/**/*.test.ts', 'test/flows/**/*.test.ts', 'test/edge/webhooks.test.ts'],
    reporters: [new FaultsOfFiles()],
  },
});
