import type { PartLimits } from '../core/parts/row.ts';
import type { Variable } from '../core/variables.ts';
import type { Destination } from '../core/webhook/destination.ts';
import type { WebhookRules } from '../core/webhook/webhook-url.ts';

/** @throws if the stack did not set the variable, as the function must not start half-configured */
export function required(name: Variable): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set`);
  return value;
}

export function optional(name: Variable): string | null {
  return process.env[name] || null;
}

export function number(name: Variable): number {
  const value = Number(required(name));
  if (Number.isNaN(value)) throw new Error(`The environment variable ${name} must be a number`);
  return value;
}

export function numbers(name: Variable): number[] {
  const text = process.env[name] ?? '';
  const list = text.split(',').flatMap((item) => (item.trim() === '' ? [] : Number(item)));
  if (list.some(Number.isNaN)) throw new Error(`The environment variable ${name} must be a list of numbers`);
  return list;
}

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
