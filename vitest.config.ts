import { defineConfig } from 'vitest/config';

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
