import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Millis } from '../core/job.ts';
import { DURATIONS_CALL_MILLIS } from '../core/limits.ts';
import { afterThrottle, type Backpressure, slowdownAt } from '../core/polling/backpressure.ts';
import { type Forecast, forecastOf, type Span } from '../core/polling/forecast.ts';
import {
  decoded,
  durationsAt,
  encoded,
  encodedFrom,
  isCrowded,
  type Lesson,
  SLOTS,
  slotToTeachIn,
  termMillis,
} from '../core/polling/lessons.ts';
import type { Clock, DurationStats, Random } from '../ports.ts';
import { createRows, type Row, succeeded, type Terms } from './rows.ts';

const LESSONS_CACHE_MILLIS = 60_000;
/** After a read that failed, what was known before is gone by for so long. */
const READ_AGAIN_MILLIS = 5000;
const BACKPRESSURE_CACHE_MILLIS = 15_000;
const KINDS_MAX = 500;
const REFUSALS_EVERY_MILLIS = 2000;
/** An item next to the kinds, whose names begin with a digit. */
const BACKPRESSURE_KEY = 'backpressure';

export interface DurationStatsStore {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
  random: Pick<Random, 'fraction'>;
  /** λ, when ModelStudio does not throttle. */
  lagPerPollSeconds: number;
  /** Ends a call that takes too long. */
  patience?: () => AbortSignal;
  /** Gets the errors: nothing that is done here may hold up a job. */
  onError(error: unknown): void;
}

/** One DynamoDB item for each kind of jobs, and one for the backpressure, under the key `bucket`. */
export function createDurationStats(store: DurationStatsStore): DurationStats {
  const rows = tolerantRows(store);
  const kinds = lessonsIn(rows, store);
  const backpressure = backpressureIn(rows, store.clock);
  return {
    async forecast(name) {
      const [kind, slowdown] = await Promise.all([kinds.of(name), backpressure.slowdown()]);
      const { durations, survival } = kind;
      // Where jobs end rarely, gaps grow with the square root of λ.
      return { durations, survival, lagPerPollSeconds: store.lagPerPollSeconds * slowdown ** 2 };
    },
    enroll: kinds.enroll,
    record: kinds.record,
    throttled: backpressure.throttled,
  };
}

/** What a table that does not answer soon has is not known: null. */
function tolerantRows({ client, tableName, patience = soon, onError }: DurationStatsStore) {
  // With options, the SDK forgets the stacks that a client has built: those of the other calls stay.
  const apart: DynamoDBClient = Object.create(client);
  const send = (command: never) => apart.send(command, { abortSignal: patience() });
  const rows = createRows({ send: send as DynamoDBClient['send'] }, tableName, 'bucket', false);
  const otherwise =
    <T>(value: T) =>
    (error: unknown): T => {
      onError(error);
      return value;
    };
  return {
    get: (bucket: string) => rows.get(bucket).then((row): Row => row ?? {}, otherwise(null)),
    put: (row: object) => rows.put(row).catch(otherwise(null)),
    update: (bucket: string, terms: Terms) => succeeded(rows.update(bucket, terms)).catch(otherwise(false)),
  };
}

const soon = () => AbortSignal.timeout(DURATIONS_CALL_MILLIS);

interface Kind extends Forecast {
  lessons: (Lesson | undefined)[];
  term: Millis;
  until: Millis;
}

/** The lessons of each kind, in the attributes s0 to s63 of its item. */
function lessonsIn(rows: ReturnType<typeof tolerantRows>, { clock, random }: DurationStatsStore) {
  const kinds = new Map<string, Kind>();
  const readings = new Map<string, Promise<Kind>>();

  async function of(name: string): Promise<Kind> {
    const known = kinds.get(name);
    if (known && known.until > clock.now()) return known;
    // The jobs of a batch are polled at once, and most are of one kind.
    const reading = readings.get(name) ?? read(name, known).finally(() => readings.delete(name));
    readings.set(name, reading);
    return reading;
  }

  async function read(name: string, known: Kind | undefined): Promise<Kind> {
    const now = clock.now();
    const kind = kindIn(await rows.get(name), known, now);
    if (kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(name, kind);
    return kind;
  }

  async function enroll(name: string, submittedAt: Millis): Promise<number | null> {
    const kind = await of(name);
    const { lessons, term } = kind;
    const slot = slotToTeachIn(lessons, term, submittedAt, random.fraction());
    if (slot === null) return null;
    const mustBeKnown = isCrowded(lessons);
    // Before anything is awaited, so that no other job of this environment takes it.
    const before = lessons[slot];
    const lesson = { submittedAt, took: before?.took ?? null, isUnderWay: true };
    lessons[slot] = lesson;
    if (!mustBeKnown) return slot;
    const isTaken = await write(name, slot, lesson, encodedFrom(submittedAt - term));
    if (isTaken) return slot;
    // It is another job's, which is read next.
    lessons[slot] = before;
    kind.until = Number.NEGATIVE_INFINITY;
    return null;
  }

  async function record(name: string, slot: number, submittedAt: Millis, took: Span): Promise<void> {
    const lesson = { submittedAt, took, isUnderWay: false };
    await write(name, slot, lesson, encoded(lesson));
  }

  /** Only where there is nothing, or less than `below`. */
  function write(name: string, slot: number, lesson: Lesson, below: number): Promise<boolean> {
    const at = `s${slot}`;
    return rows.update(name, {
      UpdateExpression: `SET ${at} = :lesson`,
      ConditionExpression: `attribute_not_exists(${at}) OR ${at} < :below`,
      values: { ':lesson': encoded(lesson), ':below': below },
    });
  }

  return { of, enroll, record };
}

/** @param last what was known before: it remains if the table does not answer, and so do the slots that were given out here */
function kindIn(row: Row | null, last: Kind | undefined, now: Millis): Kind {
  const lessons = Array.from({ length: SLOTS }, (_, slot) => {
    const [read, known] = [row?.[`s${slot}`], last?.lessons[slot]];
    const isKnown = known && !(encoded(known) < read);
    return isKnown || typeof read !== 'number' ? known : decoded(read);
  });
  const { ended, running } = durationsAt(now, lessons);
  const until = now + (row === null ? READ_AGAIN_MILLIS : LESSONS_CACHE_MILLIS);
  return { lessons, term: termMillis(ended), until, ...forecastOf(ended, running) };
}

/** What all pollers of the deployment know about ModelStudio's throttling, within 15 s. */
function backpressureIn(rows: ReturnType<typeof tolerantRows>, clock: Clock) {
  let backpressure: Backpressure | null = null;
  let readUntil = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;

  async function slowdown(): Promise<number> {
    if (readUntil <= clock.now()) {
      readUntil = clock.now() + BACKPRESSURE_CACHE_MILLIS;
      const { slowdown, at }: Partial<Backpressure> = (await rows.get(BACKPRESSURE_KEY)) ?? {};
      const read = slowdown === undefined || at === undefined ? null : { slowdown, at };
      if (slowdownAt(read, clock.now()) > slowdownAt(backpressure, clock.now())) backpressure = read;
    }
    return slowdownAt(backpressure, clock.now());
  }

  async function throttled(): Promise<void> {
    const now = clock.now();
    if (now - refusedAt < REFUSALS_EVERY_MILLIS) return;
    refusedAt = now;
    // Other pollers may have raised it since it was read.
    readUntil = Number.NEGATIVE_INFINITY;
    await slowdown();
    backpressure = afterThrottle(backpressure, now);
    await rows.put({ bucket: BACKPRESSURE_KEY, ...backpressure });
  }

  return { slowdown, throttled };
}
