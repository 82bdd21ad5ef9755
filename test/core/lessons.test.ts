import { describe, expect, it } from 'vitest';
import type { Span } from '../../functions/core/polling/forecast.ts';
import {
  decoded,
  durationsAt,
  encoded,
  encodedFrom,
  isCrowded,
  kindOf,
  type Lesson,
  SLOTS,
  slotToTeachIn,
  termMillis,
  tokensClassOf,
} from '../../functions/core/polling/lessons.ts';
import { NOW } from '../cloud/jobs.ts';

const SECOND = 1000;

const upTo = (to: number): Span => ({ from: to / 2, to });

it.each<[totalTasks: number, maxTokens: number, kind: string]>([
  [1, 512, '0.4/m'],
  [3, 512, '1.4/m'],
  [4, 256, '2.4/m'],
  [1000, 1023, '9.4/m'],
  [1, 1, '0.0/m'],
  [1, 16, '0.2/m'],
  [1, 255, '0.3/m'],
  [1, 1024, '0.5/m'],
  [1, Number.MAX_SAFE_INTEGER, '0.26/m'],
])('a job of %i tasks of at most %i tokens is of the kind %3$s', (totalTasks, maxTokens, kind) => {
  const tokensClass = tokensClassOf(maxTokens);
  expect(kindOf({ modelId: 'm', totalTasks, ...(tokensClass !== undefined && { tokensClass }) })).toBe(kind);
});

describe('a lesson as a number', () => {
  const lessonOf = (submittedAt: number, took: Span | null, isUnderWay: boolean): Lesson => ({
    submittedAt,
    took,
    isUnderWay,
  });

  it.each([0.25, 0.5, 1, 59.9, 60, 86_400, 604_800])('says an end after %d s to three permille', (to) => {
    for (const isUnderWay of [true, false]) {
      const lesson = decoded(encoded(lessonOf(NOW, { from: 0, to }, isUnderWay)));
      expect(lesson).toMatchObject({ submittedAt: NOW, isUnderWay, took: { from: 0 } });
      expect(Math.abs((lesson.took?.to ?? 0) / to - 1)).toBeLessThan(0.003);
    }
  });

  it.each([1, 0.5, 0.3, 0.1, 0.01, 1 / 256])('says a gap of %d of the time to a tenth', (part) => {
    const { took } = decoded(encoded(lessonOf(NOW, { from: 60 * (1 - part), to: 60 }, false)));
    const { from, to } = took as Span;
    expect(Math.abs(1 - from / to - part)).toBeLessThanOrEqual(0.1 * part);
  });

  it('says that there was none', () => {
    expect(decoded(encoded(lessonOf(NOW, null, true)))).toEqual(lessonOf(NOW, null, true));
  });

  it.each<[what: string, took: Span, said: Span]>([
    ['a time that is too short', { from: 0, to: 0.001 }, { from: 0, to: 0.25 }],
    ['a gap that is too small', { from: 60, to: 60 }, { from: 59.8, to: 60 }],
    ['an end before the last look, by clocks that differ', { from: 61, to: 60 }, { from: 59.8, to: 60 }],
  ])('says of %s as much as it can', (_what, took, said) => {
    const close = { from: expect.closeTo(said.from, 0), to: expect.closeTo(said.to, 0) };
    expect(decoded(encoded(lessonOf(NOW, took, false))).took).toEqual(close);
  });

  it('says of a time that is too long as much as it can', () => {
    expect(decoded(encoded(lessonOf(NOW, { from: 0, to: 1e12 }, false))).took?.to).toBeGreaterThan(7e5);
  });

  it('is larger for a later half minute, and for the end of the same job, whatever the durations are', () => {
    const rising = [
      lessonOf(NOW - 30 * SECOND, upTo(9000), false),
      lessonOf(NOW, upTo(9000), true),
      lessonOf(NOW, upTo(0.1), false),
      lessonOf(NOW + 30 * SECOND, null, true),
    ].map(encoded);
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
    expect(rising.every(Number.isSafeInteger)).toBe(true);
    const from = encodedFrom(NOW + 30 * SECOND);
    expect(rising.map((number) => number < from)).toEqual([true, true, true, false]);
  });

  it('says exactly when the job was submitted, and is as likely to be larger for any of a crowd', () => {
    const crowd = Array.from({ length: 1000 }, (_, i) => NOW + i * 100);
    expect(crowd.map((at) => decoded(encoded(lessonOf(at, upTo(1), false))).submittedAt)).toEqual(crowd);
    const largest = Array.from({ length: 200 }, (_, i) => {
      const few = [...crowd.slice(5 * i, 5 * i + 5)].map((at) => encoded(lessonOf(at, upTo(1), false)));
      return few.indexOf(Math.max(...few));
    });
    for (const place of [0, 1, 2, 3, 4]) {
      expect(largest.filter((one) => one === place).length).toBeGreaterThan(20);
    }
  });

  it('can be stored until the year 2100', () => {
    expect(encoded(lessonOf(Date.UTC(2100, 0, 1), upTo(1e9), false))).toBeLessThan(Number.MAX_SAFE_INTEGER);
  });
});

describe('the durations that lessons tell', () => {
  const at = (agoSeconds: number, to: number | null, isUnderWay = false): Lesson => ({
    submittedAt: NOW - agoSeconds * SECOND,
    took: to === null ? null : upTo(to),
    isUnderWay,
  });

  it.each<[what: string, lessons: (Lesson | undefined)[], known: number[], running: number[]]>([
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
  ])('are %s', (_what, lessons, known, running) => {
    expect(durationsAt(NOW, lessons)).toEqual({ ended: known.map(upTo), running });
  });
});

describe('the slot to teach in', () => {
  const slots = (agoSeconds: (slot: number) => number): Lesson[] =>
    Array.from({ length: SLOTS }, (_, slot) => ({
      submittedAt: NOW - agoSeconds(slot) * SECOND,
      took: upTo(1),
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
    expect(termMillis(known.map(upTo))).toBe(seconds * SECOND);
  });
});

describe('a kind is crowded', () => {
  const every = (gapSeconds: number, count = SLOTS) =>
    Array.from({ length: count }, (_, i) => ({
      submittedAt: NOW + i * gapSeconds * SECOND,
      took: upTo(32),
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
