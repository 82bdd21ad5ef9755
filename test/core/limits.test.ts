import { expect, it } from 'vitest';
import { againSeconds } from '../../functions/core/limits.ts';

it.each<[receives: number, seconds: number | null]>([
  [1, 5],
  [2, 10],
  [3, 20],
  [4, 40],
  [5, 80],
  [6, 160],
  [7, null],
  [14, null],
])('a message that has failed %i times comes back after %s seconds', (receives, seconds) => {
  expect(againSeconds(receives)).toBe(seconds);
});
