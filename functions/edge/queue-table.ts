import { randomUUID } from 'node:crypto';
import type { Millis } from '../core/job.ts';
import { GATE_ID, type Gate, gateOverdueAt, NEW_GATE } from '../core/queue/gate.ts';
import { QUEUE, waitingAt } from '../core/queue/queue-keys.ts';
import type { Clock, Queue } from '../ports.ts';
import type { Row, Rows, Terms } from './rows.ts';

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

/**
 * The queue is in the jobs' table: the gate and each client's latest turn are rows of their own, and the index `queue`
 * has the jobs. A client's jobs get consecutive turns, from where the queue is when the first one comes, so
 * that the jobs of several clients alternate (start-time fair queueing).
 * @param isBounded queued jobs wait for places, too, so that a worker which has seen no refusal must look as well
 */
export function createJobQueue(rows: Rows, clock: Clock, isBounded: boolean): Queue {
  const known = { isDraining: false, until: 0 };
  let suspectUntil: Millis = 0;

  const gate = async () => gateIn((await rows.get(GATE_ID)) ?? {});

  return {
    gate,

    async isDraining() {
      const now = clock.now();
      if (now >= suspectUntil && !isBounded) return false;
      if (known.until <= now) {
        known.isDraining = (await gate()).phase === 'draining';
        known.until = now + CACHE_MILLIS;
      }
      if (known.isDraining) suspectUntil = now + SUSPECT_MILLIS;
      return known.isDraining;
    },

    async arrive(owner) {
      const now = clock.now();
      suspectUntil = now + SUSPECT_MILLIS;
      known.until = 0;
      const arrival = { UpdateExpression: 'SET arrivedAt = :now', values: { ':now': now } };
      const gate = gateIn(await rows.update(GATE_ID, arrival));
      const ttl = Math.ceil(now / 1000) + TURN_KEPT_SECONDS;
      return { gate, turn: await rows.nextNumber(`turn/${owner}`, gate.virtualTime, ttl) };
    },

    async next(passedOver) {
      const listed = await rows.inQueue(QUEUE, LAST_PLACE, PAGE_SIZE + passedOver);
      return listed.map(({ jobId, queuePlace }) => waitingAt(jobId, queuePlace));
    },

    replaceGate(after, unlessArrivedAfter) {
      const writeId = randomUUID();
      const write = rows.update(GATE_ID, replacement(after, unlessArrivedAfter, writeId));
      return rows.isDone(write, GATE_ID, writeId);
    },
  };
}

function replacement(gate: Gate, unlessArrivedAfter: Millis | undefined, writeId: string): Terms {
  const { version, arrivedAt, isPaused, ...state } = gate;
  const sweepAt = gateOverdueAt(gate);
  const sets = 'SET version = :version, gate = :gate, writeId = :writeId';
  const isBefore = version === 1 ? 'attribute_not_exists(version)' : 'version = :before';
  return {
    UpdateExpression:
      sweepAt === null
        ? `${sets} REMOVE sweepShard, sweepAt`
        : `${sets}, sweepShard = :shard, sweepAt = :sweepAt`,
    ConditionExpression:
      unlessArrivedAfter === undefined
        ? isBefore
        : // The queue may have been woken before anybody has ever arrived.
          `${isBefore} AND arrivedAt <= :since OR ${isBefore} AND attribute_not_exists(arrivedAt)`,
    values: {
      ':version': version,
      ':gate': state,
      ':writeId': writeId,
      ...(version > 1 && { ':before': version - 1 }),
      ...(unlessArrivedAfter !== undefined && { ':since': unlessArrivedAfter }),
      ...(sweepAt !== null && { ':shard': GATE_SHARD, ':sweepAt': sweepAt }),
    },
  };
}

function gateIn({ version, gate, arrivedAt, isPaused }: Row): Gate {
  return {
    ...NEW_GATE,
    ...(gate as Partial<Gate> | undefined),
    version: Number(version ?? 0),
    arrivedAt: Number(arrivedAt ?? 0),
    isPaused: isPaused === true,
  };
}
