import { type AlarmRow, onceInAQuarterHour } from './row.ts';

export const RESULTS: AlarmRow[] = [
  {
    name: 'results-unreadable',
    means: 'A job failed because its results could not be read for ten minutes. They are kept in the bucket.',
    ...onceInAQuarterHour('ResultsUnreadable'),
  },
  {
    name: 'results-too-large',
    means: 'A job failed because its results are larger than 128 MiB.',
    ...onceInAQuarterHour('ResultsTooLarge'),
  },
];
