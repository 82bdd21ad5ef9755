import { expect, it } from 'vitest';
import { clock, random } from '../../functions/edge/system.ts';

it('chance gives sixteen bytes, and fractions from zero to one, all of them different', () => {
  const draws = Array.from({ length: 100 }, () => ({ bytes: random.bytes(), fraction: random.fraction() }));
  expect(draws.map(({ bytes }) => bytes.length)).toEqual(Array(100).fill(16));
  expect(new Set(draws.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(100);
  const fractions = draws.map(({ fraction }) => fraction);
  expect(new Set(fractions).size).toBeGreaterThan(90);
  expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...fractions)).toBeLessThan(1);
  // Of a hundred, none below a half would be as rare as nothing is.
  expect(Math.min(...fractions)).toBeLessThan(0.5);
  expect(Math.max(...fractions)).toBeGreaterThan(0.5);
});

it('the clock counts milliseconds since 1970', () => {
  const before = Date.now();
  const now = clock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});
