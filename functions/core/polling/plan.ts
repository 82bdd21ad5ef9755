import { DELAY_MAX_SECONDS } from '../sqs-delay.ts';
import { AGES, LAST, placeOf, type Survival } from './survival.ts';

/**
 * Whole seconds until the next poll of a job of that age: the first one of the polls that cost the least. A poll costs λ, the
 * seconds of lag that it is worth, and each second for which a job has ended, and nobody knows, costs one.
 */
export function secondsToNextPoll(survival: Survival, age: number, lagPerPollSeconds: number): number {
  if (placeOf(age) >= LAST) return DELAY_MAX_SECONDS;
  const { shareAt, costAfter } = planOf(survival, cellOf(age), lagPerPollSeconds);
  const running = shareAt(age);
  let [least, wait] = [Number.POSITIVE_INFINITY, DELAY_MAX_SECONDS];
  for (let seconds = 1; seconds <= DELAY_MAX_SECONDS && running * seconds < least; seconds++) {
    const cost = running * seconds + costAfter(age + seconds);
    if (cost < least) [least, wait] = [cost, seconds];
  }
  return wait;
}

interface Plan {
  /** The cell of the grid that it begins with. */
  first: number;
  lagPerPollSeconds: number;
  /** How many jobs run at that age. */
  shareAt(age: number): number;
  /** What is to pay after a poll at that age, and the time that those jobs still run, which no plan changes. */
  costAfter(age: number): number;
}

const plans = new WeakMap<Survival, Plan>();

/** Many polls go by the same forecast. */
function planOf(survival: Survival, first: number, lagPerPollSeconds: number): Plan {
  const known = plans.get(survival);
  if (known && known.first <= first && known.lagPerPollSeconds === lagPerPollSeconds) return known;
  const plan = planFor(survival, first, lagPerPollSeconds);
  plans.set(survival, plan);
  return plan;
}

/**
 * From the last poll backward: if S jobs run at t, and the next poll is at u, they pay S · (u - t + λ), less the time that they
 * ran in between, and then what is to pay after u. Within a cell of the grid, jobs end at a constant rate.
 */
function planFor(survival: Survival, first: number, lagPerPollSeconds: number): Plan {
  const [hazards, times, costs] = [0, 1, 2].map(() => new Float64Array(AGES.length)) as Columns;
  let next = LAST;
  for (let i = LAST - 1; i >= first; i--) {
    const [age, until] = [AGES[i] as number, AGES[i + 1] as number];
    const [running, left] = [survival[i] as number, survival[i + 1] as number];
    const hazard = left > 0 ? Math.log(running / left) / (until - age) : 0;
    hazards[i] = hazard;
    times[i] = (times[i + 1] as number) + (hazard > 0 ? (running - left) / hazard : running * (until - age));
    costs[i] = (costs[i + 1] as number) + costOfPolls(until - age, running, hazard, lagPerPollSeconds);
    // The earlier a poll is, the earlier is the best one after it.
    const latest = next;
    next = i + 1;
    for (let j = latest; j > i && (AGES[j] as number) >= age + 1; j--) {
      const gap = (AGES[j] as number) - age;
      const lag = running * gap - ((times[i] as number) - (times[j] as number));
      const cost = lag + lagPerPollSeconds * running + (costs[j] as number);
      if (gap <= DELAY_MAX_SECONDS && cost < (costs[i] as number)) [costs[i], next] = [cost, j];
    }
  }

  function shareAt(age: number): number {
    const i = cellOf(age);
    return (survival[i] as number) * Math.exp(-(hazards[i] as number) * (age - (AGES[i] as number)));
  }

  function costAfter(age: number): number {
    const i = cellOf(age);
    const [before, after] = [survival[i] as number, survival[i + 1] as number];
    const [seconds, hazard] = [(AGES[i + 1] as number) - age, hazards[i] as number];
    const share = shareAt(age);
    const time = hazard > 0 ? (share - after) / hazard : share * seconds;
    // As many polls are still to come as those that end find.
    const part =
      hazard > 0
        ? (share - after) / (before - after)
        : seconds / ((AGES[i + 1] as number) - (AGES[i] as number));
    const rest = (costs[i + 1] as number) + part * ((costs[i] as number) - (costs[i + 1] as number));
    return (times[i + 1] as number) + time + rest;
  }

  return { first, lagPerPollSeconds, shareAt, costAfter };
}

type Columns = [hazards: Float64Array, times: Float64Array, costs: Float64Array];

function cellOf(age: number): number {
  return Math.min(Math.floor(placeOf(age)), LAST - 1);
}

/**
 * What a cell costs with evenly spaced polls, as many as are best, for where cells are longer than gaps: the best gap g solves
 * exp(hg) - 1 - hg = λh, which is near √(2λ / h), and less where many jobs end within a gap.
 */
function costOfPolls(seconds: number, running: number, hazard: number, lagPerPollSeconds: number): number {
  if (seconds < 1) return Number.POSITIVE_INFINITY;
  const longest = Math.min(seconds, DELAY_MAX_SECONDS);
  if (hazard === 0) return (running * lagPerPollSeconds * seconds) / longest;
  const best = (3 * Math.log1p(Math.sqrt(2 * lagPerPollSeconds * hazard) / 3)) / hazard;
  const gap = Math.min(longest, Math.max(1, best));
  const ended = running * -Math.expm1(-hazard * seconds);
  return ended * ((gap + lagPerPollSeconds) / -Math.expm1(-hazard * gap) - 1 / hazard);
}
