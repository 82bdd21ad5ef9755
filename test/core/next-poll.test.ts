import { describe, expect, it } from 'vitest';
import { forecastOf } from '../../functions/core/polling/forecast.ts';
import { nextPollSeconds, type PollForecast } from '../../functions/core/polling/next-poll.ts';
import { DELAY_MAX_SECONDS } from '../../functions/core/sqs-delay.ts';
import { exactly } from '../cloud/contents.ts';

const HOUR = 3600;
const forecastFor = (durations: number[], lagPerPollSeconds = 1): PollForecast => ({
  ...forecastOf(durations.map(exactly)),
  lagPerPollSeconds,
});
const unknown = forecastFor([]);
/** Half a minute each, some a little more, some less. */
const halfMinutes = forecastFor(Array.from({ length: 64 }, (_, i) => 30 * 1.2 ** Math.sin(i)));

const single = (age: number, left = HOUR) => ({
  ageMillis: age * 1000,
  leftMillis: left * 1000,
  completedTasks: 0,
  totalTasks: 1,
});

describe('nextPollSeconds', () => {
  it.each<[what: string, seconds: number, from: number, to: number]>([
    ['a new model: soon', nextPollSeconds(single(0), unknown), 2, 8],
    ['a new model: less often as time goes by', nextPollSeconds(single(1000), unknown), 30, 60],
    ['a known model: not before it can be done', nextPollSeconds(single(0), halfMinutes), 18, 28],
    ['a known model: often when it should be done', nextPollSeconds(single(29), halfMinutes), 1, 4],
    ['a known model that takes too long', nextPollSeconds(single(300), halfMinutes), 5, 60],
    ['more patience, fewer polls', nextPollSeconds(single(1000), forecastFor([], 25)), 150, 300],
    ['a clock that went back', nextPollSeconds(single(-5), unknown), 2, 8],
  ])('gives a wait between these bounds: %s', (_what, seconds, from, to) => {
    expect(seconds).toBeGreaterThanOrEqual(from);
    expect(seconds).toBeLessThanOrEqual(to);
  });

  it.each<[what: string, age: number, left: number, atLeast: number, seconds: number]>([
    ['what ModelStudio asked for', 10, HOUR, 20, 20],
    ['it asked for more than a queue holds back', 10, 2 * HOUR, 2000, 900],
    ['the last poll falls on the expiry', 1000, 17, 0, 17],
    ['not a moment before it', 1000, 16.2, 0, 17],
    ['whatever ModelStudio asked for', 120, 17, 600, 17],
    ['to the second', 120, 800, 2000, 800],
    ['in the last second', 120, 0.4, 0, 1],
    ['never at once', 120, 0, 0, 1],
    ['when it has expired', 120, -HOUR, 0, 1],
  ])('gives this very wait: %s', (_what, age, left, atLeast, seconds) => {
    expect(nextPollSeconds(single(age, left), unknown, atLeast)).toBe(seconds);
  });

  it('plans a batch by its own speed once that can be seen', () => {
    const batch = (completedTasks: number) => ({ ...single(60), completedTasks, totalTasks: 100 });
    const slow = nextPollSeconds(batch(20), halfMinutes);
    const fast = nextPollSeconds(batch(95), halfMinutes);
    expect(slow).toBeGreaterThan(2 * fast);
    expect(fast).toBeLessThan(10);
  });

  it.each([
    ['soon after it, when half of the time is still to come', 310, 200, 260],
    ['when all of them should be done', 590, 1, 30],
    ['long after that', 3600, 20, 60],
  ])('plans a batch by its last count, however old that is: %s', (_what, age, from, to) => {
    const batch = { ...single(age), countedMillis: 300_000, completedTasks: 50, totalTasks: 100 };
    const seconds = nextPollSeconds(batch, unknown);
    expect(seconds).toBeGreaterThanOrEqual(from);
    expect(seconds).toBeLessThanOrEqual(to);
  });

  it('asks less and less for a batch whose count stands still, as a task of it may hang', () => {
    const hangs = { completedTasks: 99, totalTasks: 100, progressMillis: 30_000 };
    const waits = [31, 300, HOUR, 6 * HOUR].map((age) =>
      nextPollSeconds({ ...single(age, 24 * HOUR), ...hangs }, halfMinutes),
    );
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits[0]).toBeLessThan(5);
    expect(waits[2]).toBeGreaterThan(60);
  });

  it.each([
    ['a batch of which nothing is done yet', 0, 100],
    ['a single task, of which there is nothing to count', 1, 1],
  ])('plans %s by what is known of its bucket', (_what, completedTasks, totalTasks) => {
    const job = { ...single(60), completedTasks, totalTasks };
    expect(nextPollSeconds(job, halfMinutes)).toBe(nextPollSeconds(single(60), halfMinutes));
  });

  it('gives whole seconds that SQS accepts, whatever it is asked', () => {
    for (const ageMillis of [-1e9, -1, 0, 333, 1e5, 1e9, 1e12]) {
      for (const leftMillis of [-1e9, 0, 999, 1e5, 1e9]) {
        for (const [completedTasks, totalTasks] of [
          [0, 1],
          [1, 2],
          [2, 2],
          [1, 1000],
        ] as const) {
          for (const forecast of [unknown, halfMinutes, forecastFor([0.001]), forecastFor([1e6, 1e6])]) {
            const seconds = nextPollSeconds(
              { ageMillis, leftMillis, completedTasks, totalTasks },
              forecast,
              0,
            );
            expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= DELAY_MAX_SECONDS).toBe(true);
          }
        }
      }
    }
  });
});
