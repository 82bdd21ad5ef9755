import type { Millis, WakeUp } from '../job.ts';
import { DRAIN_LEASE_MILLIS } from '../limits.ts';
import { closedPace, type Pace } from './pace.ts';

/** The key of the gate's row, which lies among the jobs' rows so that the sweeper finds it when its chain is lost. */
export const GATE_ID = 'queue';

/**
 * What the whole deployment knows about its queue. One chain of wake-ups lets the queued jobs through.
 * `draining`: jobs wait, and new ones wait behind them. `lingering`: none was found, and the chain looks once more.
 */
export interface Gate {
  version: number;
  phase: 'idle' | 'lingering' | 'draining';
  /** The chain's latest wake-up. */
  expectedWakeUp: WakeUp;
  /** A worker has the queue to itself until then. */
  leaseUntil: Millis;
  /** Since when no job was found waiting. */
  emptySince: Millis | null;
  /** The turn of the job that was let through last. */
  virtualTime: number;
  /** When a job was last about to be queued. */
  arrivedAt: Millis;
  /** An operator wants nothing to be let through. */
  isPaused: boolean;
  /** Jobs waited last because as many run at ModelStudio as may. */
  isFull: boolean;
  pace: Pace;
}

export const NEW_GATE: Gate = {
  version: 0,
  phase: 'idle',
  // The very first one may come before it is recorded.
  expectedWakeUp: { seq: 0, token: '', dueAt: 0 },
  leaseUntil: 0,
  emptySince: null,
  virtualTime: 0,
  arrivedAt: 0,
  isPaused: false,
  isFull: false,
  pace: closedPace(0, 0),
};

/** How long an empty queue is watched before the chain ends: longer than a job takes from its arrival to its place in the index. */
export const LINGER_MILLIS = 45_000;
const LOOK_AGAIN_MILLIS = 15_000;

/** A job has come, after a refusal that asked for a wait. */
export function arrived(gate: Gate, retryAfterSeconds: number, now: Millis): Gate {
  const pace = closedPace(retryAfterSeconds, now);
  return { ...gate, version: gate.version + 1, phase: 'draining', emptySince: null, pace };
}

/** No job has come to wait, but the chain begins as if one had just been let through. */
export function roused(gate: Gate): Gate {
  return { ...gate, version: gate.version + 1, phase: 'lingering', emptySince: null };
}

export function claimedGate(gate: Gate, now: Millis): Gate {
  const phase = gate.phase === 'idle' ? 'lingering' : gate.phase;
  return { ...gate, version: gate.version + 1, phase, leaseUntil: now + DRAIN_LEASE_MILLIS };
}

export interface Pass extends Pick<Gate, 'pace' | 'virtualTime' | 'isFull'> {
  isEmpty: boolean;
  /** Jobs wait, but none of them could even be read. */
  isStuck: boolean;
  /** Jobs wait that only a later release can read, for whose return the chain goes on. */
  isLeft: boolean;
}

export function passed(gate: Gate, { isEmpty, isStuck, isLeft, ...found }: Pass, now: Millis) {
  const emptySince = isEmpty && !isLeft ? (gate.emptySince ?? now) : null;
  const phase = isEmpty ? 'lingering' : 'draining';
  const after: Gate = { ...gate, ...found, version: gate.version + 1, phase, emptySince, leaseUntil: 0 };
  const mustWait = isEmpty || isStuck || gate.isPaused;
  return { after, dueAt: mustWait ? now + LOOK_AGAIN_MILLIS : Math.max(now, found.pace.nextAt) };
}

/** The chain was lost: a new wake-up, at once. */
export function rescuedGate(gate: Gate, expectedWakeUp: WakeUp): Gate {
  return { ...gate, version: gate.version + 1, expectedWakeUp, leaseUntil: 0 };
}

/** When the sweeper must look after the chain unless it has moved on by then; null if there is none. */
export function gateOverdueAt({ phase, expectedWakeUp, leaseUntil }: Gate): Millis | null {
  if (phase === 'idle') return null;
  return Math.max(expectedWakeUp.dueAt, leaseUntil) + GATE_LOST_AFTER_MILLIS;
}

const GATE_LOST_AFTER_MILLIS = 60_000;
