import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Inherited by every process that a test starts: each would compile the same modules again.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url));

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // Most of them wait for a job more than they compute, so no core need be kept free for vitest itself.
    maxWorkers: '100%',
  },
});
