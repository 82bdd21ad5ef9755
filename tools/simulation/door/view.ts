import { isDeepStrictEqual } from 'node:util';
import { isFinished, type Job } from '../../../functions/core/job.ts';

const API_URL = 'https://api.example.com';

const iso = (at: number | null | undefined) =>
  at === null || at === undefined ? null : new Date(at).toISOString();

/** Where a job's results are: in a list they are only pointed at. */
type Where = 'in-list' | 'in-job';

/** The public job by the contract, but for its results. */
function viewOf(job: Job, where: Where): object {
  const end = isFinished(job) ? job : null;
  const isPointedAt =
    end !== null && end.results !== null && (where === 'in-list' || end.results !== 'in-event');
  const { webhook } = job;
  const last = webhook?.log.at(-1);
  return {
    job_id: job.jobId,
    status: job.status,
    model_id: job.modelId,
    total_tasks: job.totalTasks,
    completed_tasks: 'completedTasks' in job ? job.completedTasks : 0,
    failed_tasks: end?.failedTasks ?? 0,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    finished_at: iso(end?.finishedAt),
    expires_at: iso(job.expiresAt),
    metadata: job.metadata,
    results_url: isPointedAt ? `${API_URL}/v1/jobs/${job.jobId}/results` : null,
    error: end?.error ?? null,
    webhook: webhook && {
      id: webhook.id,
      url: webhook.url,
      status: webhook.status,
      attempts: webhook.attempts,
      last_attempt_at: iso(last?.at),
      last_status: last?.status ?? null,
      next_attempt_at: webhook.status === 'pending' ? iso(webhook.expectedWakeUp?.dueAt) : null,
      held_until: heldUntil(webhook),
    },
  };
}

/** For as long as it expects the wake-up for which it is held. */
function heldUntil(webhook: Job['webhook']): string | null {
  if (webhook?.status !== 'pending' || webhook.expectedWakeUp === null) return null;
  const { dueAt } = webhook.expectedWakeUp;
  return webhook.heldUntil === dueAt ? iso(dueAt) : null;
}

/** Whether an answer shows a job as it is in a version of its row, its results aside. */
export function shows(shown: { results: unknown }, job: Job, where: Where): boolean {
  const { results, ...rest } = shown;
  return isDeepStrictEqual(rest, viewOf(job, where));
}

/** The text of the results in an event, which is ModelStudio's own. */
export function resultsIn(event: string): string {
  return event.slice(event.indexOf('"results":') + '"results":'.length, event.lastIndexOf(',"results_url":'));
}

export function deliveriesOf({ webhook }: Job): object {
  const deliveries = (webhook?.log ?? []).map(
    ({ attempt, at, status, durationMillis, error, location, nextAttemptAt }) => ({
      attempt,
      at: iso(at),
      status,
      duration_ms: durationMillis,
      error,
      location: location ?? null,
      next_attempt_at: iso(nextAttemptAt),
    }),
  );
  const held_until = heldUntil(webhook);
  return { deliveries, ...(held_until && { held_until }) };
}
