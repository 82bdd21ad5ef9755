import { scheduleFrom } from '../../../functions/core/polling/forecast.ts';
import type { DurationStats } from '../../../functions/ports.ts';

/** Jobs hardly ever end, and at all ages about as rarely: then the best gap is √(2λ / h). */
const HAZARD = 1e-5;
const SCHEDULE = scheduleFrom([{ center: -Math.log(HAZARD), width: 1, weight: 1 }]);

/** Duration stats by which the next poll comes after this many seconds, whatever the job's age, and which learn nothing. */
export function steadyStats(seconds: number): DurationStats {
  const forecast = { durations: [], schedule: SCHEDULE, lagPerPollSeconds: (seconds ** 2 * HAZARD) / 2 };
  return {
    forecast: async () => forecast,
    enroll: async () => null,
    record: async () => undefined,
    throttled: async () => undefined,
  };
}
