import { expect, it } from 'vitest';
import { afterThrottle, type Backpressure, slowdownAt } from '../../functions/core/polling/backpressure.ts';

const NOW = Date.UTC(2026, 0, 1);

it.each<[what: string, backpressure: Backpressure | null, seconds: number, slowdown: number]>([
  ['none at first', null, 0, 1],
  ['all of it at once', { slowdown: 3, at: NOW }, 0, 3],
  ['half of it after a minute', { slowdown: 3, at: NOW }, 60, 2],
  ['next to nothing after ten', { slowdown: 8, at: NOW }, 600, 1.007],
  ['no more than there was, should the clock go back', { slowdown: 3, at: NOW }, -60, 3],
])('polls are slowed down by what a 429 left behind: %s', (_what, backpressure, seconds, slowdown) => {
  expect(slowdownAt(backpressure, NOW + seconds * 1000)).toBeCloseTo(slowdown, 2);
});

it('the slowdown grows with each 429, up to eight times', () => {
  let backpressure: Backpressure | null = null;
  const grown = Array.from({ length: 8 }, () => {
    backpressure = afterThrottle(backpressure, NOW);
    return backpressure.slowdown;
  });
  expect(grown.slice(0, 3)).toEqual([1.5, 2.25, 3.375]);
  expect(grown.at(-1)).toBe(8);
});
