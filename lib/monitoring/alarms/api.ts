import { type AlarmRow, percentage } from './row.ts';

const SUM = { statistic: 'Sum' };

export const API: AlarmRow[] = [
  {
    name: 'api-5xx',
    means: 'At least 5 % of the requests to the API, and three of them, were answered with a 5xx.',
    metric: ({ httpApi }) =>
      percentage({
        bad: httpApi.metricServerError(SUM),
        all: httpApi.metricCount(SUM),
        enough: 'bad >= 3',
        label: '% of the requests',
      }),
    threshold: 5,
    evaluation: { periodMinutes: 15, datapointsToAlarm: 1, evaluationPeriods: 1 },
  },
  {
    name: 'api-4xx',
    means:
      'For 15 minutes, at least half of the requests to the API, and three a second, were refused with a 4xx.',
    metric: ({ httpApi }) =>
      percentage({
        bad: httpApi.metricClientError(SUM),
        all: httpApi.metricCount(SUM),
        enough: 'bad >= 900',
        label: '% of the requests',
      }),
    threshold: 50,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 3, evaluationPeriods: 3 },
  },
  {
    name: 'keys-refused',
    means: 'For 15 minutes, one request a second has come without a valid client key.',
    metric: ({ own }) => own('KeysRefused', 'Sum'),
    threshold: 300,
    evaluation: { periodMinutes: 5, datapointsToAlarm: 3, evaluationPeriods: 3 },
  },
];
