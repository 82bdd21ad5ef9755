import type { JobRow, Millis, Place } from '../job.ts';
import { SUBMIT_LEASE_MILLIS } from '../limits.ts';
import type { Report } from '../upstream/report.ts';

/** One of the places of jobs that may run at ModelStudio at once, and which job has taken it. */
export interface HeldPlace extends Pick<Place, 'number' | 'token'> {
  readonly jobId: string;
  readonly takenAt: Millis;
}

/** How long a job that may exist or run keeps its place, unless such jobs have been seen to take longer. */
const UNKNOWN_KEPT_SECONDS = 600;
/** A job that ended here first, such as one that was cancelled, is asked about for so long. */
const ASKED_ABOUT_MILLIS = 86_400_000;

/**
 * Whether a place is free again although nobody has released it; if only ModelStudio knows, its name for the job.
 * @param job null: there is none. 'unreadable': of a later release, so that it may exist for all that is known here
 */
export function reviewed(
  place: HeldPlace,
  job: JobRow | 'unreadable' | null,
  now: Millis,
  durations: readonly number[],
): 'held' | 'free' | { upstreamJobId: string } {
  const age = now - place.takenAt;
  const kept = mayStillRun(place, now, durations) ? 'held' : 'free';
  if (job === 'unreadable') return kept;
  const isNamed = job?.place?.token === place.token;
  // The row names its place before ModelStudio is asked, and forgets it if the job is not created or may be created again.
  if (!isNamed && !job?.submissions) return age < SUBMIT_LEASE_MILLIS ? 'held' : 'free';
  if (job && isNamed) {
    if (!('finishedAt' in job)) return 'held';
    const { upstreamJobId } = job.place;
    if (upstreamJobId) return now - job.finishedAt < ASKED_ABOUT_MILLIS ? { upstreamJobId } : 'free';
  }
  return kept;
}

/** Whether a job that has ended here is over at ModelStudio, too, by what that reports on it. */
export function isOverThere(
  report: Report,
  place: HeldPlace,
  now: Millis,
  durations: readonly number[],
): boolean {
  switch (report.kind) {
    case 'completed':
    case 'failed':
    case 'unreadable':
      return true;
    // Such an answer may pass, and a job that runs may have large results already. If it goes on, nobody can know more.
    case 'missing':
      return report.isGone || !mayStillRun(place, now, durations);
    case 'too_large':
      return !mayStillRun(place, now, durations);
    case 'running':
    case 'too_slow':
    case 'transient_error':
      return false;
  }
}

function mayStillRun({ takenAt }: HeldPlace, now: Millis, durations: readonly number[]): boolean {
  return now - takenAt < Math.max(UNKNOWN_KEPT_SECONDS, ...durations) * 1000;
}
