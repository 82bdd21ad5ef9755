/** CloudWatch namespace of the product's own metrics. Their one dimension is `service`, the stack's name. */
export const NAMESPACE = 'ModelStudioJobs';

export const METRICS = [
  'KeysRefused',
  'JobsCreated',
  // Jobs that ModelStudio did not take at once, creates of them that it has refused, and those that it never took.
  ...['JobsQueued', 'CreatesRefused', 'JobsNeverSubmitted'],
  // How long the first of the waiting jobs has waited; 0 when none waits.
  'OldestQueuedSeconds',
  ...['JobsCompleted', 'JobsFailed', 'JobsCancelled', 'JobsExpired', 'JobSeconds'],
  // The time from the last poll before the end to the one that found it: ModelStudio was done for less than that.
  'DetectionLagSeconds',
  ...['PollsPerJob', 'Polls'],
  // ModelStudio did not say whether it created the job.
  'UnknownSubmissions',
  // Conversations for which ModelStudio ended a job without a result are missing; a surplus is for no conversation.
  ...['ResultsTooLarge', 'ResultsUnreadable', 'ResultsMissing', 'ResultsSurplus'],
  // ModelStudio does not know a job on which it has reported before.
  ...['UnknownUpstreamStates', 'UpstreamJobsForgotten'],
  ...['UpstreamTimeouts', 'UpstreamConnectionResets', 'UpstreamConnectionFailures'],
  // 401 or 403, a create refused through no fault of the request or the key, 429 or 503, an answer that breaks the schema.
  ...['UpstreamUnauthorized', 'UpstreamRefusals', 'UpstreamUnavailable'],
  ...['UpstreamServerErrors', 'UpstreamInvalidResponses'],
  ...['WebhookAttempts', 'WebhookFailures', 'WebhookAttemptSeconds'],
  // The last one: how often a webhook was put off because its receiver hangs.
  ...['WebhooksDelivered', 'WebhooksExhausted', 'WebhooksGone', 'WebhooksBlocked', 'WebhooksHeld'],
  // The sweeper's heartbeat, one for each sweep that could read all overdue jobs; 0 s if none of these is overdue.
  ...['Sweeps', 'JobsRecovered', 'OldestOverdueSeconds'],
] as const;

export type MetricName = (typeof METRICS)[number];

export const unitOf = (name: MetricName) => (name.endsWith('Seconds') ? 'Seconds' : 'Count');

export type MetricValues = Partial<Record<MetricName, number>>;

const UPSTREAM_METRICS: Record<string, MetricName> = {
  timeout: 'UpstreamTimeouts',
  cut: 'UpstreamConnectionResets',
  not_connected: 'UpstreamConnectionFailures',
  unauthorized: 'UpstreamUnauthorized',
  credentials_refused: 'UpstreamUnauthorized',
  refused: 'UpstreamRefusals',
  unavailable: 'UpstreamUnavailable',
  server_error: 'UpstreamServerErrors',
};

/** What a failed call to ModelStudio adds to the metrics. `cause` is the log's word. */
export function upstreamMetrics(cause: string): MetricValues {
  const word = cause.startsWith('status_5') ? 'server_error' : cause;
  return { [UPSTREAM_METRICS[word] ?? 'UpstreamInvalidResponses']: 1 };
}
