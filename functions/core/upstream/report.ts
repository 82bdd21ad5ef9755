import { PROBLEMS } from '../http/problem.ts';
import type { FinishedJob, JobBase, JobError, QueuedJob, RunningJob } from '../job.ts';
import type { DocumentRef } from '../parts/row.ts';
import type { CreateResult } from './create-result.ts';

/** The results of a job, one entry for each of its tasks, in their order. */
export interface Results {
  /** JSON text of the array: each entry in the very bytes that ModelStudio sent but for `task_index`, except for those that it did not send. */
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

export type End = Pick<FinishedJob, 'status' | 'completedTasks' | 'error'> & { results: Results | null };

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

export function jobError(code: keyof typeof ERRORS, more: string | null = null): JobError {
  return { code, message: more === null ? ERRORS[code] : `${ERRORS[code]} ${more}` };
}

export const NOTHING_DONE = { completedTasks: 0, results: null, error: null };

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
  said: string | null = 'ModelStudio was not heard from at the last.',
): End {
  const { completedTasks } = job;
  return { ...NOTHING_DONE, status: 'expired', completedTasks, error: jobError('expired', said) };
}

export function lastAnswer(report: Report, totalTasks: number): string | null {
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

/** How the log counts a report: its one line for many polls has room for an unknown state. */
export function outcomeOf(report: Report): string {
  if (report.kind !== 'running' || report.unknownState === null) return report.kind;
  return `unknown_state ${report.unknownState.replace(/[^a-z0-9_-]/gi, '?').slice(0, WORD_MAX_LENGTH)}`;
}
