import type { Destination } from '../../functions/core/webhook/destination.ts';

const arnOf = (service: string, resource: string) =>
  `arn:aws:${service}:eu-central-1:123456789012:${resource}`;
export const BOTH = ['first', 'second'];

/** The operator's. `lost` and `lost-bus` are there no longer, and `closed` is encrypted by a key that lets nobody in. */
export const DESTINATIONS: readonly Destination[] = [
  { name: 'orders', arn: arnOf('sqs', 'orders'), clients: BOTH },
  { name: 'in-order', arn: arnOf('sqs', 'in-order.fifo'), clients: BOTH },
  { name: 'bus', arn: arnOf('events', 'event-bus/bus'), clients: BOTH },
  { name: 'lost', arn: arnOf('sqs', 'lost'), clients: BOTH },
  { name: 'lost-bus', arn: arnOf('events', 'event-bus/lost-bus'), clients: BOTH },
  { name: 'closed', arn: arnOf('sqs', 'closed'), clients: BOTH },
  { name: 'theirs', arn: arnOf('sqs', 'orders'), clients: ['second'] },
];

/** Of those that take events, unless they fail now and then. */
export const isUp = (name: string) => ['orders', 'in-order', 'bus', 'theirs'].includes(name);
