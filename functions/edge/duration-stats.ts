import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Millis } from '../core/job.ts';
import { afterThrottle, type Backpressure, slowdownAt } from '../core/polling/backpressure.ts';
import { DURATIONS_KEPT, type PollSchedule, scheduleFor } from '../core/polling/forecast.ts';
import type { Clock, DurationStats } from '../ports.ts';
import { createRows, type Row, type Terms } from './rows.ts';

const DURATIONS_CACHE_MILLIS = 60_000;
const BACKPRESSURE_CACHE_MILLIS = 15_000;
const BUCKETS_MAX = 500;
/** Under load, a few jobs per second teach as much as all of them. */
const RECORD_EVERY_MILLIS = 1000;
const REFUSALS_EVERY_MILLIS = 2000;
/** An item next to the buckets, whose names begin with a digit. */
const BACKPRESSURE_KEY = 'backpressure';

export interface DurationStatsStore {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
  /** λ, when ModelStudio does not throttle. */
  lagPerPollSeconds: number;
  /** Gets the errors: nothing that is done here may hold up a job. */
  onError(error: unknown): void;
}

/** One DynamoDB item for each bucket of jobs, and one for the backpressure, under the key `bucket`. */
export function createDurationStats(store: DurationStatsStore): DurationStats {
  const rows = tolerantRows(store);
  const durations = durationsIn(rows, store.clock);
  const backpressure = backpressureIn(rows, store.clock);
  return {
    async forecast(bucket) {
      const [known, slowdown] = await Promise.all([durations.of(bucket), backpressure.slowdown()]);
      // Gaps grow with the square root of λ.
      return { ...known, lagPerPollSeconds: store.lagPerPollSeconds * slowdown ** 2 };
    },
    record: durations.record,
    throttled: backpressure.throttled,
  };
}

/** The rows of a table that does not answer are empty. */
function tolerantRows({ client, tableName, onError }: DurationStatsStore) {
  const rows = createRows(client, tableName, 'bucket', false);
  const orEmpty = (call: Promise<unknown>): Promise<Row> => call.catch(onError).then((row) => row ?? {});
  return {
    get: (bucket: string) => orEmpty(rows.get(bucket)),
    put: (row: object) => orEmpty(rows.put(row)),
    update: (bucket: string, terms: Terms) => orEmpty(rows.update(bucket, terms)),
  };
}

interface Recorded {
  durations: number[];
  schedule: PollSchedule;
  count: number;
  until: Millis;
  recordedAt: Millis;
}

/** The latest durations of each bucket, in the attributes s0 to s63 in turn: writing one needs no read. `n`: how many there have been. */
function durationsIn(rows: ReturnType<typeof tolerantRows>, clock: Clock) {
  const buckets = new Map<string, Recorded>();

  async function of(bucket: string): Promise<Recorded> {
    const known = buckets.get(bucket);
    const now = clock.now();
    if (known && known.until > now) return known;
    const { n, ...slots } = await rows.get(bucket);
    const read = Object.values(slots).filter((value) => typeof value === 'number');
    const durations = read.length > 0 || !known ? read : known.durations;
    const recorded = {
      durations,
      schedule: scheduleFor(durations),
      count: typeof n === 'number' ? n : (known?.count ?? 0),
      until: now + DURATIONS_CACHE_MILLIS,
      recordedAt: known?.recordedAt ?? Number.NEGATIVE_INFINITY,
    };
    if (buckets.size >= BUCKETS_MAX) buckets.clear();
    buckets.set(bucket, recorded);
    return recorded;
  }

  async function record(bucket: string, seconds: number): Promise<void> {
    const recorded = await of(bucket);
    if (clock.now() - recorded.recordedAt < RECORD_EVERY_MILLIS) return;
    recorded.recordedAt = clock.now();
    const slot = recorded.count++ % DURATIONS_KEPT;
    // Three digits are precise enough, and keep the item below a kilobyte, the price of one write.
    const precise = Number(seconds.toPrecision(3));
    await rows.update(bucket, {
      UpdateExpression: `SET s${slot} = :seconds ADD n :one`,
      values: { ':seconds': precise, ':one': 1 },
    });
  }

  return { of, record };
}

/** What all pollers of the deployment know about ModelStudio's throttling, within a few seconds. */
function backpressureIn(rows: ReturnType<typeof tolerantRows>, clock: Clock) {
  let backpressure: Backpressure | null = null;
  let readUntil = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;

  async function slowdown(): Promise<number> {
    if (readUntil <= clock.now()) {
      readUntil = clock.now() + BACKPRESSURE_CACHE_MILLIS;
      const { slowdown, at } = (await rows.get(BACKPRESSURE_KEY)) as Partial<Backpressure>;
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
