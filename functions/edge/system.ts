import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';

export const clock: Clock = { now: () => Date.now() };

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

export const random: Random = {
  bytes: () => randomBytes(16),
  fraction: () => Math.random(),
};
