/** Queries of CloudWatch Logs Insights that are saved with the stack, by their names. In the first two, an id is to be put in. */
export const QUERIES = {
  'one-trace': linesOf('trace_id = "TRACE_ID"'),
  'one-job': linesOf('job_id = "JOB_ID"'),
  'usage-per-client': `filter message = "finish" and not ispresent(part_of)
| stats count(*) as jobs, sum(JobsFailed) as failed, sum(JobsExpired) as expired, sum(JobsCancelled) as cancelled,
  sum(total_tasks) as tasks, sum(failed_tasks) as tasks_failed, sum(age_seconds) as seconds by client
| sort client`,
};

function linesOf(condition: string): string {
  return `filter ${condition} | sort @timestamp
| display @timestamp, message, outcome, job_id, client, cause, status, attempt, wait_seconds, age_seconds, error.name`;
}
