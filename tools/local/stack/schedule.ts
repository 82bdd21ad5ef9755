import { randomUUID } from 'node:crypto';
import { ACCOUNT_ID, REGION } from './identities.ts';

export interface Firing {
  scheduleArn: string;
  source: 'aws.events' | 'aws.scheduler';
  /** JSON; undefined for the service's own event. */
  input: string | undefined;
  firedAt: Date;
}

const UNIT_MS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Undefined for anything but a rate, such as a cron expression. */
export function rateInMilliseconds(expression: string): number | undefined {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return count === undefined || unit === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? 0);
}

export function scheduledEvent({ scheduleArn, source, input, firedAt }: Firing): unknown {
  const id = randomUUID();
  const time = `${firedAt.toISOString().slice(0, 19)}Z`;
  if (input === undefined) {
    const detail = source === 'aws.events' ? {} : '{}';
    const identity = { version: '0', id, 'detail-type': 'Scheduled Event', source, account: ACCOUNT_ID };
    return { ...identity, time, region: REGION, resources: [scheduleArn], detail };
  }
  const contextAttributes: Record<string, string> = {
    'aws.scheduler.schedule-arn': scheduleArn,
    'aws.scheduler.scheduled-time': time,
    'aws.scheduler.execution-id': id,
    'aws.scheduler.attempt-number': '1',
  };
  const text = input.replaceAll(/<(aws\.scheduler\.[a-z-]+)>/g, (attribute, name: string) =>
    source === 'aws.scheduler' ? (contextAttributes[name] ?? attribute) : attribute,
  );
  return JSON.parse(text);
}
