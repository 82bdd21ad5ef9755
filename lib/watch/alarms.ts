import { MathExpression, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/core/metrics.ts';
import type { StageFunction } from '../function.ts';
import type { JobTable } from '../job-table.ts';
import type { StageQueue } from '../queue.ts';
import type { Watched } from './watched.ts';

interface Row<Subject> {
  /** Of the alarm, and of its heading in docs/runbook.md. */
  name: string;
  /** In one sentence: its description. */
  means: string;
  metric(of: Subject): Metric | MathExpression;
  /** It is raised when so many periods `outOf` the latest ones, each of so many minutes, are bad. */
  minutes: number;
  bad: number;
  outOf: number;
  /** What a period without data is taken for; not bad, unless said otherwise. */
  missing?: TreatMissingData;
}

/** A period is bad when its value is at least, or below, this. */
type Limit = { atLeast: number } | { below: number };

export type AlarmRow = Limit &
  (
    | ({ each: 'stack' } & Row<Watched>)
    | ({ each: 'function' } & Row<StageFunction>)
    | ({ each: 'queue' } & Row<StageQueue>)
    | ({ each: 'table' } & Row<JobTable>)
  );

/** Answers that say nothing about the job that was asked for. A refused key has an alarm of its own. */
const TROUBLES: MetricName[] = [
  'UpstreamTimeouts',
  'UpstreamConnectionResets',
  'UpstreamConnectionFailures',
  'UpstreamUnavailable',
  'UpstreamServerErrors',
  'UpstreamInvalidResponses',
];

const SUM = { statistic: 'Sum' };

/** @param enough what must hold, or there are too few to say that any are too many */
function percent(label: string, enough: string, bad: Metric, all: Metric): MathExpression {
  const expression = `IF(${enough}, 100 * bad / all, 0)`;
  return new MathExpression({ expression, usingMetrics: { bad, all }, label });
}

/** Once within a quarter of an hour. */
function any(metric: MetricName) {
  const limit = { atLeast: 1, minutes: 15, bad: 1, outOf: 1 };
  return { each: 'stack', metric: ({ own }: Watched) => own(metric, 'Sum'), ...limit } as const;
}

/**
 * Every alarm. None is raised by a single event that the stack gets over by itself, unless somebody has to look at
 * that very event. docs/runbook.md says why each limit is where it is.
 */
export const ALARMS: readonly AlarmRow[] = [
  {
    name: 'sweeper-not-running',
    means:
      'For ten minutes, no sweep has read everything that is overdue, so a job whose wake-up is lost does not move on.',
    each: 'stack',
    metric: ({ own }) => own('Sweeps', 'Sum'),
    below: 1,
    ...{ minutes: 5, bad: 2, outOf: 2 },
    missing: TreatMissingData.BREACHING,
  },
  {
    name: 'jobs-overdue',
    means: 'The sweeper finds jobs more than five minutes after they were overdue: it does not keep up.',
    each: 'stack',
    metric: ({ own }) => own('OldestOverdueSeconds', 'Maximum'),
    atLeast: 300,
    ...{ minutes: 5, bad: 2, outOf: 2 },
  },
  {
    name: 'jobs-recovered',
    means: 'The sweeper keeps recovering jobs whose own wake-up does not come.',
    each: 'stack',
    metric: ({ own }) => own('JobsRecovered', 'Sum'),
    atLeast: 1,
    ...{ minutes: 5, bad: 3, outOf: 6 },
  },
  {
    name: 'oldest-message',
    means: 'A message has been in this queue for 40 minutes.',
    each: 'queue',
    metric: ({ queue }) => queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum' }),
    atLeast: 2400,
    ...{ minutes: 5, bad: 1, outOf: 1 },
  },
  {
    name: 'dead-letters',
    means: 'A message of this queue has failed 14 times and was moved to the dead-letter queue.',
    each: 'queue',
    metric: ({ deadLetters }) =>
      deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' }),
    atLeast: 1,
    ...{ minutes: 5, bad: 1, outOf: 1 },
    // A queue in which nothing happens has no data after six hours. That is no reason to take it for empty.
    missing: TreatMissingData.IGNORE,
  },
  {
    name: 'function-errors',
    means: 'This function keeps failing as a whole: it crashes, runs out of time or memory, or cannot start.',
    each: 'function',
    metric: (fn) => fn.metricErrors({ statistic: 'Sum' }),
    atLeast: 1,
    ...{ minutes: 5, bad: 2, outOf: 12 },
  },
  {
    name: 'function-throttles',
    means: 'Lambda keeps refusing to run this function: the account has no concurrency left.',
    each: 'function',
    metric: (fn) => fn.metricThrottles({ statistic: 'Sum' }),
    atLeast: 1,
    ...{ minutes: 5, bad: 2, outOf: 3 },
  },
  {
    name: 'table-throttles',
    means: 'DynamoDB keeps refusing to read or write this table: it was not provisioned for so much.',
    each: 'table',
    metric: (table) => table.metricRefusals(),
    atLeast: 1,
    ...{ minutes: 5, bad: 2, outOf: 3 },
  },
  {
    name: 'api-5xx',
    means: 'At least 5 % of the requests to the API, and three of them, were answered with a 5xx.',
    each: 'stack',
    metric: ({ httpApi }) =>
      percent('% of the requests', 'bad >= 3', httpApi.metricServerError(SUM), httpApi.metricCount(SUM)),
    atLeast: 5,
    ...{ minutes: 15, bad: 1, outOf: 1 },
  },
  {
    name: 'api-4xx',
    means:
      'For 15 minutes, at least half of the requests to the API, and three a second, were refused with a 4xx.',
    each: 'stack',
    metric: ({ httpApi }) =>
      percent('% of the requests', 'bad >= 900', httpApi.metricClientError(SUM), httpApi.metricCount(SUM)),
    atLeast: 50,
    ...{ minutes: 5, bad: 3, outOf: 3 },
  },
  {
    name: 'keys-refused',
    means: 'For 15 minutes, one request a second has come without a valid client key.',
    each: 'stack',
    metric: ({ own }) => own('KeysRefused', 'Sum'),
    atLeast: 300,
    ...{ minutes: 5, bad: 3, outOf: 3 },
  },
  {
    name: 'modelstudio-key-refused',
    means: 'ModelStudio answers 401 or 403: the API key of this deployment is wrong.',
    each: 'stack',
    metric: ({ own }) => own('UpstreamUnauthorized', 'Sum'),
    atLeast: 1,
    ...{ minutes: 5, bad: 1, outOf: 1 },
  },
  {
    name: 'modelstudio-refusals',
    means: 'ModelStudio refuses to create jobs, and the reason is neither the request nor the key.',
    ...any('UpstreamRefusals'),
  },
  {
    name: 'modelstudio-forgets-jobs',
    means: 'ModelStudio keeps answering 404 about jobs that it has reported on before.',
    each: 'stack',
    metric: ({ own }) => own('UpstreamJobsForgotten', 'Sum'),
    atLeast: 1,
    ...{ minutes: 5, bad: 2, outOf: 2 },
  },
  {
    name: 'modelstudio-errors',
    means: 'At least half of the calls to ModelStudio have no usable answer.',
    each: 'stack',
    metric: ({ own }) =>
      new MathExpression({
        expression: 'IF(polls >= 10, 100 * SUM(FILL(METRICS("trouble"), 0)) / polls, 0)',
        usingMetrics: {
          polls: own('Polls', 'Sum'),
          ...Object.fromEntries(TROUBLES.map((name, i) => [`trouble${i}`, own(name, 'Sum')])),
        },
        label: '% of the polls',
      }),
    atLeast: 50,
    ...{ minutes: 15, bad: 2, outOf: 2 },
  },
  {
    name: 'unknown-submissions',
    means: 'ModelStudio did not say whether it created a job: it may be running, and billed, unseen.',
    ...any('UnknownSubmissions'),
  },
  {
    name: 'unknown-upstream-states',
    means: 'ModelStudio reports a job state that this version does not know and treats as running.',
    each: 'stack',
    metric: ({ own }) => own('UnknownUpstreamStates', 'Sum'),
    atLeast: 1,
    ...{ minutes: 60, bad: 1, outOf: 1 },
  },
  {
    name: 'results-unreadable',
    means: 'A job failed because its results could not be read for ten minutes. They are kept in the bucket.',
    ...any('ResultsUnreadable'),
  },
  {
    name: 'results-too-large',
    means: 'A job failed because its results are larger than 128 MiB.',
    ...any('ResultsTooLarge'),
  },
  {
    name: 'webhook-failures',
    means: 'At least half of the attempts to deliver webhooks have failed for half an hour.',
    each: 'stack',
    metric: ({ own }) =>
      percent('% of the attempts', 'all >= 10', own('WebhookFailures', 'Sum'), own('WebhookAttempts', 'Sum')),
    atLeast: 50,
    ...{ minutes: 15, bad: 2, outOf: 2 },
  },
  {
    name: 'webhooks-exhausted',
    means: 'A webhook was given up after its last attempt: its receiver does not know of a finished job.',
    ...any('WebhooksExhausted'),
  },
  {
    name: 'webhooks-blocked',
    means: 'A webhook was not sent because its URL resolves to an address that is not public.',
    ...any('WebhooksBlocked'),
  },
];
