import type { PartLimits } from '../core/parts/row.ts';
import type { Destination } from '../core/webhook/destination.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';
import { number, numbers, optional, required } from './environment.ts';

export function webhookRules(): WebhookRules {
  return {
    ports: numbers('WEBHOOK_PORTS'),
    ownHost: new URL(required('API_URL')).hostname,
    loopback: optional('WEBHOOK_ALLOW_LOOPBACK') === 'true',
  };
}

/** Without their ARNs where jobs are accepted. */
export const destinations = (): Destination[] => JSON.parse(optional('DESTINATIONS') ?? '[]');
export const partLimits = (): PartLimits => ({
  conversations: number('CONVERSATIONS_PER_CREATE'),
  bytes: number('BYTES_PER_CREATE'),
});
export const apiUrl = () => required('API_URL').replace(/\/+$/, '');
export const webhookSchedule = () => numbers('WEBHOOK_RETRY_SCHEDULE_SECONDS');
export const retentionDays = () => number('RETENTION_DAYS');
export const lagPerPollSeconds = () => number('LAG_PER_POLL_SECONDS');
