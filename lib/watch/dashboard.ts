import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  type MetricOptions,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { MetricName } from '../../functions/core/metrics.ts';
import type { StageQueue } from '../queue.ts';
import { nameOf, type Statistic, type Watched } from './watched.ts';

/** Of the 24 columns that a dashboard has. */
const FULL = 24;
const QUARTER = 6;

/** Answers, from top to bottom: is it healthy, how slow is it, how much does it do? */
export function addDashboard(scope: Construct, watched: Watched, alarms: Alarm[]): void {
  new Dashboard(scope, 'Dashboard', {
    dashboardName: watched.stackName,
    defaultInterval: Duration.hours(12),
    widgets: [
      [heading('Is it healthy?')],
      [new AlarmStatusWidget({ title: 'Alarms: see docs/runbook.md', alarms, width: FULL, height: 7 })],
      healthOf(watched),
      [heading('How slow is it?')],
      slownessOf(watched),
      [heading('How much does it do?')],
      jobsOf(watched),
      webhooksOf(watched),
      machineryOf(watched),
    ],
  });
}

function heading(question: string): IWidget {
  return new TextWidget({ markdown: `## ${question}`, width: FULL, height: 1 });
}

function graph(
  title: string,
  left: IMetric[],
  props: { stacked?: boolean; right?: IMetric[] } = {},
): IWidget {
  return new GraphWidget({ title, left, width: QUARTER, height: 6, leftYAxis: { min: 0 }, ...props });
}

function percentiles(title: string, metric: (p: Statistic) => IMetric): IWidget {
  return graph(title, (['p50', 'p90', 'p99'] as const).map(metric));
}

/** @param labels of the metrics, by their names */
function sums({ own }: Watched, labels: Partial<Record<MetricName, string>>): IMetric[] {
  return Object.entries(labels).map(([name, label]) => own(name as MetricName, 'Sum', label));
}

function ofQueues(
  title: string,
  { queues }: Watched,
  metric: (of: StageQueue, options: MetricOptions) => IMetric,
): IWidget {
  return graph(
    title,
    queues.map((each) => metric(each, { statistic: 'Maximum', label: nameOf(each) })),
  );
}

function healthOf(watched: Watched): IWidget[] {
  const oldest = [watched.own('OldestOverdueSeconds', 'Maximum', 'overdue')];
  return [
    graph('Sweeps and jobs recovered', sums(watched, { Sweeps: 'sweeps', JobsRecovered: 'recovered' })),
    graph('Oldest overdue job, seconds', oldest),
    ofQueues('Oldest message, seconds', watched, ({ queue }, options) =>
      queue.metricApproximateAgeOfOldestMessage(options),
    ),
    ofQueues('Dead letters', watched, ({ deadLetters }, options) =>
      deadLetters.metricApproximateNumberOfMessagesVisible(options),
    ),
  ];
}

function slownessOf({ own, httpApi }: Watched): IWidget[] {
  return [
    percentiles('Job, seconds from creation to end', (p) => own('JobSeconds', p, p)),
    percentiles('Detection lag, seconds at most', (p) => own('DetectionLagSeconds', p, p)),
    percentiles('Webhook attempt, seconds', (p) => own('WebhookAttemptSeconds', p, p)),
    percentiles('API latency, milliseconds', (p) => httpApi.metricLatency({ statistic: p, label: p })),
  ];
}

function jobsOf(watched: Watched): IWidget[] {
  const { own, httpApi } = watched;
  const ended = sums(watched, {
    JobsCompleted: 'completed',
    JobsFailed: 'failed',
    JobsCancelled: 'cancelled',
    JobsExpired: 'expired',
  });
  const errors = sums(watched, {
    UpstreamTimeouts: 'timeout',
    UpstreamConnectionResets: 'connection resets',
    UpstreamConnectionFailures: 'connection failures',
    UpstreamUnauthorized: '401, 403',
    UpstreamRefusals: 'refusals',
    UpstreamUnavailable: '429, 503',
    UpstreamServerErrors: '5xx',
    UpstreamInvalidResponses: 'invalid responses',
  });
  return [
    graph('Jobs ended, and created', ended, {
      stacked: true,
      right: sums(watched, { JobsCreated: 'created' }),
    }),
    graph('Polls, and polls per job', sums(watched, { Polls: 'polls' }), {
      right: [own('PollsPerJob', 'p50', 'per job, p50'), own('PollsPerJob', 'p99', 'per job, p99')],
    }),
    graph('ModelStudio errors', errors, { stacked: true }),
    graph('API requests', [
      httpApi.metricCount({ statistic: 'Sum', label: 'all' }),
      httpApi.metricClientError({ statistic: 'Sum', label: '4xx' }),
      ...sums(watched, { KeysRefused: 'without a valid key' }),
      httpApi.metricServerError({ statistic: 'Sum', label: '5xx' }),
    ]),
  ];
}

function webhooksOf(watched: Watched): IWidget[] {
  const { own } = watched;
  const settled = sums(watched, {
    WebhooksDelivered: 'delivered',
    WebhooksExhausted: 'exhausted',
    WebhooksGone: 'gone',
    WebhooksBlocked: 'blocked',
  });
  const seldom = sums(watched, {
    UnknownSubmissions: 'unknown submissions',
    UnknownUpstreamStates: 'unknown states',
    ResultsTooLarge: 'results too large',
    ResultsUnreadable: 'results unreadable',
    ResultsMissing: 'results missing',
    ResultsSurplus: 'results of no task',
  });
  return [
    graph('Webhook attempts', sums(watched, { WebhookAttempts: 'attempts', WebhookFailures: 'failures' })),
    graph('Webhook failures, %', [
      new MathExpression({
        expression: '100 * failures / attempts',
        usingMetrics: { failures: own('WebhookFailures', 'Sum'), attempts: own('WebhookAttempts', 'Sum') },
        label: 'failed',
      }),
    ]),
    graph('Webhooks settled', settled, { stacked: true }),
    graph('Seldom', seldom),
  ];
}

function machineryOf(watched: Watched): IWidget[] {
  const { functions, tables } = watched;
  return [
    graph(
      'Functions at once',
      functions.map((fn) => fn.metric('ConcurrentExecutions', { statistic: 'Maximum', label: fn.stage })),
    ),
    graph(
      'Function errors, and throttles of functions and tables',
      functions.map((fn) => fn.metricErrors({ statistic: 'Sum', label: fn.stage })),
      {
        right: [
          ...functions.map((fn) => fn.metricThrottles({ statistic: 'Sum', label: `${fn.stage} throttled` })),
          ...tables.map((table) => table.metricRefusals(`table ${nameOf(table)} throttled`)),
        ],
      },
    ),
    ofQueues('Messages due', watched, ({ queue }, options) =>
      queue.metricApproximateNumberOfMessagesVisible(options),
    ),
    ofQueues('Messages held back until they are due', watched, ({ queue }, options) =>
      queue.metricApproximateNumberOfMessagesDelayed(options),
    ),
  ];
}
