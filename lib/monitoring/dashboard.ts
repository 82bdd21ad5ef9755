import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { StageQueue } from '../stages/stage-queue.ts';
import { type Monitored, nameOf, type Statistic } from './monitored.ts';

/** Of the 24 columns of a dashboard. */
const FULL = 24;
const QUARTER = { width: 6, height: 6 };

/** Answers, from top to bottom: is it healthy, how slow is it, how much does it do? */
export function widgetsOf(monitored: Monitored, alarms: cloudwatch.IAlarm[]): cloudwatch.IWidget[][] {
  const { own, sums, queues, httpApi } = monitored;
  const title = 'Alarms: see docs/runbook.md';
  return [
    heading('Is it healthy?'),
    [new cloudwatch.AlarmStatusWidget({ title, alarms, width: FULL, height: 7 })],
    [
      graph('Sweeps and jobs recovered', sums('Sweeps', 'JobsRecovered')),
      graph('Oldest overdue and oldest queued job, seconds', [
        own('OldestOverdueSeconds', 'Maximum', 'overdue'),
        own('OldestQueuedSeconds', 'Maximum', 'queued'),
      ]),
      ofQueues('Oldest message, seconds', queues, 'ApproximateAgeOfOldestMessage'),
      ofQueues('Dead letters', queues, 'ApproximateNumberOfMessagesVisible', 'deadLetterQueue'),
    ],
    heading('How slow is it?'),
    [
      percentiles('Job, seconds from creation to end', (p) => own('JobSeconds', p, p)),
      percentiles('Detection lag, seconds at most', (p) => own('DetectionLagSeconds', p, p)),
      percentiles('Webhook attempt, seconds', (p) => own('WebhookAttemptSeconds', p, p)),
      percentiles('API latency, milliseconds', (p) => httpApi.metricLatency({ statistic: p, label: p })),
    ],
    heading('How much does it do?'),
    jobsOf(monitored),
    webhooksOf(monitored),
    machineryOf(monitored),
  ];
}

function heading(question: string) {
  return [new cloudwatch.TextWidget({ markdown: `## ${question}`, width: FULL, height: 1 })];
}

function graph(title: string, left: cloudwatch.IMetric[], props: cloudwatch.GraphWidgetProps = {}) {
  return new cloudwatch.GraphWidget({ ...QUARTER, title, left, leftYAxis: { min: 0 }, ...props });
}

function percentiles(title: string, metric: (p: Statistic) => cloudwatch.IMetric) {
  return graph(title, (['p50', 'p90', 'p99'] as const).map(metric));
}

type Part = 'queue' | 'deadLetterQueue';

function ofQueues(title: string, queues: StageQueue[], metricName: string, part: Part = 'queue') {
  const metricOf = (each: StageQueue) =>
    each[part].metric(metricName, { statistic: 'Maximum', label: nameOf(each) });
  return graph(title, queues.map(metricOf));
}

function jobsOf({ own, sums, httpApi }: Monitored) {
  const ended = sums('JobsCompleted', 'JobsFailed', 'JobsCancelled', 'JobsExpired');
  const errors = [
    ...sums('UpstreamTimeouts', 'UpstreamConnectionResets', 'UpstreamConnectionFailures'),
    own('UpstreamUnauthorized', 'Sum', '401, 403'),
    ...sums('UpstreamRefusals', 'CreatesRefused'),
    own('UpstreamUnavailable', 'Sum', '429, 503'),
    own('UpstreamServerErrors', 'Sum', '5xx'),
    ...sums('UpstreamInvalidResponses'),
  ];
  return [
    graph('Jobs ended, created and queued', ended, {
      stacked: true,
      right: sums('JobsCreated', 'JobsQueued'),
    }),
    graph('Polls, and polls per job', sums('Polls'), {
      right: [own('PollsPerJob', 'p50', 'per job, p50'), own('PollsPerJob', 'p99', 'per job, p99')],
    }),
    graph('ModelStudio errors', errors, { stacked: true }),
    graph('API requests', [
      httpApi.metricCount({ statistic: 'Sum', label: 'all' }),
      httpApi.metricClientError({ statistic: 'Sum', label: '4xx' }),
      own('KeysRefused', 'Sum', 'without a valid key'),
      httpApi.metricServerError({ statistic: 'Sum', label: '5xx' }),
    ]),
  ];
}

function webhooksOf({ own, sums }: Monitored) {
  const settled = sums('WebhooksDelivered', 'WebhooksExhausted', 'WebhooksGone', 'WebhooksBlocked');
  const seldom = [
    ...sums('UnknownSubmissions', 'JobsNeverSubmitted', 'UnknownUpstreamStates'),
    ...sums('ResultsTooLarge', 'ResultsUnreadable', 'ResultsMissing', 'ResultsSurplus'),
  ];
  return [
    graph('Webhook attempts', sums('WebhookAttempts', 'WebhookFailures')),
    graph('Webhook failures, %', [
      new cloudwatch.MathExpression({
        expression: '100 * failures / attempts',
        usingMetrics: { failures: own('WebhookFailures', 'Sum'), attempts: own('WebhookAttempts', 'Sum') },
        label: 'failed',
      }),
    ]),
    graph('Webhooks settled', settled, { stacked: true }),
    graph('Seldom', seldom),
  ];
}

function machineryOf({ functions, queues, tables }: Monitored) {
  const ofFunctions = (metricName: string, statistic: Statistic, suffix = '') =>
    functions.map((fn) => fn.metric(metricName, { statistic, label: `${nameOf(fn)}${suffix}` }));
  return [
    graph('Functions at once', ofFunctions('ConcurrentExecutions', 'Maximum')),
    graph('Function errors, and throttles of functions and tables', ofFunctions('Errors', 'Sum'), {
      right: [
        ...ofFunctions('Throttles', 'Sum', ' throttled'),
        ...tables.map((table) => table.metricRefusals(`table ${nameOf(table)} throttled`)),
      ],
    }),
    ofQueues('Messages due', queues, 'ApproximateNumberOfMessagesVisible'),
    ofQueues('Messages held back until they are due', queues, 'ApproximateNumberOfMessagesDelayed'),
  ];
}
