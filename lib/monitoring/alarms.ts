import { MathExpression, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS, type MetricName } from '../../functions/core/metrics.ts';
import { type Monitored, nameOf, type Resource } from './monitored.ts';

export type AlarmMetric = Metric | MathExpression;

export interface AlarmRow {
  /** The name of the alarm and of its heading in docs/runbook.md. */
  name: string;
  /** Its description, in one sentence. */
  means: string;
  /** The sum of one of our own, or a metric of the whole stack or of each of its functions, queues or tables. */
  metric: MetricName | ((monitored: Monitored) => AlarmMetric | [of: string, AlarmMetric][]);
  /** A datapoint is bad when it is `below` that or else `atLeast` that (1). The alarm is raised when `bad` of the latest `of` are. */
  when: { atLeast?: number; below?: number; bad: number; of: number; periodMinutes: number };
  /** How a period without data counts; not as bad, unless said otherwise. */
  treatMissingData?: TreatMissingData;
}

const SUM = { statistic: 'Sum' };
const MAXIMUM = { statistic: 'Maximum' };

/** Unless a row says otherwise. */
const ONCE_IN_A_QUARTER_HOUR = { bad: 1, of: 1, periodMinutes: 15 };

/** Answers that say nothing about the job; the others have alarms of their own. */
const UNUSABLE_ANSWERS = METRICS.filter((name) =>
  /^Upstream(?!Unauthorized|Refusals|JobsForgotten)/.test(name),
);

function each<Of extends Resource>(all: Of[], metric: (one: Of) => AlarmMetric) {
  return all.map((one): [of: string, AlarmMetric] => [nameOf(one), metric(one)]);
}

/** @param enough a condition, as a share of too few says nothing */
function percentage(of: string, bad: Metric, all: Metric, enough: string): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label: `% of the ${of}` });
}

/**
 * Every alarm, in the order of docs/runbook.md, which explains each threshold. None is raised by a single
 * event from which the stack recovers by itself, unless somebody must look at that very event.
 */
const ROWS: Record<string, Omit<AlarmRow, 'name' | 'when'> & { when?: Partial<AlarmRow['when']> }> = {
  'sweeper-not-running': {
    means:
      'For ten minutes, no sweep has read everything that is overdue, so a job whose wake-up is lost does not move on.',
    metric: 'Sweeps',
    when: { below: 1, bad: 2, of: 2, periodMinutes: 5 },
    treatMissingData: TreatMissingData.BREACHING,
  },
  'jobs-overdue': {
    means: 'The sweeper finds jobs more than five minutes after they were overdue: it does not keep up.',
    metric: ({ own }) => own('OldestOverdueSeconds', 'Maximum'),
    when: { atLeast: 300, bad: 2, of: 2, periodMinutes: 5 },
  },
  'jobs-recovered': {
    means: 'The sweeper keeps recovering jobs whose own wake-up does not come.',
    metric: 'JobsRecovered',
    when: { bad: 3, of: 6, periodMinutes: 5 },
  },
  'oldest-message': {
    means: 'A message has been in this queue for 40 minutes.',
    metric: ({ queues }) => each(queues, ({ queue }) => queue.metricApproximateAgeOfOldestMessage(MAXIMUM)),
    when: { atLeast: 2400, periodMinutes: 5 },
  },
  'dead-letters': {
    means: 'A message of this queue has failed 14 times and was moved to the dead-letter queue.',
    metric: ({ queues }) =>
      each(queues, (of) => of.deadLetterQueue.metricApproximateNumberOfMessagesVisible(MAXIMUM)),
    when: { periodMinutes: 5 },
    // An idle queue has no data after six hours, which does not mean that it is empty.
    treatMissingData: TreatMissingData.IGNORE,
  },
  'function-errors': {
    means: 'This function keeps failing as a whole: it crashes, runs out of time or memory, or cannot start.',
    metric: ({ functions }) => each(functions, (fn) => fn.metricErrors(SUM)),
    when: { bad: 2, of: 12, periodMinutes: 5 },
  },
  'function-throttles': {
    means: 'Lambda keeps refusing to run this function: the account has no concurrency left.',
    metric: ({ functions }) => each(functions, (fn) => fn.metricThrottles(SUM)),
    when: { bad: 2, of: 3, periodMinutes: 5 },
  },
  'table-throttles': {
    means: 'DynamoDB keeps refusing to read or write this table: it was not provisioned for this much.',
    metric: ({ tables }) => each(tables, (table) => table.metricRefusals()),
    when: { bad: 2, of: 3, periodMinutes: 5 },
  },
  'api-5xx': {
    means: 'At least 5 % of the requests to the API, and three of them, were answered with a 5xx.',
    metric: ({ httpApi }) =>
      percentage('requests', httpApi.metricServerError(SUM), httpApi.metricCount(SUM), 'bad >= 3'),
    when: { atLeast: 5 },
  },
  'api-4xx': {
    means:
      'For 15 minutes, at least half of the requests to the API, and three a second, were refused with a 4xx.',
    metric: ({ httpApi }) =>
      percentage('requests', httpApi.metricClientError(SUM), httpApi.metricCount(SUM), 'bad >= 900'),
    when: { atLeast: 50, bad: 3, of: 3, periodMinutes: 5 },
  },
  'keys-refused': {
    means: 'For 15 minutes, one request a second has come without a valid client key.',
    metric: 'KeysRefused',
    when: { atLeast: 300, bad: 3, of: 3, periodMinutes: 5 },
  },
  'modelstudio-key-refused': {
    means: 'ModelStudio answers 401 or 403: the API key of this deployment is wrong.',
    metric: 'UpstreamUnauthorized',
    when: { periodMinutes: 5 },
  },
  'modelstudio-refusals': {
    means: 'ModelStudio refuses to create jobs, and neither the request nor the key is the reason.',
    metric: 'UpstreamRefusals',
  },
  'jobs-wait-for-modelstudio': {
    means: 'A job has waited for 15 minutes, and ModelStudio still does not take it.',
    metric: ({ own }) => own('OldestQueuedSeconds', 'Maximum'),
    when: { atLeast: 900 },
  },
  'modelstudio-forgets-jobs': {
    means: 'ModelStudio keeps answering 404 about jobs that it has reported on before.',
    metric: 'UpstreamJobsForgotten',
    when: { bad: 2, of: 2, periodMinutes: 5 },
  },
  'modelstudio-errors': {
    means: 'At least half of the calls to ModelStudio have no usable answer.',
    metric: ({ own }) =>
      new MathExpression({
        expression: 'IF(polls >= 10, 100 * SUM(FILL(METRICS("trouble"), 0)) / polls, 0)',
        usingMetrics: {
          polls: own('Polls', 'Sum'),
          ...Object.fromEntries(UNUSABLE_ANSWERS.map((name, i) => [`trouble${i}`, own(name, 'Sum')])),
        },
        label: '% of the polls',
      }),
    when: { atLeast: 50, bad: 2, of: 2 },
  },
  'unknown-submissions': {
    means: 'ModelStudio did not say whether it created a job: it may be running, and billed, unseen.',
    metric: 'UnknownSubmissions',
  },
  'unknown-upstream-states': {
    means: 'ModelStudio reports a job state that this version does not know and treats as running.',
    metric: 'UnknownUpstreamStates',
    when: { periodMinutes: 60 },
  },
  'results-unreadable': {
    means: 'A job failed because its results could not be read for ten minutes. They are kept in the bucket.',
    metric: 'ResultsUnreadable',
  },
  'results-too-large': {
    means: 'A job failed because its results are larger than 128 MiB.',
    metric: 'ResultsTooLarge',
  },
  'webhook-failures': {
    means: 'At least half of the attempts to deliver webhooks have failed for half an hour.',
    metric: ({ own }) =>
      percentage('attempts', own('WebhookFailures', 'Sum'), own('WebhookAttempts', 'Sum'), 'all >= 10'),
    when: { atLeast: 50, bad: 2, of: 2 },
  },
  'webhooks-exhausted': {
    means: 'A webhook was given up after its last attempt: its receiver does not know of a finished job.',
    metric: 'WebhooksExhausted',
  },
  'webhooks-held': {
    means: 'For an hour, webhooks have been put off again and again, as their receiver hangs.',
    metric: 'WebhooksHeld',
    when: { atLeast: 100, bad: 4, of: 4, periodMinutes: 15 },
  },
  'webhooks-blocked': {
    means: 'A webhook was not sent because its URL resolves to an address that is not public.',
    metric: 'WebhooksBlocked',
  },
};

/** Of a deployment that tells others of finished jobs. */
export const NOT_ANNOUNCED: Omit<AlarmRow, 'metric'> = {
  name: 'finished-jobs-not-announced',
  means: 'The events of finished jobs keep failing to get onto the bus. After a day, they are lost.',
  when: { bad: 2, of: 3, periodMinutes: 5 },
};

export const ALARMS: AlarmRow[] = Object.entries(ROWS).map(([name, { when, ...row }]) => {
  return { name, ...row, when: { ...ONCE_IN_A_QUARTER_HOUR, ...when } };
});
