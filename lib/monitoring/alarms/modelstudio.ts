import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../../functions/core/metrics.ts';
import { type AlarmRow, onceInAQuarterHour } from './row.ts';

/** Answers that say nothing about the job. A refused key has an alarm of its own. */
const UNUSABLE_ANSWERS: MetricName[] = [
  'UpstreamTimeouts',
  'UpstreamConnectionResets',
  'UpstreamConnectionFailures',
  'UpstreamUnavailable',
  'UpstreamServerErrors',
  'UpstreamInvalidResponses',
];

export const MODELSTUDIO: AlarmRow[] = [
  {
    name: 'modelstudio-key-refused',
    means: 'ModelStudio answers 401 or 403: the API key of this deployment is wrong.',
    metric: ({ own }) => own('UpstreamUnauthorized', 'Sum'),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 1, evaluationPeriods: 1 },
  },
  {
    name: 'modelstudio-refusals',
    means: 'ModelStudio refuses to create jobs, and neither the request nor the key is the reason.',
    ...onceInAQuarterHour('UpstreamRefusals'),
  },
  {
    name: 'modelstudio-forgets-jobs',
    means: 'ModelStudio keeps answering 404 about jobs that it has reported on before.',
    metric: ({ own }) => own('UpstreamJobsForgotten', 'Sum'),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 2 },
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
    threshold: 50,
    evaluation: { periodMinutes: 15, datapointsToAlarm: 2, evaluationPeriods: 2 },
  },
  {
    name: 'unknown-submissions',
    means: 'ModelStudio did not say whether it created a job: it may be running, and billed, unseen.',
    ...onceInAQuarterHour('UnknownSubmissions'),
  },
  {
    name: 'unknown-upstream-states',
    means: 'ModelStudio reports a job state that this version does not know and treats as running.',
    metric: ({ own }) => own('UnknownUpstreamStates', 'Sum'),
    threshold: 1,
    evaluation: { periodMinutes: 60, datapointsToAlarm: 1, evaluationPeriods: 1 },
  },
];
