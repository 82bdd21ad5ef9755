import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Millis } from '../core/job.ts';
import { afterRefusal, lagPerPollUnder, type Pressure, spacingAt } from '../core/polling/backpressure.ts';
import { DURATIONS_KEPT, type Pace, paceOf } from '../core/polling/forecast.ts';
import type { Clock, Experience } from '../ports.ts';

const DURATIONS_CACHE_MILLIS = 60_000;
const PRESSURE_CACHE_MILLIS = 15_000;
const KINDS_MAX = 500;
/** Under load, a few jobs of each second teach as much as all of them. */
const LEARN_EVERY_MILLIS = 1000;
const REFUSALS_EVERY_MILLIS = 2000;
/** Beside the kinds of jobs, whose names begin with a digit. */
const PRESSURE_KEY = 'pressure';

export interface ExperienceStore {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
  /** λ, when ModelStudio bears the polling well. */
  lagPerPoll: number;
  /** Told of what went wrong: nothing that is done here may hold up a job. */
  onError(error: unknown): void;
}

/** Experience in DynamoDB: an item for each kind of job, and one for the pressure, under the key `kind`. */
export function createExperience(store: ExperienceStore): Experience {
  const durations = new Durations(store);
  const pressure = new PressureGauge(store);
  return {
    async outlook(kind) {
      const [known, spacing] = await Promise.all([durations.of(kind), pressure.spacing()]);
      return { ...known, lagPerPoll: lagPerPollUnder(store.lagPerPoll, spacing) };
    },
    learn: (kind, seconds) => durations.learn(kind, seconds),
    refused: () => pressure.refused(),
  };
}

async function itemOf(
  { client, tableName, onError }: ExperienceStore,
  kind: string,
): Promise<Record<string, unknown>> {
  try {
    const get = new GetItemCommand({ TableName: tableName, Key: marshall({ kind }) });
    const { Item } = await client.send(get);
    return Item ? unmarshall(Item) : {};
  } catch (error) {
    onError(error);
    return {};
  }
}

interface Learnt {
  durations: number[];
  pace: Pace;
  /** How many there have been. */
  count: number;
  until: Millis;
  learntAt: Millis;
}

/**
 * The latest durations of each kind, in the attributes s0 to s63, each of which is written over in its turn; `n` is
 * how many there have been. To write one takes no read, and forgets the oldest.
 */
class Durations {
  readonly #store: ExperienceStore;
  readonly #kinds = new Map<string, Learnt>();

  constructor(store: ExperienceStore) {
    this.#store = store;
  }

  async of(kind: string): Promise<Learnt> {
    const known = this.#kinds.get(kind);
    const now = this.#store.clock.now();
    if (known && known.until > now) return known;
    const { n, ...slots } = await itemOf(this.#store, kind);
    const read = Object.values(slots).filter((value) => typeof value === 'number');
    const durations = read.length > 0 || !known ? read : known.durations;
    const learnt = {
      durations,
      pace: paceOf(durations),
      count: typeof n === 'number' ? n : (known?.count ?? 0),
      until: now + DURATIONS_CACHE_MILLIS,
      learntAt: known?.learntAt ?? Number.NEGATIVE_INFINITY,
    };
    if (this.#kinds.size >= KINDS_MAX) this.#kinds.clear();
    this.#kinds.set(kind, learnt);
    return learnt;
  }

  async learn(kind: string, seconds: number): Promise<void> {
    const { client, tableName, clock, onError } = this.#store;
    const learnt = await this.of(kind);
    if (clock.now() - learnt.learntAt < LEARN_EVERY_MILLIS) return;
    learnt.learntAt = clock.now();
    const slot = learnt.count++ % DURATIONS_KEPT;
    const update = new UpdateItemCommand({
      TableName: tableName,
      Key: marshall({ kind }),
      UpdateExpression: `SET s${slot} = :seconds ADD n :one`,
      ExpressionAttributeValues: marshall({ ':seconds': rounded(seconds), ':one': 1 }),
    });
    await client.send(update).catch(onError);
  }
}

/** Three digits are more than a duration is worth, and keep the item below a kilobyte, the price of one write. */
function rounded(seconds: number): number {
  return Number(seconds.toPrecision(3));
}

/** What all pollers of the deployment know of ModelStudio's refusals, give or take some seconds. */
class PressureGauge {
  readonly #store: ExperienceStore;
  #pressure: Pressure | null = null;
  #readUntil = Number.NEGATIVE_INFINITY;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(store: ExperienceStore) {
    this.#store = store;
  }

  async spacing(): Promise<number> {
    const { clock } = this.#store;
    if (this.#readUntil <= clock.now()) {
      this.#readUntil = clock.now() + PRESSURE_CACHE_MILLIS;
      const { spacing, at } = (await itemOf(this.#store, PRESSURE_KEY)) as Partial<Pressure>;
      const read = spacing === undefined || at === undefined ? null : { spacing, at };
      if (spacingAt(read, clock.now()) > spacingAt(this.#pressure, clock.now())) this.#pressure = read;
    }
    return spacingAt(this.#pressure, clock.now());
  }

  async refused(): Promise<void> {
    const { client, tableName, clock, onError } = this.#store;
    const now = clock.now();
    if (now - this.#refusedAt < REFUSALS_EVERY_MILLIS) return;
    this.#refusedAt = now;
    // Others may have raised it since it was read.
    this.#readUntil = Number.NEGATIVE_INFINITY;
    await this.spacing();
    this.#pressure = afterRefusal(this.#pressure, now);
    const Item = marshall({ kind: PRESSURE_KEY, ...this.#pressure });
    await client.send(new PutItemCommand({ TableName: tableName, Item })).catch(onError);
  }
}
