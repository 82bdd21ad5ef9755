import type { JobBase, Millis } from '../job.ts';

/** How many past durations of a kind are kept: more would add little, and old ones mislead. */
export const SLOTS = 64;

const DEFAULT_TOKENS_CLASS = 4;

/** Answers of about the same length take about the same time; undefined: the usual one. */
export function tokensClassOf(maxTokens: number): number | undefined {
  const tokensClass = Math.floor(Math.log2(maxTokens) / 2);
  return tokensClass === DEFAULT_TOKENS_CLASS ? undefined : tokensClass;
}

/** Jobs of one model with about the same number of tasks, of about the same length, take about the same time. */
export function kindOf(job: Pick<JobBase, 'modelId' | 'totalTasks' | 'tokensClass'>): string {
  const { modelId, totalTasks, tokensClass = DEFAULT_TOKENS_CLASS } = job;
  return `${Math.floor(Math.log2(totalTasks))}:${tokensClass}/${modelId}`;
}

/**
 * What is remembered in one of a kind's slots. Which job teaches there is decided at its submission, before anybody can
 * know how long it takes: those that happen to end first, or last, would teach too short or too long a time.
 */
export interface Lesson {
  readonly submittedAt: Millis;
  /** How long it took or, while it is under way, how long the one before it did; null: there was none. */
  readonly seconds: number | null;
  readonly isUnderWay: boolean;
}

export type Lessons = readonly (Lesson | undefined)[];

const CODES = 10_000;
const CODE_STEP = Math.log(1.002);
const SECONDS_MIN = 0.04;
const TICK_MILLIS = 10;

/**
 * Within half a minute, the order of submissions is shuffled, always alike. Jobs that come at once may find the same slots free, and
 * only one of them stays in each: were it always the last one, which may have to wait for all others, it would teach too long a time.
 */
const SHUFFLED_TICKS = 3000;
/** One undoes the other, as their product is 1 modulo SHUFFLED_TICKS. */
const SHUFFLE = 1847;
const UNSHUFFLE = 2183;

function reordered(tick: number, factor: number): number {
  const place = tick % SHUFFLED_TICKS;
  return tick - place + ((place * factor) % SHUFFLED_TICKS);
}

function rankOf(submittedAt: Millis): number {
  return reordered(Math.floor(submittedAt / TICK_MILLIS), SHUFFLE);
}

/** One number, so that a slot costs few bytes. The larger one stays: of a later half minute, and for the same job that of its end. */
export function encoded({ submittedAt, seconds, isUnderWay }: Lesson): number {
  const steps = seconds === null ? -1 : Math.round(Math.log(Math.max(1, seconds / SECONDS_MIN)) / CODE_STEP);
  const moment = 2 * rankOf(submittedAt) + (isUnderWay ? 0 : 1);
  return moment * CODES + Math.min(CODES - 1, steps + 1);
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
    seconds: code === 0 ? null : SECONDS_MIN * Math.exp((code - 1) * CODE_STEP),
    isUnderWay: moment % 2 === 0,
  };
}

/** What is known of how long jobs of a kind take, in seconds. */
export interface Durations {
  /** Of jobs that have ended, the latest submission first. */
  known: readonly number[];
  /** Jobs that still run have taken this long already. */
  atLeast: readonly number[];
}

/** A teacher that has not ended for so many terms never will: it was cancelled, or has expired. */
const TERMS_UNTIL_GONE = 8;

/** While a teacher is younger than its predecessor became, that one stands in for it; then all that is known is its age. */
export function durationsAt(now: Millis, lessons: Lessons): Durations {
  const known: number[] = [];
  const atLeast: number[] = [];
  const latest = latestFirst(lessons);
  const ended = latest.flatMap(({ seconds }) => seconds ?? []);
  const gone = ended.length === 0 ? Number.POSITIVE_INFINITY : (TERMS_UNTIL_GONE * termMillis(ended)) / 1000;
  for (const { submittedAt, seconds, isUnderWay } of latest) {
    const age = (now - submittedAt) / 1000;
    if (isUnderWay && age > (seconds ?? 0) && age < gone) atLeast.push(age);
    else if (seconds !== null) known.push(seconds);
  }
  return { known, atLeast };
}

const AT_ONCE = 1 / 16;

/** Those that came at once stay in the order of their slots: that the last of them waited longest is no change of speed. */
function latestFirst(lessons: Lessons): Lesson[] {
  const slots = lessons.filter((lesson) => lesson !== undefined);
  const crowds = new Map<Lesson, number>();
  let [crowd, later] = [0, Number.POSITIVE_INFINITY];
  for (const lesson of slots.toSorted((a, b) => b.submittedAt - a.submittedAt)) {
    if ((later - lesson.submittedAt) / 1000 > AT_ONCE * (lesson.seconds ?? 0)) crowd += 1;
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
export function termMillis(known: readonly number[]): Millis {
  const sorted = known.toSorted((a, b) => a - b);
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
  const crowded = ordered.filter(({ submittedAt, seconds }, i) => {
    const later = ordered[i + CROWD];
    return later && later.submittedAt - submittedAt < 1000 * (seconds ?? 0);
  });
  return crowded.length >= CROWDED_MIN;
}

/** How far from a known duration a new one near it may lie, as a share. */
const JITTER = 0.005;
/** Weighs as much as so many known durations, so that what is new can be learned. */
const NEWS = 2;
/** After a first poll that finds the job ended, which says little: it may have ended up to so many octaves earlier. */
const BLIND_NEWS = 8;
const BLIND_OCTAVES = 4.5;
/** If fewer of the known jobs ended this early, it is a surprise: the model may have become much faster. */
const SURPRISE_SHARE = 0.3;

/**
 * A duration to record. ModelStudio says only that a job finished between two polls, and the time of the second one would teach
 * us our own delay, again and again: it is drawn from the known ones in between or, as they may be wrong, from all that could be.
 * All in seconds, the job last seen running at `from`, or never if that is 0.
 */
export function sampleDuration(from: number, to: number, random: number, known: readonly number[]): number {
  const between = known.filter((seconds) => seconds > from && seconds <= to);
  const news = from > 0 ? NEWS : BLIND_NEWS;
  const place = random * (between.length + news);
  const near = between[Math.floor(place)];
  if (near !== undefined) {
    const jittered = near * (1 + JITTER * (2 * (place % 1) - 1));
    return Math.min(to, Math.max(from, jittered));
  }
  const share = (place - between.length) / news;
  if (from > 0) return from + share * (to - from);
  const asEarly = known.filter((seconds) => seconds <= to).length;
  // For a surprise, all octaves are equally likely; otherwise the last ones are likelier, where such jobs do end.
  const far = asEarly < SURPRISE_SHARE * known.length ? share : share ** 2.25;
  return to * 2 ** (-BLIND_OCTAVES * far);
}
