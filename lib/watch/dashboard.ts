import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { nameOf, type Statistic, type Watched } from './watched.ts';

/** Of the 24 columns that a dashboard has. */
const FULL = 24;
const QUARTER = 6;

const PERCENTILES: Statistic[] = ['p50', 'p90', 'p99'];

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

function healthOf({ own, queues }: Watched): IWidget[] {
  return [
    graph('Sweeps and rescues', [own('Sweeps', 'Sum', 'sweeps'), own('Rescues', 'Sum', 'rescues')]),
    graph('Oldest overdue job, seconds', [own('OldestOverdueSeconds', 'Maximum', 'overdue')]),
    graph(
      'Oldest message, seconds',
      queues.map((each) =>
        each.queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', label: nameOf(each) }),
      ),
    ),
    graph(
      'Dead letters',
      queues.map((each) =>
        each.deadLetters.metricApproximateNumberOfMessagesVisible({
          statistic: 'Maximum',
          label: nameOf(each),
        }),
      ),
    ),
  ];
}

function slownessOf({ own, httpApi }: Watched): IWidget[] {
  return [
    graph(
      'Job, seconds from creation to end',
      PERCENTILES.map((p) => own('JobSeconds', p, p)),
    ),
    graph(
      'Detection lag, seconds at most',
      PERCENTILES.map((p) => own('DetectionLagSeconds', p, p)),
    ),
    graph(
      'Webhook attempt, seconds',
      PERCENTILES.map((p) => own('WebhookAttemptSeconds', p, p)),
    ),
    graph(
      'API latency, milliseconds',
      PERCENTILES.map((p) => httpApi.metricLatency({ statistic: p, label: p })),
    ),
  ];
}

function jobsOf({ own, httpApi }: Watched): IWidget[] {
  return [
    graph(
      'Jobs ended, and created',
      [
        own('JobsCompleted', 'Sum', 'completed'),
        own('JobsFailed', 'Sum', 'failed'),
        own('JobsCancelled', 'Sum', 'cancelled'),
        own('JobsExpired', 'Sum', 'expired'),
      ],
      { stacked: true, right: [own('JobsCreated', 'Sum', 'created')] },
    ),
    graph('Polls, and polls per job', [own('Polls', 'Sum', 'polls')], {
      right: [own('PollsPerJob', 'p50', 'per job, p50'), own('PollsPerJob', 'p99', 'per job, p99')],
    }),
    graph(
      'ModelStudio errors',
      [
        own('UpstreamTimeouts', 'Sum', 'timeout'),
        own('UpstreamCuts', 'Sum', 'cut off'),
        own('UpstreamNotConnected', 'Sum', 'not connected'),
        own('UpstreamUnauthorized', 'Sum', '401, 403'),
        own('UpstreamRefusals', 'Sum', 'refusals'),
        own('UpstreamUnavailable', 'Sum', '429, 503'),
        own('UpstreamServerErrors', 'Sum', '5xx'),
        own('UpstreamNonsense', 'Sum', 'nonsense'),
      ],
      { stacked: true },
    ),
    graph('API requests', [
      httpApi.metricCount({ statistic: 'Sum', label: 'all' }),
      httpApi.metricClientError({ statistic: 'Sum', label: '4xx' }),
      own('KeysRefused', 'Sum', 'without a valid key'),
      httpApi.metricServerError({ statistic: 'Sum', label: '5xx' }),
    ]),
  ];
}

function webhooksOf({ own }: Watched): IWidget[] {
  return [
    graph('Webhook attempts', [
      own('WebhookAttempts', 'Sum', 'attempts'),
      own('WebhookFailures', 'Sum', 'failures'),
    ]),
    graph('Webhook failures, %', [
      new MathExpression({
        expression: '100 * failures / attempts',
        usingMetrics: { failures: own('WebhookFailures', 'Sum'), attempts: own('WebhookAttempts', 'Sum') },
        label: 'failed',
      }),
    ]),
    graph(
      'Webhooks settled',
      [
        own('WebhooksDelivered', 'Sum', 'delivered'),
        own('WebhooksExhausted', 'Sum', 'exhausted'),
        own('WebhooksGone', 'Sum', 'gone'),
        own('WebhooksBlocked', 'Sum', 'blocked'),
      ],
      { stacked: true },
    ),
    graph('Seldom', [
      own('UnknownSubmissions', 'Sum', 'unknown submissions'),
      own('UnknownUpstreamStates', 'Sum', 'unknown states'),
      own('ResultsTooLarge', 'Sum', 'results too large'),
      own('ResultsUnreadable', 'Sum', 'results unreadable'),
      own('ResultsMissing', 'Sum', 'results missing'),
      own('ResultsSurplus', 'Sum', 'results of no task'),
    ]),
  ];
}

function machineryOf({ functions, queues, tables }: Watched): IWidget[] {
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
    graph(
      'Messages due',
      queues.map((each) =>
        each.queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', label: nameOf(each) }),
      ),
    ),
    graph(
      'Messages held back until they are due',
      queues.map((each) =>
        each.queue.metricApproximateNumberOfMessagesDelayed({ statistic: 'Maximum', label: nameOf(each) }),
      ),
    ),
  ];
}
