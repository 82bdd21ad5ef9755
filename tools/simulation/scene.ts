import type { Random } from './random.ts';

/** What a run is like apart from its faults. */
export interface Scene {
  webhookSchedule: number[];
  defaultWebhookUrl: string | null;
  retentionDays: number;
  /** Jobs of days instead of minutes. */
  isLong: boolean;
  /** Submissions that were abandoned all at once, for the sweeper to end. */
  crowd: number;
  /** Some jobs go to queues and buses. */
  hasDestinations: boolean;
}

/** Shorter than the deployed one, so that runs end; with no wait at all, and one that takes hops. */
const SCHEDULE = [0, 0, 5, 60, 300, 2000];
/** So many attempts that a job's log must leave some out. */
const QUICK_SCHEDULE = [1, 0, 1, 1, 1, 1, 1, 1, 1, 1];

/** @param ofDestinations a chance of their own, so that what else is drawn is the same without them */
export function drawScene(random: Random, ofDestinations: Random): Scene {
  return {
    webhookSchedule: random.happens(0.07) ? QUICK_SCHEDULE : SCHEDULE,
    defaultWebhookUrl: random.happens(0.3) ? 'https://hooks.example.com/h' : null,
    retentionDays: random.pick([8, 30]),
    isLong: random.happens(0.025),
    crowd: random.happens(0.01) ? 250 : 0,
    hasDestinations: ofDestinations.happens(0.12),
  };
}
