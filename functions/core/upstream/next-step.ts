import {
  type Doubt,
  type JobBase,
  type JobError,
  type Millis,
  type RunningJob,
  runningSince,
} from '../job.ts';
import { type JobProgress, nextPollSeconds, type PollForecast } from '../polling/next-poll.ts';
import { type End, expired, jobError, lastAnswer, NOTHING_DONE, type Report } from './report.ts';

export type Next =
  /** The report is too much for the poller; the collector takes it at once. */
  | { step: 'collect' }
  | ({ step: 'wait'; seconds: number; completedTasks: number; doubt: Doubt | null } & Partial<
      Pick<JobBase, 'parts' | 'totalTasks'>
    >)
  | { step: 'finish'; end: End };

/** How long each doubt may last before it is believed. */
const PATIENCE_MILLIS = { missing: 600_000, gaps: 60_000, unreadable: 600_000 } as const;
/** At least this many polls fall into that time, even if the plan has fewer. */
const POLLS_IN_DOUBT = 6;

export function nextStep(
  job: RunningJob,
  report: Report,
  { now, polledAt }: { now: Millis; polledAt: Millis },
  forecast: PollForecast,
  isCollector: boolean,
): Next {
  const progress = Math.max(job.completedTasks, completedTasksIn(report, job.totalTasks));
  const wait = (doubt: Doubt | null, atLeastSeconds = 0): Next => {
    const isDue = job.expiresAt <= now;
    const said = lastAnswer(report, job.totalTasks);
    if (isDue) return { step: 'finish', end: expired({ ...job, completedTasks: progress }, said) };
    const countedAt = report.kind === 'running' && report.completedTasks !== null ? now : polledAt;
    const planned = nextPollSeconds(progressOf(job, progress, now, countedAt), forecast, atLeastSeconds);
    // An answer that says nothing about the job is no reason to hurry, even if there was a doubt before it.
    const isRaised = doubt !== null && report.kind !== 'transient_error' && report.kind !== 'too_slow';
    const seconds = isRaised ? Math.min(planned, secondsInDoubt(doubt, job, now)) : planned;
    return { step: 'wait', seconds, completedTasks: progress, doubt };
  };
  const finish = (status: End['status'], end: Partial<End>): Next => {
    return { step: 'finish', end: { ...NOTHING_DONE, completedTasks: progress, ...end, status } };
  };
  switch (report.kind) {
    case 'completed': {
      const doubt = doubtOf(job, 'gaps', now);
      if (report.results.missing > 0 && !isSettled(doubt, job, now)) return wait(doubt);
      return finish('completed', { completedTasks: job.totalTasks, results: report.results });
    }
    case 'failed':
      return finish('failed', { results: report.results, error: failure(report) });
    case 'unreadable': {
      const doubt = doubtOf(job, 'unreadable', now);
      if (!isSettled(doubt, job, now)) return wait(doubt);
      return finish('failed', { error: jobError('results_unreadable') });
    }
    case 'too_large':
      if (!isCollector) return { step: 'collect' };
      return finish('failed', { error: jobError('results_too_large') });
    case 'too_slow':
      return isCollector ? wait(job.doubt) : { step: 'collect' };
    case 'missing': {
      const doubt = doubtOf(job, 'missing', now);
      // ModelStudio has reported on it, so it exists, whatever this answer says.
      const isLost = report.isGone || (!job.isSeen && now - doubt.since >= PATIENCE_MILLIS.missing);
      return isLost ? finish('failed', { error: jobError('modelstudio_job_missing') }) : wait(doubt);
    }
    case 'running':
      return wait(null);
    case 'transient_error': {
      // An earlier answer that the job is missing may have come from a proxy.
      const isRefuted = report.cause === 'invalid_response' && job.doubt?.about === 'missing';
      return wait(isRefuted ? null : job.doubt, report.retryAfterSeconds);
    }
  }
}

function doubtOf({ doubt }: RunningJob, about: Doubt['about'], now: Millis): Doubt {
  return doubt?.about === about ? doubt : { about, since: now };
}

/** A job that has ended is ended, at the latest when it expires, even if its results remain in doubt. */
function isSettled({ about, since }: Doubt, job: RunningJob, now: Millis): boolean {
  return now - since >= PATIENCE_MILLIS[about] || job.expiresAt <= now;
}

function failure({ isCancelled, sentence }: Report & { kind: 'failed' }): JobError {
  const said = sentence === null ? null : `It said: ${sentence}`;
  return jobError(isCancelled ? 'modelstudio_job_cancelled' : 'modelstudio_job_failed', said);
}

type Progressing = JobBase & Partial<Pick<RunningJob, 'completedTasks' | 'progressAt'>>;

export function progressOf(
  job: Progressing,
  completedTasks: number,
  now: Millis,
  countedAt = now,
): JobProgress {
  const since = runningSince(job);
  const isKnown = completedTasks === job.completedTasks && job.progressAt !== undefined;
  const ages = {
    ageMillis: now - since,
    countedMillis: countedAt - since,
    ...(isKnown && { progressMillis: job.progressAt - since }),
  };
  return { ...ages, leftMillis: job.expiresAt - now, completedTasks, totalTasks: job.totalTasks };
}

/** Often enough to see the doubt pass; a job that was seen and is missing now is polled as if nothing had been said. */
function secondsInDoubt({ about, since }: Doubt, job: RunningJob, now: Millis): number {
  if (about === 'missing' && job.isSeen) return Number.POSITIVE_INFINITY;
  const patience = PATIENCE_MILLIS[about];
  return Math.max(1, Math.ceil(Math.min(patience / POLLS_IN_DOUBT, since + patience - now) / 1000));
}

function completedTasksIn(report: Report, totalTasks: number): number {
  if (report.kind !== 'running' && report.kind !== 'failed') return 0;
  const given = report.kind === 'failed' && report.results ? totalTasks - report.results.missing : 0;
  return Math.min(Math.max(report.completedTasks ?? 0, given), totalTasks);
}
