import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmRow } from './row.ts';

export const SWEEPER: AlarmRow[] = [
  {
    name: 'sweeper-not-running',
    means:
      'For ten minutes, no sweep has read everything that is overdue, so a job whose wake-up is lost does not move on.',
    metric: ({ own }) => own('Sweeps', 'Sum'),
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 2 },
    treatMissingData: TreatMissingData.BREACHING,
  },
  {
    name: 'jobs-overdue',
    means: 'The sweeper finds jobs more than five minutes after they were overdue: it does not keep up.',
    metric: ({ own }) => own('OldestOverdueSeconds', 'Maximum'),
    threshold: 300,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 2 },
  },
  {
    name: 'jobs-recovered',
    means: 'The sweeper keeps recovering jobs whose own wake-up does not come.',
    metric: ({ own }) => own('JobsRecovered', 'Sum'),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 3, evaluationPeriods: 6 },
  },
];
