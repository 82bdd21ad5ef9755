import { expect, it } from 'vitest';
import { afterRound, closedPace, type Pace, roundSize } from '../../functions/core/queue/pace.ts';

/** Whether ModelStudio takes a create at this time, in seconds. */
type Limit = (at: number) => boolean;

function fixedWindow(limit: number): Limit {
  let [window, taken] = [-1, 0];
  return (at) => {
    if (Math.floor(at) !== window) [window, taken] = [Math.floor(at), 0];
    return ++taken <= limit;
  };
}

function slidingWindow(limit: number): Limit {
  const taken: number[] = [];
  return (at) => {
    while (taken[0] !== undefined && taken[0] <= at - 1) taken.shift();
    return taken.length < limit && taken.push(at) > 0;
  };
}

function tokenBucket(limit: number, most: number): Limit {
  let [tokens, filledAt] = [most, 0];
  return (at) => {
    tokens = Math.min(most, tokens + (at - filledAt) * limit);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Creates so many jobs; a create takes 60 ms. */
function drain(limit: Limit, jobs: number) {
  let pace = closedPace(0, 0);
  let [now, answered, refused] = [0, 0, 0];
  while (answered < jobs) {
    now = Math.max(now, pace.nextAt);
    const startedAt = now;
    const round = { startedAt, answered: 0, refused: 0, retryAfterSeconds: 0 };
    const size = Math.min(roundSize(pace), jobs - answered);
    for (let i = 0; i < size; i++) {
      now = startedAt + (i * 1000) / pace.rate;
      round[limit(now / 1000) ? 'answered' : 'refused'] += 1;
    }
    now += 60;
    answered += round.answered;
    refused += round.refused;
    pace = afterRound(pace, round, now, 0.5);
  }
  return { perSecond: answered / (now / 1000), refusedShare: refused / (refused + answered) };
}

it.each<[what: string, limit: Limit, least: number]>([
  ['a fixed window of 5', fixedWindow(5), 4],
  ['a sliding window of 5', slidingWindow(5), 4],
  ['a bucket of 5 tokens', tokenBucket(5, 5), 4],
  ['a bucket of one token, filled 5 times a second', tokenBucket(5, 1), 4],
  ['a fixed window of 1', fixedWindow(1), 0.9],
  ['a fixed window of 20', fixedWindow(20), 14],
  ['no limit at all', () => true, 20],
])('the pace finds %s, with few refusals', (_what, limit, least) => {
  const { perSecond, refusedShare } = drain(limit, 500);
  expect(perSecond).toBeGreaterThanOrEqual(least);
  expect(refusedShare).toBeLessThan(0.15);
});

const round = { startedAt: 0, answered: 0, refused: 1, retryAfterSeconds: 0 };

function probes(count: number, changes: object = {}): number[] {
  let pace: Pace = closedPace(0, 0);
  return Array.from({ length: count }, () => {
    const from = pace.nextAt;
    pace = afterRound(pace, { ...round, ...changes }, from, 0);
    return (pace.nextAt - from) / 1000;
  });
}

it('while ModelStudio takes nothing, it is asked with one job at a time, each 15 s at last', () => {
  expect(probes(6)).toEqual([2, 4, 8, 15, 15, 15]);
  expect(roundSize(afterRound({ ...closedPace(0, 0), rate: 40, refusedProbes: 3 }, round, 0, 0))).toBe(1);
});

it('a wait that ModelStudio asks for is kept, up to five minutes', () => {
  expect(probes(3, { retryAfterSeconds: 60 })).toEqual([60, 60, 60]);
  expect(probes(1, { retryAfterSeconds: 7200 })).toEqual([300]);
  expect(closedPace(7200, 0).nextAt).toBe(300_000);
});

it('a refusal halves the pace, and it rises step by step while all goes well', () => {
  const pace = { rate: 8, ceiling: 0, refusedProbes: 0, nextAt: 0 };
  const slower = afterRound(pace, { ...round, answered: 3 }, 0, 0);
  expect(slower).toMatchObject({ rate: 4, ceiling: 8 });
  expect(afterRound(slower, { ...round, answered: 2, refused: 0 }, 0, 0).rate).toBe(6);
  expect(afterRound(pace, { ...round, answered: 4, refused: 0 }, 0, 0).rate).toBe(9);
});

it('a round in which nobody was asked changes no pace, and half a second later is the next', () => {
  const pace = { rate: 8, ceiling: 9, refusedProbes: 0, nextAt: 0 };
  expect(afterRound(pace, { ...round, refused: 0 }, 5, 0)).toEqual({ ...pace, nextAt: 505 });
});
