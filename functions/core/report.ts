import type { JobError, Millis, RunningJob } from './job.ts';
import { nextPollSeconds, type Outlook } from './schedule.ts';

/** The results of a job, as JSON text of the array that ModelStudio gave, in the order of the conversations. */
export interface Results {
  json: string;
  failedTasks: number;
}

/** What came of asking ModelStudio about a job. */
export type Report =
  /** `unknownState`: what ModelStudio calls it, if that is no word that we know. */
  | { kind: 'running'; completedTasks: number | null; unknownState: string | null }
  | { kind: 'completed'; completedTasks: number | null; results: Results }
  | { kind: 'failed'; completedTasks: number | null; results: Results | null }
  | { kind: 'missing' }
  | { kind: 'too_large' }
  | Trouble;

/** Nothing was learnt. None of these ends a job: it is asked again until it expires. */
export interface Trouble {
  kind: 'trouble';
  /** `unauthorized` covers 401 and 403, `nonsense` an answer that is not to the schema. */
  cause: 'timeout' | 'cut' | 'not_connected' | 'unauthorized' | 'unavailable' | 'server_error' | 'nonsense';
  retryAfterSeconds: number;
}

/** Of a word that is none of ours. */
const WORD_MAX_LENGTH = 40;

export type Next =
  /** The report is too large for the poller; the collector takes it at once. */
  | { step: 'collect' }
  | { step: 'wait'; seconds: number; completedTasks: number; missingSince: Millis | null }
  | { step: 'finish'; end: End };

export interface End {
  status: 'completed' | 'failed' | 'cancelled' | 'expired';
  completedTasks: number;
  results: Results | null;
  error: JobError | null;
}

/** A job that was just created may be unknown for a moment; one that stays unknown is lost. */
const MISSING_GRACE_MILLIS = 60_000;

const ERRORS = {
  expired: 'The job did not finish before its expires_at.',
  modelstudio_job_failed: 'ModelStudio reported that the job failed.',
  modelstudio_job_missing: 'ModelStudio no longer knows the job.',
  results_too_large: 'The results are larger than this deployment can take in.',
  submission_unknown: 'ModelStudio did not say whether it created the job. It was not repeated.',
};

function jobError(code: keyof typeof ERRORS): JobError {
  return { code, message: ERRORS[code] };
}

/** The end of a job whose creation nobody can vouch for. */
export const submissionUnknown: End = {
  status: 'failed',
  completedTasks: 0,
  results: null,
  error: jobError('submission_unknown'),
};

export function expired(job: RunningJob): End {
  return { status: 'expired', completedTasks: job.completedTasks, results: null, error: jobError('expired') };
}

/** Nothing went wrong, so there is no error. */
export function cancelled(job: RunningJob): End {
  return { status: 'cancelled', completedTasks: job.completedTasks, results: null, error: null };
}

/** Decides what follows from a report on a running job. */
export function afterReport(
  job: RunningJob,
  report: Report,
  now: Millis,
  outlook: Outlook,
  isCollector: boolean,
): Next {
  const progress = Math.max(job.completedTasks, completedTasksIn(report, job.totalTasks));
  switch (report.kind) {
    case 'completed':
      return finish('completed', progress, report.results, null);
    case 'failed':
      return finish('failed', progress, report.results, jobError('modelstudio_job_failed'));
    case 'too_large':
      if (!isCollector) return { step: 'collect' };
      return finish('failed', progress, null, jobError('results_too_large'));
    case 'missing': {
      const since = job.missingSince ?? now;
      const isLost = now - since >= MISSING_GRACE_MILLIS;
      if (isLost) return finish('failed', progress, null, jobError('modelstudio_job_missing'));
      return waitOrExpire(job, now, outlook, progress, since, 0);
    }
    case 'running':
      return waitOrExpire(job, now, outlook, progress, null, 0);
    case 'trouble':
      return waitOrExpire(job, now, outlook, progress, job.missingSince, report.retryAfterSeconds);
  }
}

function waitOrExpire(
  job: RunningJob,
  now: Millis,
  outlook: Outlook,
  completedTasks: number,
  missingSince: Millis | null,
  atLeastSeconds: number,
): Next {
  const left = job.expiresAt - now;
  if (left <= 0) return { step: 'finish', end: expired({ ...job, completedTasks }) };
  const { totalTasks } = job;
  const standing = { age: now - job.createdAt, left, completedTasks, totalTasks };
  const seconds = nextPollSeconds(standing, outlook, atLeastSeconds);
  return { step: 'wait', seconds, completedTasks, missingSince };
}

function finish(
  status: End['status'],
  completedTasks: number,
  results: Results | null,
  error: JobError | null,
): Next {
  return { step: 'finish', end: { status, completedTasks, results, error } };
}

function completedTasksIn(report: Report, totalTasks: number): number {
  const completed = 'completedTasks' in report ? report.completedTasks : null;
  if (report.kind === 'completed') return completed === null ? totalTasks : Math.min(completed, totalTasks);
  return Math.min(completed ?? 0, totalTasks);
}

/** How a report is counted in the log, whose one line for many polls has room for a word that nobody knows. */
export function outcomeOf(report: Report): string {
  if (report.kind !== 'running' || report.unknownState === null) return report.kind;
  return `unknown_state ${report.unknownState.replace(/[^a-z0-9_-]/gi, '?').slice(0, WORD_MAX_LENGTH)}`;
}
