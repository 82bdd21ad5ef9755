import { expect, it } from 'vitest';
import { narrate } from '../../../tools/local/narrate.ts';

it.each(['no_key', 'unknown_key', 'revoked_key'])(
  'a request that is refused is printed as refused: %s',
  (outcome) => {
    const line = narrate({ level: 'DEBUG', message: 'authorize', outcome });
    expect(line).toBe(`authorize 401, ${outcome.replace('_', ' ')}`);
  },
);
