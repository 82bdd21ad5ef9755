import { expect, it } from 'vitest';
import {
  afterRefusal,
  lagPerPollUnder,
  type Pressure,
  spacingAt,
} from '../../functions/core/polling/backpressure.ts';

const NOW = Date.UTC(2026, 0, 1);

it.each<[what: string, pressure: Pressure | null, seconds: number, spacing: number]>([
  ['none at first', null, 0, 1],
  ['all of it at once', { spacing: 3, at: NOW }, 0, 3],
  ['half of it after a minute', { spacing: 3, at: NOW }, 60, 2],
  ['next to nothing after ten', { spacing: 8, at: NOW }, 600, 1.007],
  ['no more than there was, should the clock go back', { spacing: 3, at: NOW }, -60, 3],
])('spacing: %s', (_what, pressure, seconds, spacing) => {
  expect(spacingAt(pressure, NOW + seconds * 1000)).toBeCloseTo(spacing, 2);
});

it('grows with each refusal, up to eight times', () => {
  let pressure: Pressure | null = null;
  const grown = Array.from({ length: 8 }, () => {
    pressure = afterRefusal(pressure, NOW);
    return pressure.spacing;
  });
  expect(grown.slice(0, 3)).toEqual([1.5, 2.25, 3.375]);
  expect(grown.at(-1)).toBe(8);
});

it('stretches gaps as much as it says', () => {
  expect(Math.sqrt(lagPerPollUnder(2, 3) / 2)).toBe(3);
});
