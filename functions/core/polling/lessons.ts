import type { JobBase, Millis } from '../job.ts';
import type { Span } from './forecast.ts';

/** How many past durations of a kind are kept: more would add little, and old ones mislead. */
export const SLOTS = 64;

const DEFAULT_TOKENS_CLASS = 4;

/** Answers of about the same length take about the same time; undefined: the usual one. */
export function tokensClassOf(maxTokens: number): number | undefined {
  const tokensClass = Math.floor(Math.log2(maxTokens) / 2);
  return tokensClass === DEFAULT_TOKENS_CLASS ? undefined : tokensClass;
}

/**
 * Jobs of one model with about the same number of tasks, of about the same length, take about the same time. Keys with a colon,
 * as `0:4/m`, are of an earlier release, whose lessons said less.
 */
export function kindOf(job: Pick<JobBase, 'modelId' | 'totalTasks' | 'tokensClass'>): string {
  const { modelId, totalTasks, tokensClass = DEFAULT_TOKENS_CLASS } = job;
  return `${Math.floor(Math.log2(totalTasks))}.${tokensClass}/${modelId}`;
}

/**
 * What is remembered in one of a kind's slots. Which job teaches there is decided at its submission, before anybody can
 * know how long it takes: those that happen to end first, or last, would teach too short or too long a time.
 */
export interface Lesson {
  readonly submittedAt: Millis;
  /** How long it took or, while it is under way, how long the one before it did; null: there was none. */
  readonly took: Span | null;
  readonly isUnderWay: boolean;
}

export type Lessons = readonly (Lesson | undefined)[];

const TICK_MILLIS = 100;
/** The end of a span, to a quarter of a percent, up to nine days. */
const END_CODES = 3000;
const END_STEP = Math.log(1.005);
const END_MIN_SECONDS = 0.25;
/** The part of it that is the gap before it, to a tenth: down to 1/256. */
const GAP_CODES = 33;
const GAP_STEP = Math.log(2) / 4;
const CODES = END_CODES * GAP_CODES;

/**
 * Within half a minute, the order of submissions is shuffled, always alike. Jobs that come at once may find the same slots free, and
 * only one of them stays in each: were it always the last one, which may have to wait for all others, it would teach too long a time.
 */
const SHUFFLED_TICKS = 300;
/** One undoes the other, as their product is 1 modulo SHUFFLED_TICKS. */
const SHUFFLE = 187;
const UNSHUFFLE = 223;

function reordered(tick: number, factor: number): number {
  const place = tick % SHUFFLED_TICKS;
  return tick - place + ((place * factor) % SHUFFLED_TICKS);
}

function rankOf(submittedAt: Millis): number {
  return reordered(Math.floor(submittedAt / TICK_MILLIS), SHUFFLE);
}

/** One number, so that a slot costs few bytes. The larger one stays: of a later half minute, and for the same job that of its end. */
export function encoded({ submittedAt, took, isUnderWay }: Lesson): number {
  const moment = 2 * rankOf(submittedAt) + (isUnderWay ? 0 : 1);
  return moment * CODES + (took === null ? 0 : codeOf(took));
}

function codeOf({ from, to }: Span): number {
  const end = 1 + Math.round(Math.log(Math.max(1, to / END_MIN_SECONDS)) / END_STEP);
  return Math.min(END_CODES - 1, end) * GAP_CODES + gapCodeOf(from / to);
}

/** 0 if the job was never seen running. */
function gapCodeOf(before: number): number {
  // The clock by which it was seen may have been ahead.
  const steps = Math.round(-Math.log(Math.max(0, 1 - before)) / GAP_STEP);
  return before > 0 ? Math.min(GAP_CODES - 1, Math.max(1, steps)) : 0;
}

function spanOf(code: number): Span {
  const to = END_MIN_SECONDS * Math.exp((Math.floor(code / GAP_CODES) - 1) * END_STEP);
  return { from: to * (1 - Math.exp(-(code % GAP_CODES) * GAP_STEP)), to };
}

/** No number of a lesson of that half minute, or of a later one, is less. */
export function encodedFrom(moment: Millis): number {
  const tick = Math.floor(moment / TICK_MILLIS);
  return 2 * (tick - (tick % SHUFFLED_TICKS)) * CODES;
}

export function decoded(number: number): Lesson {
  const [moment, code] = [Math.floor(number / CODES), number % CODES];
  return {
    submittedAt: reordered(Math.floor(moment / 2), UNSHUFFLE) * TICK_MILLIS,
    took: code === 0 ? null : spanOf(code),
    isUnderWay: moment % 2 === 0,
  };
}

/** What is known of how long jobs of a kind take. */
export interface Durations {
  /** Of jobs that have ended, the latest submission first. */
  ended: readonly Span[];
  /** How long jobs that still run have taken already, in seconds. */
  running: readonly number[];
}

/** A teacher that has not ended for so many terms never will: it was cancelled, or has expired. */
const TERMS_UNTIL_GONE = 8;

/** While a teacher is younger than its predecessor became, that one stands in for it; then all that is known is its age. */
export function durationsAt(now: Millis, lessons: Lessons): Durations {
  const ended: Span[] = [];
  const running: number[] = [];
  const latest = latestFirst(lessons);
  const known = latest.flatMap(({ took }) => took ?? []);
  const gone = known.length === 0 ? Number.POSITIVE_INFINITY : (TERMS_UNTIL_GONE * termMillis(known)) / 1000;
  for (const { submittedAt, took, isUnderWay } of latest) {
    const age = (now - submittedAt) / 1000;
    if (isUnderWay && age > (took?.to ?? 0) && age < gone) running.push(age);
    else if (took !== null) ended.push(took);
  }
  return { ended, running };
}

const AT_ONCE = 1 / 16;

/** Those that came at once stay in the order of their slots: that the last of them waited longest is no change of speed. */
function latestFirst(lessons: Lessons): Lesson[] {
  const slots = lessons.filter((lesson) => lesson !== undefined);
  const crowds = new Map<Lesson, number>();
  let [crowd, later] = [0, Number.POSITIVE_INFINITY];
  for (const lesson of slots.toSorted((a, b) => b.submittedAt - a.submittedAt)) {
    if ((later - lesson.submittedAt) / 1000 > AT_ONCE * (lesson.took?.to ?? 0)) crowd += 1;
    crowds.set(lesson, crowd);
    later = lesson.submittedAt;
  }
  return slots.sort((a, b) => (crowds.get(a) ?? 0) - (crowds.get(b) ?? 0));
}

const TERM_SECONDS_MIN = 120;
const TERMS_OF_A_LONG_JOB = 4;
const LONG_SHARE = 0.9;
/** A slot is picked among so many of the oldest, lest all environments pick the same one. */
const PICKED_AMONG = 16;

/** How long a slot is one teacher's, whether that job ends or not: longer than nearly all jobs take. */
export function termMillis(ended: readonly Span[]): Millis {
  const sorted = ended.map(({ to }) => to).sort((a, b) => a - b);
  const long = sorted[Math.floor(LONG_SHARE * sorted.length)] ?? 0;
  return 1000 * Math.max(TERM_SECONDS_MIN, TERMS_OF_A_LONG_JOB * long);
}

/** The slot of a job that is submitted now; null: those of the others suffice. */
export function slotToTeachIn(lessons: Lessons, term: Millis, now: Millis, random: number): number | null {
  const from = encodedFrom(now - term);
  // In the shuffled order, too, lest a crowd's lessons are replaced in the order in which they came.
  const free = Array.from({ length: SLOTS }, (_, slot) => ({ slot, number: numberOf(lessons[slot]) }))
    .filter(({ number }) => number < from)
    .sort((a, b) => (a.number === b.number ? a.slot - b.slot : a.number - b.number));
  const last = free[Math.min(PICKED_AMONG, free.length) - 1];
  const oldest = free.filter(({ number }) => last && number <= last.number);
  return oldest[Math.floor(random * oldest.length)]?.slot ?? null;
}

function numberOf(lesson: Lesson | undefined): number {
  return lesson ? encoded(lesson) : Number.NEGATIVE_INFINITY;
}

const CROWD = 16;
const CROWDED_MIN = 8;

/** Whether many jobs of the kind run at once: then those that still run must be known, too. */
export function isCrowded(lessons: Lessons): boolean {
  const ordered = lessons.filter((lesson) => lesson !== undefined);
  ordered.sort((a, b) => a.submittedAt - b.submittedAt);
  const crowded = ordered.filter(({ submittedAt, took }, i) => {
    const later = ordered[i + CROWD];
    return later && later.submittedAt - submittedAt < 1000 * (took?.to ?? 0);
  });
  return crowded.length >= CROWDED_MIN;
}
