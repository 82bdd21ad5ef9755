import type { AttemptOutcome } from '../core/webhook/attempt.ts';
import type { Destination } from '../core/webhook/destination.ts';
import type { Delivery, Webhooks } from '../ports.ts';

/** Makes one attempt to send an event to the queue or bus with this ARN. */
export type SendTo = (arn: string, delivery: Delivery, body: string) => Promise<AttemptOutcome>;

/** Sends webhooks to their URLs, or to the operator's queues and buses: what does that is loaded, as few deployments need it. */
export function withDestinations(
  urls: Webhooks,
  destinations: readonly Destination[],
  load: () => Promise<SendTo>,
): Webhooks {
  let loading: Promise<SendTo> | undefined;
  return {
    async send(delivery, body) {
      if (!delivery.destination) return urls.send(delivery, body);
      const found = destinations.find(({ name }) => name === delivery.url);
      // The operator may have changed them since the job was submitted.
      if (!found) return { kind: 'blocked', error: 'gone' };
      if (!found.clients.includes(delivery.client)) return { kind: 'blocked', error: 'denied' };
      loading ??= load();
      return (await loading)(found.arn, delivery, body);
    },
  };
}
