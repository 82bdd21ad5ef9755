import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';

export const clock: Clock = { now: () => Date.now() };

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

/** Asking the system for many bytes takes as long as for a few. */
let pool = randomBytes(0);

function bytes(): Uint8Array {
  if (pool.length === 0) pool = randomBytes(4096);
  const taken = pool.subarray(0, 16);
  pool = pool.subarray(16);
  return taken;
}

export const random: Random = {
  bytes,
  fraction: () => Math.random(),
};
