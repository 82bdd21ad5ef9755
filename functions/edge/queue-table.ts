import { randomUUID } from 'node:crypto';
import {
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Millis } from '../core/job.ts';
import { GATE_ID, type Gate, gateOverdueAt, NEW_GATE } from '../core/queue/gate.ts';
import { QUEUE, type Waiting, waitingAt } from '../core/queue/queue-keys.ts';
import type { Clock, Queue } from '../ports.ts';
import { succeeded } from './jobs-table.ts';

const PAGE_SIZE = 100;
/** Above every place in the queue, which begins with a digit. */
const LAST_PLACE = ':';
/** The gate is in the sweeper's index like a job whose wake-up may be lost. */
const GATE_SHARD = 0;

/** How long a worker that saw a refusal reads the gate before each create, and how old that reading may be. */
const SUSPECT_MILLIS = 120_000;
const CACHE_MILLIS = 1000;
/** A client that has queued nothing for so long begins anew, where the others are. */
const TURN_KEPT_SECONDS = 8 * 86_400;

type Terms = Partial<UpdateItemCommandInput>;

/**
 * The queue is in the jobs' table: the gate and each client's latest turn are rows of their own, and the index `queue`
 * has the jobs. A client's jobs get consecutive turns, from where the queue is when the first one comes, so
 * that the jobs of several clients alternate (start-time fair queueing).
 */
export class QueueTable implements Queue {
  readonly #client: DynamoDBClient;
  readonly #tableName: string;
  readonly #clock: Clock;
  readonly #isBounded: boolean;
  #suspectUntil: Millis = 0;
  #known: { gate: Gate; until: Millis } | null = null;

  /** @param isBounded queued jobs wait for places, too, so that a worker which has seen no refusal must look as well */
  constructor(client: DynamoDBClient, tableName: string, clock: Clock, isBounded: boolean) {
    this.#isBounded = isBounded;
    this.#client = client;
    this.#tableName = tableName;
    this.#clock = clock;
  }

  async isDraining(): Promise<boolean> {
    const now = this.#clock.now();
    if (now >= this.#suspectUntil && !this.#isBounded) return false;
    if (this.#known === null || this.#known.until <= now)
      this.#known = { gate: await this.gate(), until: now + CACHE_MILLIS };
    const isDraining = this.#known.gate.phase === 'draining';
    if (isDraining) this.#suspectUntil = now + SUSPECT_MILLIS;
    return isDraining;
  }

  async arrive(client: string): Promise<{ turn: number; gate: Gate }> {
    const now = this.#clock.now();
    this.#suspectUntil = now + SUSPECT_MILLIS;
    this.#known = null;
    const row = await this.#update(GATE_ID, {
      UpdateExpression: 'SET arrivedAt = :now',
      ExpressionAttributeValues: marshall({ ':now': now }),
    });
    const gate = gateIn(row);
    return { gate, turn: await this.#nextTurn(`turn/${client}`, gate.virtualTime) };
  }

  async #nextTurn(row: string, virtualTime: number): Promise<number> {
    for (;;) {
      const { turn } = await this.#update(row, {
        UpdateExpression: 'SET #ttl = :ttl ADD turn :one',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: marshall({
          ':ttl': Math.ceil(this.#clock.now() / 1000) + TURN_KEPT_SECONDS,
          ':one': 1,
        }),
      });
      if (Number(turn) > virtualTime) return Number(turn);
      const raise = this.#update(row, {
        UpdateExpression: 'SET turn = :next',
        ConditionExpression: 'turn <= :now',
        ExpressionAttributeValues: marshall({ ':next': virtualTime + 1, ':now': virtualTime }),
      });
      if (await succeeded(raise)) return virtualTime + 1;
    }
  }

  async next(): Promise<Waiting[]> {
    const query = new QueryCommand({
      TableName: this.#tableName,
      IndexName: 'queue',
      KeyConditionExpression: 'queueName = :queue AND queuePlace <= :last',
      ExpressionAttributeValues: marshall({ ':queue': QUEUE, ':last': LAST_PLACE }),
      Limit: PAGE_SIZE,
    });
    const { Items = [] } = await this.#client.send(query);
    return Items.map(({ jobId, queuePlace }) => waitingAt(jobId?.S ?? '', queuePlace?.S ?? ''));
  }

  async gate(): Promise<Gate> {
    return gateIn(await this.#readGate());
  }

  async replaceGate(gate: Gate, unlessArrivedAfter: Millis | null = null): Promise<boolean> {
    const { version, arrivedAt, isPaused, ...state } = gate;
    const writeId = randomUUID();
    const sweepAt = gateOverdueAt(gate);
    const isBefore = version === 1 ? 'attribute_not_exists(version)' : 'version = :before';
    const write = this.#update(GATE_ID, {
      UpdateExpression: `SET version = :version, gate = :gate, writeId = :writeId${
        sweepAt === null ? ' REMOVE sweepShard, sweepAt' : ', sweepShard = :shard, sweepAt = :sweepAt'
      }`,
      ConditionExpression: unlessArrivedAfter === null ? isBefore : `${isBefore} AND arrivedAt <= :since`,
      ExpressionAttributeValues: marshall({
        ':version': version,
        ':gate': state,
        ':writeId': writeId,
        ...(version > 1 && { ':before': version - 1 }),
        ...(unlessArrivedAfter !== null && { ':since': unlessArrivedAfter }),
        ...(sweepAt !== null && { ':shard': GATE_SHARD, ':sweepAt': sweepAt }),
      }),
    });
    // The SDK repeats a write whose answer was lost, and then finds its own.
    return (await succeeded(write)) || (await this.#readGate())['writeId'] === writeId;
  }

  async #readGate(): Promise<Record<string, unknown>> {
    const get = new GetItemCommand({ ...this.#row(GATE_ID), ConsistentRead: true });
    return unmarshall((await this.#client.send(get)).Item ?? {});
  }

  async #update(jobId: string, terms: Terms): Promise<Record<string, unknown>> {
    const update = new UpdateItemCommand({ ...this.#row(jobId), ...terms, ReturnValues: 'ALL_NEW' });
    const { Attributes } = await this.#client.send(update);
    return unmarshall(Attributes ?? {});
  }

  #row(jobId: string) {
    return { TableName: this.#tableName, Key: { jobId: { S: jobId } } };
  }
}

function gateIn({ version, gate, arrivedAt, isPaused }: Record<string, unknown>): Gate {
  return {
    ...NEW_GATE,
    ...(gate as Partial<Gate> | undefined),
    version: Number(version ?? 0),
    arrivedAt: Number(arrivedAt ?? 0),
    isPaused: isPaused === true,
  };
}
