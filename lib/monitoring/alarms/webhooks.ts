import { type AlarmRow, onceInAQuarterHour, percentage } from './row.ts';

export const WEBHOOKS: AlarmRow[] = [
  {
    name: 'webhook-failures',
    means: 'At least half of the attempts to deliver webhooks have failed for half an hour.',
    metric: ({ own }) =>
      percentage({
        bad: own('WebhookFailures', 'Sum'),
        all: own('WebhookAttempts', 'Sum'),
        enough: 'all >= 10',
        label: '% of the attempts',
      }),
    threshold: 50,
    evaluation: { periodMinutes: 15, datapointsToAlarm: 2, evaluationPeriods: 2 },
  },
  {
    name: 'webhooks-exhausted',
    means: 'A webhook was given up after its last attempt: its receiver does not know of a finished job.',
    ...onceInAQuarterHour('WebhooksExhausted'),
  },
  {
    name: 'webhooks-blocked',
    means: 'A webhook was not sent because its URL resolves to an address that is not public.',
    ...onceInAQuarterHour('WebhooksBlocked'),
  },
];
