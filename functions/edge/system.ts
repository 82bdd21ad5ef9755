import { randomBytes, randomInt } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';

export const clock: Clock = { now: () => Date.now() };

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

const FRACTION_STEPS = 2 ** 32;

export const random: Random = {
  bytes: () => randomBytes(16),
  fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
};
