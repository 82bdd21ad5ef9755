import type { Millis } from '../../functions/core/job.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import { mixed } from './injections.ts';
import type { Random } from './random.ts';

/** A later release is deployed, rolled back, and deployed again for good. */
export interface Rollout {
  comesAt: Millis;
  goesAt: Millis;
  returnsAt: Millis;
  /** Of a function's environments, at first. */
  share: number;
  /** Nothing else goes wrong. */
  isAlone: boolean;
}

/** A deployment updates one function after another. */
const DEPLOYMENT_MILLIS = 60_000;

/** Some rollbacks last longer than a message that fails is tried. */
export function drawRollout(random: Random, start: Millis): Rollout {
  const comesAt = start + random.between(0, 300) * 1000;
  const goesAt = comesAt + random.pick([60, 200, 500]) * 1000;
  const returnsAt = goesAt + random.pick([60, 400, 3000]) * 1000;
  return { comesAt, goesAt, returnsAt, share: random.pick([0.5, 1]), isAlone: random.happens(0.5) };
}

/** How much later than the first one a function is updated. */
function lagOf(name: FunctionName): Millis {
  return mixed(0, name) % DEPLOYMENT_MILLIS;
}

/** The share of a function's new environments that are of the later release. */
export function shareOfLater(rollout: Rollout, name: FunctionName, now: Millis): number {
  const { comesAt, goesAt, returnsAt, share } = rollout;
  const then = now - lagOf(name);
  if (then < comesAt) return 0;
  if (then < goesAt) return share;
  return then < returnsAt ? 0 : 1;
}

/** Since when all of a function's new environments are of the later release; infinity while some are not. */
export function laterSince(rollout: Rollout, name: FunctionName, now: Millis): Millis {
  if (shareOfLater(rollout, name, now) < 1) return Number.POSITIVE_INFINITY;
  const { comesAt, goesAt, returnsAt } = rollout;
  return lagOf(name) + (now - lagOf(name) < goesAt ? comesAt : returnsAt);
}

/** Since when none of them is, after the later release has gone; infinity at other times. */
export function goneSince({ goesAt, returnsAt }: Rollout, name: FunctionName, now: Millis): Millis {
  const then = now - lagOf(name);
  return goesAt <= then && then < returnsAt ? lagOf(name) + goesAt : Number.POSITIVE_INFINITY;
}

/** From then on, all of them are. */
export function endOf({ returnsAt }: Rollout): Millis {
  return returnsAt + DEPLOYMENT_MILLIS;
}
