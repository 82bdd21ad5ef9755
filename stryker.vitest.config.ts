import { defineConfig } from 'vitest/config';

/** The quick tests, which are the ones that hold the decisions. */
export default defineConfig({
  test: { include: ['test/core/**/*.test.ts', 'test/flows/**/*.test.ts', 'test/edge/webhooks.test.ts'] },
});
