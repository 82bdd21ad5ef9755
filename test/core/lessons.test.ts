import { describe, expect, it } from 'vitest';
import {
  decoded,
  durationsAt,
  encoded,
  encodedFrom,
  isCrowded,
  kindOf,
  type Lesson,
  SLOTS,
  sampleDuration,
  slotToTeachIn,
  termMillis,
  tokensClassOf,
} from '../../functions/core/polling/lessons.ts';
import { NOW } from '../cloud/jobs.ts';

const SECOND = 1000;

it.each<[totalTasks: number, maxTokens: number, kind: string]>([
  [1, 512, '0:4/m'],
  [3, 512, '1:4/m'],
  [4, 256, '2:4/m'],
  [1000, 1023, '9:4/m'],
  [1, 1, '0:0/m'],
  [1, 16, '0:2/m'],
  [1, 255, '0:3/m'],
  [1, 1024, '0:5/m'],
  [1, Number.MAX_SAFE_INTEGER, '0:26/m'],
])('a job of %i tasks of at most %i tokens is of the kind %3$s', (totalTasks, maxTokens, kind) => {
  const tokensClass = tokensClassOf(maxTokens);
  expect(kindOf({ modelId: 'm', totalTasks, ...(tokensClass !== undefined && { tokensClass }) })).toBe(kind);
});

describe('a lesson as a number', () => {
  const lessonOf = (submittedAt: number, seconds: number | null, isUnderWay: boolean): Lesson => ({
    submittedAt,
    seconds,
    isUnderWay,
  });

  it.each([null, 0.04, 0.5, 1, 59.9, 60, 86_400, 604_800])('says %s seconds to two permille', (seconds) => {
    for (const isUnderWay of [true, false]) {
      const lesson = decoded(encoded(lessonOf(NOW, seconds, isUnderWay)));
      expect(lesson).toMatchObject({ submittedAt: NOW, isUnderWay });
      if (seconds === null) expect(lesson.seconds).toBeNull();
      else expect(Math.abs((lesson.seconds ?? 0) / seconds - 1)).toBeLessThan(0.0011);
    }
  });

  it('says of a time that is too short or too long as much as it can', () => {
    expect(decoded(encoded(lessonOf(NOW, 0, false))).seconds).toBeCloseTo(0.04);
    expect(decoded(encoded(lessonOf(NOW, 1e12, false))).seconds).toBeGreaterThan(1e6);
  });

  it('is larger for a later half minute, and for the end of the same job, whatever the durations are', () => {
    const rising = [
      lessonOf(NOW - 30 * SECOND, 9000, false),
      lessonOf(NOW, 9000, true),
      lessonOf(NOW, 0.1, false),
      lessonOf(NOW + 30 * SECOND, null, true),
    ].map(encoded);
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
    expect(rising.every(Number.isSafeInteger)).toBe(true);
    const from = encodedFrom(NOW + 30 * SECOND);
    expect(rising.map((number) => number < from)).toEqual([true, true, true, false]);
  });

  it('says exactly when the job was submitted, and is as likely to be larger for any of a crowd', () => {
    const crowd = Array.from({ length: 1000 }, (_, i) => NOW + i * 10);
    expect(crowd.map((at) => decoded(encoded(lessonOf(at, 1, false))).submittedAt)).toEqual(crowd);
    const largest = Array.from({ length: 200 }, (_, i) => {
      const few = [...crowd.slice(5 * i, 5 * i + 5)].map((at) => encoded(lessonOf(at, 1, false)));
      return few.indexOf(Math.max(...few));
    });
    for (const place of [0, 1, 2, 3, 4]) {
      expect(largest.filter((one) => one === place).length).toBeGreaterThan(20);
    }
  });

  it('can be stored until the year 2100', () => {
    expect(encoded(lessonOf(Date.UTC(2100, 0, 1), 1e9, false))).toBeLessThan(Number.MAX_SAFE_INTEGER);
  });
});

describe('the durations that lessons tell', () => {
  const at = (agoSeconds: number, seconds: number | null, isUnderWay = false): Lesson => ({
    submittedAt: NOW - agoSeconds * SECOND,
    seconds,
    isUnderWay,
  });

  it.each<[what: string, lessons: (Lesson | undefined)[], known: number[], atLeast: number[]]>([
    ['none', [], [], []],
    ['those that have ended, the latest first', [at(90, 5), undefined, at(30, 7), at(60, 6)], [7, 6, 5], []],
    ['those that came at once, by slot', [at(60.2, 9), at(60.1, 8), at(60, 7), at(30, 6)], [6, 9, 8, 7], []],
    ['what was known before, of one that is younger than that', [at(20, 50, true)], [50], []],
    ['its age, of one that is older than that', [at(60, 50, true)], [], [60]],
    ['its age, where nothing was known', [at(10, null, true)], [], [10]],
    ['its age, however long, where nothing is known at all', [at(90_000, null, true)], [], [90_000]],
    ['what was known before, of one that is gone', [at(9, 30), at(1601, 50, true)], [30, 50], []],
    ['nothing, of one that is gone and had none before', [at(9, 30), at(961, null, true)], [30], []],
    ['its age, of one that is nearly gone', [at(9, 30), at(959, null, true)], [30], [959]],
  ])('are %s', (_what, lessons, known, atLeast) => {
    expect(durationsAt(NOW, lessons)).toEqual({ known, atLeast });
  });
});

describe('the slot to teach in', () => {
  const slots = (agoSeconds: (slot: number) => number): Lesson[] =>
    Array.from({ length: SLOTS }, (_, slot) => ({
      submittedAt: NOW - agoSeconds(slot) * SECOND,
      seconds: 1,
      isUnderWay: false,
    }));
  const TERM = 120 * SECOND;

  it.each<[what: string, lessons: (Lesson | undefined)[], random: number, slot: number | null]>([
    ['the first one of a new kind', [], 0, 0],
    ['any one of a new kind', [], 0.999, 63],
    ['the oldest', slots((slot) => 1000 + 30 * slot), 0, 63],
    ['one of the oldest', slots((slot) => 1000 + 30 * slot), 0.999, 48],
    ['the only one whose term is over', slots((slot) => (slot === 7 ? 150 : 119)), 0.999, 7],
    ['none before that', slots(() => 119.9), 0, null],
  ])('is %s', (_what, lessons, random, slot) => {
    expect(slotToTeachIn(lessons, TERM, NOW, random)).toBe(slot);
  });

  it('is one that the table lets a job take', () => {
    for (let at = 0; at < 60; at += 0.7) {
      const lessons = slots((slot) => 60 + 3 * slot + at);
      for (const random of [0, 0.5, 0.999]) {
        const slot = slotToTeachIn(lessons, TERM, NOW, random);
        if (slot !== null) expect(encoded(lessons[slot] as Lesson)).toBeLessThan(encodedFrom(NOW - TERM));
      }
    }
  });

  it.each<[known: number[], seconds: number]>([
    [[], 120],
    [[1, 2, 3], 120],
    [[30, 30, 30], 120],
    [[100], 400],
    [[...Array(18).fill(50), 1e5, 1e5], 4e5],
    [[...Array(19).fill(50), 1e5], 200],
  ])('is taken for a term that follows how long most jobs take: %j', (known, seconds) => {
    expect(termMillis(known)).toBe(seconds * SECOND);
  });
});

describe('a kind is crowded', () => {
  const every = (gapSeconds: number, count = SLOTS) =>
    Array.from({ length: count }, (_, i) => ({
      submittedAt: NOW + i * gapSeconds * SECOND,
      seconds: 32,
      isUnderWay: false,
    }));

  it.each<[what: string, lessons: Lesson[], isCrowdedThen: boolean]>([
    ['when seventeen of its teachers run at once', every(1.9), true],
    ['not when it is sixteen', every(2.1), false],
    ['not by a few', every(0.1, 20), false],
    ['not when nothing is known', [], false],
  ])('%s', (_what, lessons, isCrowdedThen) => {
    expect(isCrowded(lessons)).toBe(isCrowdedThen);
  });
});

describe('a duration that is sampled for the statistics', () => {
  it.each([
    [10, 20, 0, 10],
    [10, 20, 0.5, 15],
    [0, 16, 0, 16],
  ])('lies between the polls at %d and %d s', (from, to, random, seconds) => {
    expect(sampleDuration(from, to, random, [])).toBe(seconds);
  });

  it('is mostly near a known one in between', () => {
    const drawn = Array.from({ length: 100 }, (_, i) => sampleDuration(10, 90, i / 100, Array(18).fill(60)));
    const near = drawn.filter((seconds) => Math.abs(seconds - 60) < 1.21);
    expect(near.length).toBe(90);
    expect(Math.min(...drawn)).toBeLessThan(15);
    expect(Math.max(...drawn)).toBeGreaterThan(80);
  });

  it('is never outside, near a known one at the edge', () => {
    for (const random of [0, 0.3, 0.6, 0.9]) {
      expect(sampleDuration(60, 61, random, [60.5, 61])).toBeGreaterThanOrEqual(60);
      expect(sampleDuration(60, 61, random, [60.5, 61])).toBeLessThanOrEqual(61);
    }
  });

  it('may lie far below the age at the first poll', () => {
    expect(sampleDuration(0, 100, 0.999, [])).toBeLessThan(20);
    expect(sampleDuration(0, 100, 0.999, [])).toBeGreaterThan(0);
  });

  it('lies nearer to the first poll if such jobs have often ended then', () => {
    const [expected, surprise] = [Array(10).fill(80), Array(10).fill(600)];
    expect(sampleDuration(0, 100, 0.8, expected)).toBeGreaterThan(sampleDuration(0, 100, 0.8, surprise));
  });
});
