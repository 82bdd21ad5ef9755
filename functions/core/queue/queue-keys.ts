import type { JobRow, Millis } from '../job.ts';

/** A job's row as the index has it. */
export interface Waiting {
  jobId: string;
  turn: number;
  since: Millis;
}

export const QUEUE = 'queue';

const DIGITS = 15;
const padded = (number: number) => String(number).padStart(DIGITS, '0');

/** The keys of the sparse index of queued jobs, in the order of their turns. */
export function queueKeys(job: JobRow): { queueName?: string; queuePlace?: string } {
  if (job.status !== 'queued') return {};
  const { turn, since = job.createdAt } = job.queueing;
  return { queueName: QUEUE, queuePlace: `${padded(turn)}/${padded(since)}` };
}

export function waitingAt(jobId: string, place: string): Waiting {
  const [turn, since] = place.split('/').map(Number);
  return { jobId, turn: turn ?? 0, since: since ?? 0 };
}
