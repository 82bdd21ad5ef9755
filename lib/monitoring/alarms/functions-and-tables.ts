import { type AlarmRow, each } from './row.ts';

export const CAPACITY: AlarmRow[] = [
  {
    name: 'function-errors',
    means: 'This function keeps failing as a whole: it crashes, runs out of time or memory, or cannot start.',
    metric: ({ functions }) => each(functions, (fn) => fn.metricErrors({ statistic: 'Sum' })),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 12 },
  },
  {
    name: 'function-throttles',
    means: 'Lambda keeps refusing to run this function: the account has no concurrency left.',
    metric: ({ functions }) => each(functions, (fn) => fn.metricThrottles({ statistic: 'Sum' })),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 3 },
  },
  {
    name: 'table-throttles',
    means: 'DynamoDB keeps refusing to read or write this table: it was not provisioned for this much.',
    metric: ({ tables }) => each(tables, (table) => table.metricRefusals()),
    threshold: 1,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 2, evaluationPeriods: 3 },
  },
];
