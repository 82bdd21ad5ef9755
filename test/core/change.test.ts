import { describe, expect, it } from 'vitest';
import { weightsSinceChange } from '../../functions/core/polling/change.ts';

/** Logarithms of so many durations around a median, the same each time. */
const around = (median: number, count: number, deviation = 0.3) =>
  Array.from({ length: count }, (_, i) => Math.log(median) + deviation * Math.sin(i * i) * Math.SQRT2);

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

describe('the weights of past durations', () => {
  it.each([0, 1, 2, 5])('are whole for %i of them, which say nothing of a change', (count) => {
    expect(weightsSinceChange(around(30, count))).toEqual(Array(count).fill(1));
  });

  it.each([0.01, 0.3, 1])('are nearly whole while nothing changes, at a deviation of %d', (deviation) => {
    expect(sum(weightsSinceChange(around(30, 64, deviation)))).toBeGreaterThan(62);
  });

  it.each([
    [4, 60],
    [20, 44],
    [60, 4],
  ])('are those of the latest %i alone, after a change', (since, before) => {
    const weights = weightsSinceChange([...around(100, since), ...around(10, before)]);
    expect(sum(weights.slice(0, since))).toBeGreaterThan(since - 0.5);
    expect(sum(weights.slice(since + 2))).toBeLessThan(0.5);
  });

  it('are nearly whole for two clusters that come in any order', () => {
    const mixed = around(5, 64).map((log, i) => (i % 3 === 0 ? log + Math.log(24) : log));
    expect(sum(weightsSinceChange(mixed))).toBeGreaterThan(60);
  });

  it('stay between 0 and 1, and never rise toward the past', () => {
    const weights = weightsSinceChange([...around(1e6, 20, 0), ...around(1e-3, 44, 0)]);
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...weights)).toBeLessThanOrEqual(1);
  });
});
