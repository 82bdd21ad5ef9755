import {
  type PollSchedule,
  scheduleFor,
  secondsToNextPoll,
} from '../../../functions/core/polling/forecast.ts';
import type { DurationStats } from '../../../functions/ports.ts';

/** Duration stats by which the next poll comes after this many seconds, whatever the job's age, and which learn nothing. */
export function steadyStats(seconds: number): DurationStats {
  const pace = PACES.get(seconds) ?? AGES.map((age) => age / seconds);
  PACES.set(seconds, pace);
  // At λ = ½ one looks again each time the pace has grown by one.
  const forecast = { durations: [], schedule: pace, lagPerPollSeconds: 0.5 };
  return {
    forecast: async () => forecast,
    enroll: async () => null,
    record: async () => undefined,
    throttled: async () => undefined,
  };
}

const PACES = new Map<number, PollSchedule>();
const AGES = agesOfTheGrid();

/** The planner's own grid, read off it: where a pace jumps, there is the next look. */
function agesOfTheGrid(): Float64Array {
  const { length } = scheduleFor([]);
  return Float64Array.from({ length }, (_, i) => {
    const jump = Float64Array.from({ length }, (_, j) => (j > i ? 1e300 : 0));
    return i + 1 < length ? secondsToNextPoll(jump, 0, 0.5) : Number.POSITIVE_INFINITY;
  });
}
