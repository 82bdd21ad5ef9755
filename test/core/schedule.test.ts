import { describe, expect, it } from 'vitest';
import { nextPollSeconds } from '../../functions/core/schedule.ts';
import { DELAY_MAX_SECONDS } from '../../functions/core/wait.ts';

const HOUR = 3600;

describe('nextPollSeconds', () => {
  it.each<[what: string, age: number, left: number, atLeast: number, seconds: number]>([
    ['a new job', 0, HOUR, 0, 1],
    ['a young job', 1.9, HOUR, 0, 1],
    ['half its age', 10, HOUR, 0, 5],
    ['whole seconds', 11.9, HOUR, 0, 5],
    ['an old job: once a minute', 120, HOUR, 0, 60],
    ['a very old job', 100_000, HOUR, 0, 60],
    ['a clock that went back', -5, HOUR, 0, 1],

    ['what ModelStudio asked for', 10, HOUR, 20, 20],
    ['it asked for less', 100, HOUR, 20, 50],
    ['it asked for more than a minute', 100, HOUR, 600, 600],
    ['it asked for more than a queue holds back', 10, 2 * HOUR, 2000, 900],

    ['the last poll falls on the expiry', 120, 17, 0, 17],
    ['not a moment before it', 120, 16.2, 0, 17],
    ['whatever ModelStudio asked for', 120, 17, 600, 17],
    ['to the second', 120, 800, 2000, 800],
    ['in the last second', 120, 0.4, 0, 1],
    ['never at once', 120, 0, 0, 1],
    ['when it has expired', 120, -HOUR, 0, 1],
  ])('%s', (_what, age, left, atLeast, seconds) => {
    expect(nextPollSeconds(age * 1000, left * 1000, atLeast)).toBe(seconds);
  });

  it('is always what a queue takes', () => {
    for (const age of [-1e9, 0, 333, 1e5, 1e9]) {
      for (const left of [-1e9, 0, 999, 1e5, 1e9]) {
        for (const atLeast of [0, 1, 899, 900, 901, 1e10]) {
          const seconds = nextPollSeconds(age, left, atLeast);
          expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= DELAY_MAX_SECONDS).toBe(true);
        }
      }
    }
  });

  it('asks about a job of ten minutes no more than 25 times', () => {
    let age = 0;
    let polls = 0;
    for (; age < 600; polls++) age += nextPollSeconds(age * 1000, HOUR * 1000);
    expect(polls).toBeLessThanOrEqual(25);
  });
});
