import { MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/core/metrics.ts';
import { type AlarmRow, eachFunction, eachQueue, eachTable, percentage, sum } from './alarm-row.ts';

const SUM = { statistic: 'Sum' };
const MAXIMUM = { statistic: 'Maximum' };
const ONCE = { bad: 1, of: 1, periodMinutes: 5 };
const ONCE_IN_A_QUARTER_HOUR = { bad: 1, of: 1, periodMinutes: 15 };

/** Answers that say nothing about the job. A refused key has an alarm of its own. */
const UNUSABLE_ANSWERS: MetricName[] = [
  'UpstreamTimeouts',
  'UpstreamConnectionResets',
  'UpstreamConnectionFailures',
  'UpstreamUnavailable',
  'UpstreamServerErrors',
  'UpstreamInvalidResponses',
];

/**
 * Every alarm, in the order of docs/runbook.md, which explains each threshold. None is raised by a single
 * event from which the stack recovers by itself, unless somebody must look at that very event.
 */
export const ALARMS: readonly AlarmRow[] = [
  {
    name: 'sweeper-not-running',
    means:
      'For ten minutes, no sweep has read everything that is overdue, so a job whose wake-up is lost does not move on.',
    metric: sum('Sweeps'),
    when: { below: 1, bad: 2, of: 2, periodMinutes: 5 },
    treatMissingData: TreatMissingData.BREACHING,
  },
  {
    name: 'jobs-overdue',
    means: 'The sweeper finds jobs more than five minutes after they were overdue: it does not keep up.',
    metric: ({ own }) => own('OldestOverdueSeconds', 'Maximum'),
    when: { atLeast: 300, bad: 2, of: 2, periodMinutes: 5 },
  },
  {
    name: 'jobs-recovered',
    means: 'The sweeper keeps recovering jobs whose own wake-up does not come.',
    metric: sum('JobsRecovered'),
    when: { bad: 3, of: 6, periodMinutes: 5 },
  },
  {
    name: 'oldest-message',
    means: 'A message has been in this queue for 40 minutes.',
    metric: eachQueue(({ queue }) => queue.metricApproximateAgeOfOldestMessage(MAXIMUM)),
    when: { atLeast: 2400, ...ONCE },
  },
  {
    name: 'dead-letters',
    means: 'A message of this queue has failed 14 times and was moved to the dead-letter queue.',
    metric: eachQueue((of) => of.deadLetterQueue.metricApproximateNumberOfMessagesVisible(MAXIMUM)),
    when: ONCE,
    // An idle queue has no data after six hours, which does not mean that it is empty.
    treatMissingData: TreatMissingData.IGNORE,
  },
  {
    name: 'function-errors',
    means: 'This function keeps failing as a whole: it crashes, runs out of time or memory, or cannot start.',
    metric: eachFunction((fn) => fn.metricErrors(SUM)),
    when: { bad: 2, of: 12, periodMinutes: 5 },
  },
  {
    name: 'function-throttles',
    means: 'Lambda keeps refusing to run this function: the account has no concurrency left.',
    metric: eachFunction((fn) => fn.metricThrottles(SUM)),
    when: { bad: 2, of: 3, periodMinutes: 5 },
  },
  {
    name: 'table-throttles',
    means: 'DynamoDB keeps refusing to read or write this table: it was not provisioned for this much.',
    metric: eachTable((table) => table.metricRefusals()),
    when: { bad: 2, of: 3, periodMinutes: 5 },
  },
  {
    name: 'api-5xx',
    means: 'At least 5 % of the requests to the API, and three of them, were answered with a 5xx.',
    metric: ({ httpApi }) =>
      percentage('requests', httpApi.metricServerError(SUM), httpApi.metricCount(SUM), 'bad >= 3'),
    when: { atLeast: 5, ...ONCE_IN_A_QUARTER_HOUR },
  },
  {
    name: 'api-4xx',
    means:
      'For 15 minutes, at least half of the requests to the API, and three a second, were refused with a 4xx.',
    metric: ({ httpApi }) =>
      percentage('requests', httpApi.metricClientError(SUM), httpApi.metricCount(SUM), 'bad >= 900'),
    when: { atLeast: 50, bad: 3, of: 3, periodMinutes: 5 },
  },
  {
    name: 'keys-refused',
    means: 'For 15 minutes, one request a second has come without a valid client key.',
    metric: sum('KeysRefused'),
    when: { atLeast: 300, bad: 3, of: 3, periodMinutes: 5 },
  },
  {
    name: 'modelstudio-key-refused',
    means: 'ModelStudio answers 401 or 403: the API key of this deployment is wrong.',
    metric: sum('UpstreamUnauthorized'),
    when: ONCE,
  },
  {
    name: 'modelstudio-refusals',
    means: 'ModelStudio refuses to create jobs, and neither the request nor the key is the reason.',
    metric: sum('UpstreamRefusals'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
  {
    name: 'jobs-wait-for-modelstudio',
    means: 'A job has waited for 15 minutes, and ModelStudio still does not take it.',
    metric: ({ own }) => own('OldestQueuedSeconds', 'Maximum'),
    when: { atLeast: 900, ...ONCE_IN_A_QUARTER_HOUR },
  },
  {
    name: 'modelstudio-forgets-jobs',
    means: 'ModelStudio keeps answering 404 about jobs that it has reported on before.',
    metric: sum('UpstreamJobsForgotten'),
    when: { bad: 2, of: 2, periodMinutes: 5 },
  },
  {
    name: 'modelstudio-errors',
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
    when: { atLeast: 50, bad: 2, of: 2, periodMinutes: 15 },
  },
  {
    name: 'unknown-submissions',
    means: 'ModelStudio did not say whether it created a job: it may be running, and billed, unseen.',
    metric: sum('UnknownSubmissions'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
  {
    name: 'unknown-upstream-states',
    means: 'ModelStudio reports a job state that this version does not know and treats as running.',
    metric: sum('UnknownUpstreamStates'),
    when: { bad: 1, of: 1, periodMinutes: 60 },
  },
  {
    name: 'results-unreadable',
    means: 'A job failed because its results could not be read for ten minutes. They are kept in the bucket.',
    metric: sum('ResultsUnreadable'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
  {
    name: 'results-too-large',
    means: 'A job failed because its results are larger than 128 MiB.',
    metric: sum('ResultsTooLarge'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
  {
    name: 'webhook-failures',
    means: 'At least half of the attempts to deliver webhooks have failed for half an hour.',
    metric: ({ own }) =>
      percentage('attempts', own('WebhookFailures', 'Sum'), own('WebhookAttempts', 'Sum'), 'all >= 10'),
    when: { atLeast: 50, bad: 2, of: 2, periodMinutes: 15 },
  },
  {
    name: 'webhooks-exhausted',
    means: 'A webhook was given up after its last attempt: its receiver does not know of a finished job.',
    metric: sum('WebhooksExhausted'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
  {
    name: 'webhooks-blocked',
    means: 'A webhook was not sent because its URL resolves to an address that is not public.',
    metric: sum('WebhooksBlocked'),
    when: ONCE_IN_A_QUARTER_HOUR,
  },
];
