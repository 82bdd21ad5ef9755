/** CloudWatch namespace of the product's own metrics. Their one dimension is `service`, the stack's name. */
export const NAMESPACE = 'ModelStudioJobs';

/** The product's own metrics and their units. */
export const METRICS = {
  /** Requests without a valid client key. */
  KeysRefused: 'Count',
  JobsCreated: 'Count',
  /** Jobs that ModelStudio did not take at once, and which now wait. */
  JobsQueued: 'Count',
  /** Creates of queued jobs that ModelStudio has refused. */
  CreatesRefused: 'Count',
  JobsNeverSubmitted: 'Count',
  /** How long the first of the waiting jobs has waited; 0 when none waits. */
  OldestQueuedSeconds: 'Seconds',
  JobsCompleted: 'Count',
  JobsFailed: 'Count',
  JobsCancelled: 'Count',
  JobsExpired: 'Count',
  /** From a job's creation to its end. */
  JobSeconds: 'Seconds',
  /** The time from the last poll before the end to the one that found it: ModelStudio was done for less than that. */
  DetectionLagSeconds: 'Seconds',
  PollsPerJob: 'Count',
  Polls: 'Count',
  /** ModelStudio did not say whether it created the job. */
  UnknownSubmissions: 'Count',
  ResultsTooLarge: 'Count',
  /** Results of a finished job that could not be read at any poll. */
  ResultsUnreadable: 'Count',
  /** Conversations for which ModelStudio ended a job without a result, and results for no conversation. */
  ResultsMissing: 'Count',
  ResultsSurplus: 'Count',
  UnknownUpstreamStates: 'Count',
  /** ModelStudio does not know a job on which it has reported before. */
  UpstreamJobsForgotten: 'Count',
  UpstreamTimeouts: 'Count',
  UpstreamConnectionResets: 'Count',
  UpstreamConnectionFailures: 'Count',
  /** 401 or 403: this deployment's ModelStudio key is wrong. */
  UpstreamUnauthorized: 'Count',
  /** A create that was refused through no fault of the request or the key. */
  UpstreamRefusals: 'Count',
  /** 429 or 503. */
  UpstreamUnavailable: 'Count',
  UpstreamServerErrors: 'Count',
  /** An answer that breaks the schema. */
  UpstreamInvalidResponses: 'Count',
  WebhookAttempts: 'Count',
  WebhookFailures: 'Count',
  WebhookAttemptSeconds: 'Seconds',
  WebhooksDelivered: 'Count',
  WebhooksExhausted: 'Count',
  WebhooksGone: 'Count',
  WebhooksBlocked: 'Count',
  /** One for each sweep that could read all overdue jobs: the sweeper's heartbeat. */
  Sweeps: 'Count',
  JobsRecovered: 'Count',
  /** 0 if no job is overdue. */
  OldestOverdueSeconds: 'Seconds',
} as const;

export type MetricName = keyof typeof METRICS;

/** What a unit of work adds to the metrics. */
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
  const isServerError = cause.startsWith('status_5');
  const metric = isServerError
    ? 'UpstreamServerErrors'
    : (UPSTREAM_METRICS[cause] ?? 'UpstreamInvalidResponses');
  return { [metric]: 1 };
}
