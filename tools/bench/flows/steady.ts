import { AGES } from '../../../functions/core/polling/survival.ts';
import type { DurationStats } from '../../../functions/ports.ts';

/** This share of the jobs that run ends within a gap, at all ages: then the best gap g solves exp(hg) - 1 - hg = λh. */
const ENDED = 0.1;

/** Duration stats by which the next poll comes after this many seconds, whatever the job's age, and which learn nothing. */
export function steadyStats(seconds: number): DurationStats {
  const hazard = ENDED / seconds;
  const survival = AGES.map((age) => Math.exp(-hazard * age));
  const lagPerPollSeconds = (Math.expm1(ENDED) - ENDED) / hazard;
  return {
    forecast: async () => ({ durations: [], survival, lagPerPollSeconds }),
    enroll: async () => null,
    record: async () => undefined,
    throttled: async () => undefined,
  };
}
