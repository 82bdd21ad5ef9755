import { CreateQueueCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientSettings } from './stack/clients.ts';
import { arn } from './stack/identities.ts';
import type { LocalStack } from './stack/stack.ts';

/** A destination of the setting, which the synthesis judges. */
export type LocalDestination = Record<string, unknown> & { arn?: unknown };

/** The setting `destinations` with queues and buses of this machine: of an ARN, the service and the name count. */
export function destinationsIn(json: string): LocalDestination[] {
  const given = JSON.parse(json) as LocalDestination[];
  return given.map((each) => ({ ...each, arn: localArn(each?.arn) }));
}

function localArn(given: unknown): unknown {
  const [, , service = '', , , resource] = String(given).split(':');
  return resource === undefined ? given : arn(service, resource);
}

/** Queues in the local SQS, and buses that take events, which `onEvent` of the stack's buses is told of. @throws if one is a queue that is there already */
export async function createDestinations(destinations: LocalDestination[], stack: LocalStack): Promise<void> {
  const sqs = new SQSClient(clientSettings(stack.endpoints.sqs));
  const arns = destinations.map((each) => String(each.arn));
  const queues = arns.filter((each) => each.split(':')[2] === 'sqs').map((each) => each.split(':')[5] ?? '');
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const own = queues.find((name) => QueueUrls.some((url) => url.endsWith(`/${name}`)));
  if (own) throw new Error(`A destination must not be ${own}, a queue of the stack's own.`);
  for (const each of arns) stack.eventBuses.known.add(each);
  await Promise.all(
    queues.map((QueueName) => {
      const Attributes = QueueName.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
      return sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    }),
  );
  sqs.destroy();
}
