import { describe, expect, it } from 'vitest';
import { isEarly, sqsDelaySeconds } from '../../functions/core/sqs-delay.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('sqsDelaySeconds', () => {
  it.each([
    ['now', 0, 0],
    ['overdue', -5000, 0],
    ['in a millisecond', 1, 1],
    ['in a second', 1000, 1],
    ['in a second and a bit', 1001, 2],
    ['in 15 minutes', 900_000, 900],
    ['a millisecond later', 900_001, 899],
    ['in ten hours', 36_000_000, 899],
    ['in 500 years', 1.6e13, 899],
  ])('gives the delay of a message that is due %s', (_what, millis, seconds) => {
    expect(sqsDelaySeconds(NOW + millis, NOW)).toBe(seconds);
  });
});

describe('isEarly', () => {
  it.each([
    ['overdue', -1, false],
    ['on time', 0, false],
    ['a second early, as queues are', 1000, false],
    ['more than that', 1001, true],
    ['a hop early', 900_000, true],
  ])('says whether a message has come too early: %s', (_what, millis, early) => {
    expect(isEarly(NOW + millis, NOW)).toBe(early);
  });
});

it('a message hops to the moment at which it is due, however long each hop takes', () => {
  const dueAt = NOW + 36_000_000;
  let now = NOW;
  let hops = 0;
  for (; isEarly(dueAt, now); hops++) now += sqsDelaySeconds(dueAt, now) * 1000 + 250;
  expect(hops).toBe(41);
  expect(Math.abs(now - dueAt)).toBeLessThanOrEqual(1000);
});
