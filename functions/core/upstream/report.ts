import { PROBLEMS } from '../http/problem.ts';
import {
  type Doubt,
  type FinishedJob,
  type JobBase,
  type JobError,
  type Millis,
  type QueuedJob,
  type RunningJob,
  runningSince,
} from '../job.ts';
import type { DocumentRef } from '../parts/row.ts';
import { type JobProgress, nextPollSeconds, type PollForecast } from '../polling/next-poll.ts';
import type { CreateResult } from './create-result.ts';

/** The results of a job, one entry for each of its tasks, in their order. */
export interface Results {
  /** JSON text of the array: each entry in the very bytes that ModelStudio sent, except for those that it did not send. */
  json: string | null;
  /** Where it is already stored, if it is not here. */
  document?: DocumentRef;
  /** The number of entries that have failed or are missing. */
  failedTasks: number;
  /** Tasks for which ModelStudio gave nothing; we write their entries. */
  missing: number;
  /** Extra entries of ModelStudio's: for no task, or for one a second time. */
  surplus: number;
}

export type Report =
  /** `unknownState`: ModelStudio's word for it, if we do not know that. */
  | { kind: 'running'; completedTasks: number | null; unknownState: string | null }
  | { kind: 'completed'; results: Results }
  /** `isCancelled`: somebody else cancelled it at ModelStudio. `sentence` is ModelStudio's own. */
  | {
      kind: 'failed';
      isCancelled: boolean;
      completedTasks: number | null;
      results: Results | null;
      sentence: string | null;
    }
  /** It has completed, but its results cannot be read. */
  | { kind: 'unreadable'; raw: Buffer }
  /** ModelStudio does not know the job. `isGone`: and it never will. */
  | { kind: 'missing'; isGone: boolean }
  | { kind: 'too_large' }
  /** The answer began within the deadline, or might have, but did not end. */
  | { kind: 'too_slow' }
  | TransientError;

/** Nothing was learned. None of these ends a job: it is polled again until it expires. */
export interface TransientError {
  kind: 'transient_error';
  /** `unauthorized` covers 401 and 403, `invalid_response` an answer that breaks the schema. */
  cause: keyof typeof ERROR_SENTENCES;
  retryAfterSeconds: number;
}

/** Length of an unknown word that is logged. */
const WORD_MAX_LENGTH = 40;

export type Next =
  /** The report is too much for the poller; the collector takes it at once. */
  | { step: 'collect' }
  | ({ step: 'wait'; seconds: number; completedTasks: number; doubt: Doubt | null } & Partial<
      Pick<JobBase, 'parts' | 'totalTasks'>
    >)
  | { step: 'finish'; end: End };

export type End = Pick<FinishedJob, 'status' | 'completedTasks' | 'error'> & { results: Results | null };

/** How long each doubt may last before it is believed. */
const PATIENCE_MILLIS = { missing: 600_000, gaps: 60_000, unreadable: 600_000 } as const;
/** At least this many polls fall into that time, even if the plan has fewer. */
const POLLS_IN_DOUBT = 6;

const ERRORS = {
  expired: 'The job did not finish before its expires_at.',
  modelstudio_job_cancelled: 'ModelStudio reported that the job was cancelled there.',
  modelstudio_job_failed: 'ModelStudio reported that the job failed.',
  modelstudio_job_missing: 'ModelStudio does not know the job.',
  results_too_large: 'The results are larger than this deployment can take in.',
  results_unreadable: 'ModelStudio completed the job, but its results could not be read.',
  submission_unknown: 'ModelStudio did not say whether it created the job. It will not be repeated.',
  never_submitted: 'ModelStudio did not take the job in time. Nothing was created, nothing was billed.',
};

function jobError(code: keyof typeof ERRORS, more: string | null = null): JobError {
  return { code, message: more === null ? ERRORS[code] : `${ERRORS[code]} ${more}` };
}

const NOTHING_DONE = { completedTasks: 0, results: null, error: null };

export function failed(error: JobError | null): End {
  return { ...NOTHING_DONE, status: 'failed', error };
}

/** The end of a job of which nobody knows whether it was created. */
export const submissionUnknown = failed(jobError('submission_unknown'));

/** The end of a job that ModelStudio did not take while it could wait, unless it may have done so earlier. */
export function notTaken({ submissions = 0 }: JobBase): End {
  return submissions > 0 ? submissionUnknown : failed(jobError('never_submitted'));
}

/** The end of a queued job whose request ModelStudio refuses: what the answer would have said. */
export function refusedRequest(creation: CreateResult & { kind: 'invalid' | 'model_not_found' }): End {
  const isInvalid = creation.kind === 'invalid';
  const code = isInvalid ? 'modelstudio_invalid_request' : creation.kind;
  return failed({ code, message: (isInvalid && creation.sentence) || PROBLEMS[code][1] });
}

/** @param said the last that is known of it */
export function expired(
  job: RunningJob,
  said: string | null = 'ModelStudio was not asked at the last.',
): End {
  const { completedTasks } = job;
  return { ...NOTHING_DONE, status: 'expired', completedTasks, error: jobError('expired', said) };
}

function lastAnswer(report: Report, totalTasks: number): string | null {
  switch (report.kind) {
    case 'running': {
      if (report.unknownState !== null) return 'ModelStudio last reported a state that is not known here.';
      const done =
        report.completedTasks === null ? '' : `, with ${report.completedTasks} of ${totalTasks} tasks done`;
      return `ModelStudio last reported that it was running${done}.`;
    }
    case 'missing':
      return 'ModelStudio last answered that it does not know the job.';
    case 'too_slow':
      return ERROR_SENTENCES.timeout;
    case 'transient_error':
      return ERROR_SENTENCES[report.cause];
    default:
      return null;
  }
}

const ERROR_SENTENCES = {
  timeout: 'ModelStudio last did not answer in time.',
  cut: 'The last answer of ModelStudio was cut off.',
  not_connected: 'ModelStudio could not be reached last.',
  unauthorized: "ModelStudio last refused this deployment's credentials.",
  unavailable: 'ModelStudio last answered that it was not available.',
  server_error: 'ModelStudio last answered with a server error.',
  invalid_response: 'The last answer could not be read, and may not have been from ModelStudio.',
};

/** Nothing went wrong, so there is no error. */
export function cancelled(job: QueuedJob | RunningJob): End {
  const completedTasks = job.status === 'queued' ? 0 : job.completedTasks;
  return { ...NOTHING_DONE, status: 'cancelled', completedTasks };
}

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

export function progressOf(job: JobBase, completedTasks: number, now: Millis, countedAt = now): JobProgress {
  const since = runningSince(job);
  const ages = { ageMillis: now - since, countedMillis: countedAt - since };
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

/** How the log counts a report: its one line for many polls has room for an unknown state. */
export function outcomeOf(report: Report): string {
  if (report.kind !== 'running' || report.unknownState === null) return report.kind;
  return `unknown_state ${report.unknownState.replace(/[^a-z0-9_-]/gi, '?').slice(0, WORD_MAX_LENGTH)}`;
}
