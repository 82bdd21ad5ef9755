import { PROBLEMS } from '../http/problem.ts';
import type { Job } from '../job.ts';
import type { CreateResult } from '../upstream/create-result.ts';
import { type End, submissionUnknown } from '../upstream/report.ts';

function failure(code: string, message: string): End {
  return { status: 'failed', completedTasks: 0, results: null, error: { code, message } };
}

const neverSubmitted = failure(
  'never_submitted',
  'ModelStudio did not take the job in time. Nothing was created, nothing was billed.',
);

/** The end of a job that ModelStudio did not take while it could wait, unless it may have done so earlier. */
export function notTaken({ submissions = 0 }: Job): End {
  return submissions > 0 ? submissionUnknown : neverSubmitted;
}

/** The end of a queued job whose request ModelStudio refuses: what the answer would have said. */
export function refusedRequest(creation: CreateResult & { kind: 'invalid' | 'model_not_found' }): End {
  if (creation.kind === 'model_not_found') return failure(creation.kind, PROBLEMS.model_not_found[1]);
  const code = 'modelstudio_invalid_request';
  return failure(code, creation.sentence || PROBLEMS[code][1]);
}
