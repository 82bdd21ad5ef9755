import { describe, it } from 'vitest';
import { CLAIMS } from './claims.ts';

describe('the simulated cloud is no kinder than AWS', () => {
  it.each(Object.entries(CLAIMS))('%s', (_claim, holds) => holds());
});
