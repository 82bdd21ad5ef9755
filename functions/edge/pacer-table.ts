import type { Clock, Pacer } from '../ports.ts';
import type { Rows } from './rows.ts';

/** Longer than anything is put off. */
const KEPT_SECONDS = 9 * 86_400;

/** A row in the jobs' table for each name: the last moment that was given out, counted in gaps. */
export function createPacer(rows: Rows, clock: Clock): Pacer {
  return {
    async next(name, gapMillis) {
      const now = clock.now();
      const ttl = Math.ceil(now / 1000) + KEPT_SECONDS;
      return gapMillis * (await rows.nextNumber(`pace/${name}`, Math.floor(now / gapMillis), ttl));
    },
  };
}
