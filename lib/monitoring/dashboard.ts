import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  type IWidget,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { MetricName } from '../../functions/core/metrics.ts';
import type { StageQueue } from '../stages/stage-queue.ts';
import { type Monitored, nameOf, type Statistic } from './monitored.ts';

/** Width in the 24 columns of a dashboard. */
const FULL = 24;
const QUARTER = 6;

/** Answers, from top to bottom: is it healthy, how slow is it, how much does it do? */
export class MonitoringDashboard extends Dashboard {
  constructor(scope: Construct, id: string, props: { monitored: Monitored; alarms: Alarm[] }) {
    const { monitored, alarms } = props;
    super(scope, id, {
      dashboardName: monitored.stackName,
      defaultInterval: Duration.hours(12),
      widgets: [
        [heading('Is it healthy?')],
        [new AlarmStatusWidget({ title: 'Alarms: see docs/runbook.md', alarms, width: FULL, height: 7 })],
        healthOf(monitored),
        [heading('How slow is it?')],
        slownessOf(monitored),
        [heading('How much does it do?')],
        jobsOf(monitored),
        webhooksOf(monitored),
        machineryOf(monitored),
      ],
    });
  }
}

function heading(question: string): IWidget {
  return new TextWidget({ markdown: `## ${question}`, width: FULL, height: 1 });
}

function graph(title: string, left: IMetric[], props: GraphWidgetProps = {}): IWidget {
  return new GraphWidget({ title, left, width: QUARTER, height: 6, leftYAxis: { min: 0 }, ...props });
}

function percentiles(title: string, metric: (p: Statistic) => IMetric): IWidget {
  return graph(title, (['p50', 'p90', 'p99'] as const).map(metric));
}

function sums({ own }: Monitored, labels: Partial<Record<MetricName, string>>): IMetric[] {
  return Object.entries(labels).map(([name, label]) => own(name as MetricName, 'Sum', label));
}

type Part = 'queue' | 'deadLetterQueue';

function ofQueues(title: string, { queues }: Monitored, metricName: string, part: Part = 'queue'): IWidget {
  const optionsOf = (each: StageQueue) => ({ statistic: 'Maximum', label: nameOf(each) });
  const metrics = queues.map((each) => each[part].metric(metricName, optionsOf(each)));
  return graph(title, metrics);
}

function healthOf(monitored: Monitored): IWidget[] {
  const oldest = [
    monitored.own('OldestOverdueSeconds', 'Maximum', 'overdue'),
    monitored.own('OldestQueuedSeconds', 'Maximum', 'queued'),
  ];
  return [
    graph('Sweeps and jobs recovered', sums(monitored, { Sweeps: 'sweeps', JobsRecovered: 'recovered' })),
    graph('Oldest overdue and oldest queued job, seconds', oldest),
    ofQueues('Oldest message, seconds', monitored, 'ApproximateAgeOfOldestMessage'),
    ofQueues('Dead letters', monitored, 'ApproximateNumberOfMessagesVisible', 'deadLetterQueue'),
  ];
}

function slownessOf({ own, httpApi }: Monitored): IWidget[] {
  return [
    percentiles('Job, seconds from creation to end', (p) => own('JobSeconds', p, p)),
    percentiles('Detection lag, seconds at most', (p) => own('DetectionLagSeconds', p, p)),
    percentiles('Webhook attempt, seconds', (p) => own('WebhookAttemptSeconds', p, p)),
    percentiles('API latency, milliseconds', (p) => httpApi.metricLatency({ statistic: p, label: p })),
  ];
}

function jobsOf(monitored: Monitored): IWidget[] {
  const { own, httpApi } = monitored;
  const ended = sums(monitored, {
    JobsCompleted: 'completed',
    JobsFailed: 'failed',
    JobsCancelled: 'cancelled',
    JobsExpired: 'expired',
  });
  const errors = sums(monitored, {
    UpstreamTimeouts: 'timeout',
    UpstreamConnectionResets: 'connection resets',
    UpstreamConnectionFailures: 'connection failures',
    UpstreamUnauthorized: '401, 403',
    UpstreamRefusals: 'refusals',
    CreatesRefused: 'creates of queued jobs refused',
    UpstreamUnavailable: '429, 503',
    UpstreamServerErrors: '5xx',
    UpstreamInvalidResponses: 'invalid responses',
  });
  return [
    graph('Jobs ended, created and queued', ended, {
      stacked: true,
      right: sums(monitored, { JobsCreated: 'created', JobsQueued: 'queued' }),
    }),
    graph('Polls, and polls per job', sums(monitored, { Polls: 'polls' }), {
      right: [own('PollsPerJob', 'p50', 'per job, p50'), own('PollsPerJob', 'p99', 'per job, p99')],
    }),
    graph('ModelStudio errors', errors, { stacked: true }),
    graph('API requests', [
      httpApi.metricCount({ statistic: 'Sum', label: 'all' }),
      httpApi.metricClientError({ statistic: 'Sum', label: '4xx' }),
      ...sums(monitored, { KeysRefused: 'without a valid key' }),
      httpApi.metricServerError({ statistic: 'Sum', label: '5xx' }),
    ]),
  ];
}

function webhooksOf(monitored: Monitored): IWidget[] {
  const { own } = monitored;
  const settled = sums(monitored, {
    WebhooksDelivered: 'delivered',
    WebhooksExhausted: 'exhausted',
    WebhooksGone: 'gone',
    WebhooksBlocked: 'blocked',
  });
  const seldom = sums(monitored, {
    UnknownSubmissions: 'unknown submissions',
    JobsNeverSubmitted: 'never submitted',
    UnknownUpstreamStates: 'unknown states',
    ResultsTooLarge: 'results too large',
    ResultsUnreadable: 'results unreadable',
    ResultsMissing: 'results missing',
    ResultsSurplus: 'results of no task',
  });
  return [
    graph('Webhook attempts', sums(monitored, { WebhookAttempts: 'attempts', WebhookFailures: 'failures' })),
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

function machineryOf(monitored: Monitored): IWidget[] {
  const { functions, tables } = monitored;
  const ofFunctions = (metricName: string, statistic: Statistic, suffix = '') =>
    functions.map((fn) => fn.metric(metricName, { statistic, label: `${nameOf(fn)}${suffix}` }));
  const throttled = [
    ...ofFunctions('Throttles', 'Sum', ' throttled'),
    ...tables.map((table) => table.metricRefusals(`table ${nameOf(table)} throttled`)),
  ];
  return [
    graph('Functions at once', ofFunctions('ConcurrentExecutions', 'Maximum')),
    graph('Function errors, and throttles of functions and tables', ofFunctions('Errors', 'Sum'), {
      right: throttled,
    }),
    ofQueues('Messages due', monitored, 'ApproximateNumberOfMessagesVisible'),
    ofQueues('Messages held back until they are due', monitored, 'ApproximateNumberOfMessagesDelayed'),
  ];
}
