import { describe, expect, it } from 'vitest';
import {
  experienced,
  heldUntil,
  inOrder,
  isKnown,
  isMostlyQuick,
  isOnTurn,
  laneOf,
  lanesAtOnce,
  lanesToOpen,
  ownLane,
  windowAt,
} from '../../functions/core/webhook/lanes.ts';

const NOW = Date.UTC(2026, 0, 1);
const hosts = (count: number, client = 'acme') =>
  Array.from({ length: count }, (_, i) => `${client}/h${String(i).padStart(2, '0')}`);

describe('a receiver is in the lane', () => {
  it.each([
    ['of its client and host', 'https://hooks.example.com/a?b#c', 'acme/hooks.example.com'],
    [
      'of its port, unless it is the usual one',
      'https://hooks.example.com:8443/',
      'acme/hooks.example.com:8443',
    ],
  ])('%s', (_what, url, lane) => {
    expect(ownLane({ client: 'acme', url })).toBe(lane);
  });

  it('of nobody if it has no URL', () => {
    expect(ownLane({ client: 'acme', url: 'a-queue' })).toBeNull();
  });

  const cases: [what: string, open: string[], isKnown: boolean, lane: string][] = [
    ['of its own while nothing is open', [], false, 'acme/h'],
    ['of its own while that is open', ['acme/*', 'acme/h'], false, 'acme/h'],
    ["of its client's others while that is open", ['acme/*', 'acme/g'], false, 'acme/*'],
    ['of its own if it has answered lately', ['acme/*', 'acme/g'], true, 'acme/h'],
    ["of its own while another client's others are held", ['acmes/*', 'b/*'], false, 'acme/h'],
    ['of its own while those of a client with a longer name are held', ['acme/b/*'], false, 'acme/h'],
  ];
  it.each(cases)('%s', (_what, open, known, lane) => {
    expect(laneOf('acme/h', open, known)).toBe(lane);
  });
});

describe('an attempt that hangs opens', () => {
  const cases: [what: string, lane: string, open: string[], opened: string[]][] = [
    ['its own lane', 'acme/h', [], ['acme/h']],
    ['its own lane alone while the client has one other', 'acme/h', ['acme/a', 'b/a', 'b/c'], ['acme/h']],
    ["the lane of the client's others with the third", 'acme/h', ['acme/a', 'acme/b'], ['acme/h', 'acme/*']],
    ['nothing but the lane that it was in', 'acme/a', ['acme/a', 'acme/b', 'acme/c'], ['acme/a']],
    ['nothing but the lane of the others that it was in', 'acme/*', ['acme/*', 'acme/a'], ['acme/*']],
    ['its own lane alone while others are those of a longer name', 'a/b/h', ['a/c/h', 'a/c/i'], ['a/b/h']],
    ['its own lane as the second, whatever was open before', 'acme/h', ['acme/*', 'acme/a'], ['acme/h']],
  ];
  it.each(cases)('%s', (_what, lane, open, opened) => {
    expect(lanesToOpen(lane, open)).toEqual(opened);
  });
});

it('all workers have the lanes in the same order, and at most ten of a client', () => {
  expect(inOrder(['b/x', 'a/y', 'b/x', 'a/x'])).toEqual(['a/x', 'a/y', 'b/x']);
  expect(inOrder([...hosts(30).reverse(), 'acme/*', 'b/x'])).toEqual(['acme/*', ...hosts(9), 'b/x']);
  // The second client's name begins with what the lanes of the first one are called.
  expect(inOrder([...hosts(12, 'a'), 'a/h05b/x'])).toEqual([...hosts(10, 'a'), 'a/h05b/x']);
});

describe('a fifth of the environments at most serve the lanes that are open, which take turns:', () => {
  const cases: [lanes: number, environments: number, onTurn: number][] = [
    [1, 2, 1],
    [1, 10, 1],
    [2, 10, 2],
    [3, 10, 2],
    [7, 10, 2],
    [7, 50, 7],
    [30, 50, 10],
    [11, 48, 9],
  ];
  it.each(cases)('of %d lanes and %d environments, %d', (count, environments, onTurn) => {
    const open = hosts(count);
    const turns = new Map(open.map((lane) => [lane, 0]));
    const first = windowAt(NOW);
    for (let window = first; window < first + count * 7; window++) {
      const now = open.filter((lane) => isOnTurn(lane, open, window, lanesAtOnce(environments)));
      expect(now).toHaveLength(onTurn);
      for (const lane of now) turns.set(lane, (turns.get(lane) ?? 0) + 1);
    }
    expect(new Set(turns.values())).toEqual(new Set([7 * onTurn]));
  });
});

describe('an attempt is held', () => {
  const late = NOW + 14_000;
  it.each([
    ['to the next turn', 0, 15_000],
    ['or to one that follows', 0.3, 30_200],
    ['or to the last within a minute', 0.999, 60_996],
  ])('%s', (_what, random, millis) => {
    expect(heldUntil('acme/h00', hosts(1), 2, late, random) - NOW).toBe(millis);
  });

  it('never for more than a minute, and never into the past', () => {
    for (let count = 1; count < 40; count++)
      for (let at = NOW; at < NOW + 15_000; at += 777)
        for (const random of [0, 0.25, 0.7, 0.999]) {
          const until = heldUntil('acme/h00', hosts(count), 2, at, random);
          expect(until - at).toBeGreaterThan(0);
          expect(until - at).toBeLessThanOrEqual(60_000);
        }
  });

  it('until its lane is on turn, if that is within a minute', () => {
    const open = hosts(6);
    for (const random of [0, 0.5, 0.999]) {
      const until = heldUntil('acme/h03', open, 2, NOW, random);
      expect(isOnTurn('acme/h03', open, windowAt(until), 2)).toBe(true);
    }
  });

  it('for about a minute if its turn comes later', () => {
    const open = hosts(40);
    const lane = open.find((each) => [1, 2, 3, 4].every((i) => !isOnTurn(each, open, windowAt(NOW) + i, 2)));
    expect(heldUntil(lane ?? '', open, 2, NOW, 0) - NOW).toBe(60_000);
    expect(heldUntil(lane ?? '', open, 2, NOW, 0.5) - NOW).toBe(52_500);
  });
});

describe('what an environment has seen of a receiver', () => {
  const seen = (...hangs: boolean[]) => {
    const [first = false, ...others] = hangs;
    let experience = experienced(undefined, first, NOW);
    for (const isHang of others) experience = experienced(experience, isHang, NOW);
    return experience;
  };
  const times = (count: number, isHang: boolean) => Array<boolean>(count).fill(isHang);
  it.each([
    ['one hang', [true], false],
    ['three answers and a hang', [...times(3, false), true], false],
    ['four answers and a hang', [...times(4, false), true], true],
    ['four hangs of twenty', [...times(16, false), ...times(4, true)], true],
    ['five hangs of twenty', [...times(15, false), ...times(5, true)], false],
    ['hangs long ago', [...times(99, true), ...times(16, false)], true],
  ])('says whether that is mostly quick: %s', (_what, hangs, isIt) => {
    expect(isMostlyQuick(seen(...hangs))).toBe(isIt);
  });

  it('makes it known for ten minutes from its last answer', () => {
    expect(isKnown(undefined, NOW)).toBe(false);
    expect(isKnown(experienced(undefined, true, NOW), NOW)).toBe(false);
    const answered = experienced(experienced(undefined, false, NOW), true, NOW + 1);
    expect(isKnown(answered, NOW + 599_999)).toBe(true);
    expect(isKnown(answered, NOW + 600_000)).toBe(false);
  });
});
