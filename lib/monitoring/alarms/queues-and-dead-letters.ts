import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type AlarmRow, each } from './row.ts';

export const QUEUES: AlarmRow[] = [
  {
    name: 'oldest-message',
    means: 'A message has been in this queue for 40 minutes.',
    metric: ({ queues }) =>
      each(queues, ({ queue }) => queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum' })),
    threshold: 2400,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 1, evaluationPeriods: 1 },
  },
  {
    name: 'dead-letters',
    means: 'A message of this queue has failed 14 times and was moved to the dead-letter queue.',
    metric: ({ queues }) =>
      each(queues, ({ deadLetterQueue }) =>
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' }),
      ),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 1, evaluationPeriods: 1 },
    // An idle queue has no data after six hours, which does not mean that it is empty.
    treatMissingData: TreatMissingData.IGNORE,
  },
];
