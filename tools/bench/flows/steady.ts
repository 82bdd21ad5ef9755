import { scheduleFor } from '../../../functions/core/polling/forecast.ts';
import type { DurationStats } from '../../../functions/ports.ts';

/** So small a hazard that no gap ends a job: then the best one is √(2λ / h). */
const HAZARD = 1e-12;
const SCHEDULE = scheduleFor([]).fill(HAZARD);

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
