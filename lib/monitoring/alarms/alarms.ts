import { API } from './api.ts';
import { CAPACITY } from './functions-and-tables.ts';
import { MODELSTUDIO } from './modelstudio.ts';
import { QUEUES } from './queues-and-dead-letters.ts';
import { RESULTS } from './results.ts';
import type { AlarmRow } from './row.ts';
import { SWEEPER } from './sweeper.ts';
import { WEBHOOKS } from './webhooks.ts';

/**
 * Every alarm, in the order of docs/runbook.md, which explains each threshold. None is raised by a single
 * event from which the stack recovers by itself, unless somebody must look at that very event.
 */
export const ALARMS: readonly AlarmRow[] = [
  ...SWEEPER,
  ...QUEUES,
  ...CAPACITY,
  ...API,
  ...MODELSTUDIO,
  ...RESULTS,
  ...WEBHOOKS,
];
