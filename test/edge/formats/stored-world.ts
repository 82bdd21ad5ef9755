import {
  type PollMessage,
  readCreateMessage,
  readDeliverMessage,
  readPollMessage,
} from '../../../functions/core/messages.ts';
import type { LargeJob } from '../../../functions/core/parts/parts.ts';
import { drain } from '../../../functions/create/drain.ts';
import { deliver } from '../../../functions/deliver/deliver.ts';
import { lambdaSqs } from '../../../functions/edge/lambda-sqs.ts';
import { advance } from '../../../functions/parts/advance.ts';
import { poll } from '../../../functions/poll/poll.ts';
import { type Cloud, QUEUES, type QueueName } from '../../cloud/cloud.ts';
import type { Item } from '../../cloud/expressions.ts';
import { sqsEvent } from '../../cloud/handlers.ts';
import type { Delivery, Message } from '../../cloud/queue.ts';
import { fakeWorld, type Scripts } from '../../cloud/world.ts';

/** What is stored, as AWS has it: items of DynamoDB, objects of S3, texts of SQS. */
export interface Stored {
  rows: Record<string, Item>;
  documents: Record<string, Item>;
  objects: Record<string, { body: string; metadata?: Record<string, string> }>;
  /** Those of earlier releases lack the queues that these did not have. */
  messages: Partial<Record<QueueName, string[]>>;
}

export function nothingStored(): Stored {
  return {
    rows: {},
    documents: {},
    objects: {},
    messages: { poll: [], collect: [], deliver: [] },
  };
}

/** What a cloud has stored by now. */
export function storedIn({ tables, objects, metadata, queues }: Cloud): Stored {
  const itemsOf = (table: Cloud['tables']['jobs']) =>
    Object.fromEntries(table.keys.map((key) => [key, table.peek(key) as Item]));
  const object = ([key, body]: [string, string]) => {
    const about = metadata.get(key) ?? {};
    return [key, { body, ...(Object.keys(about).length > 0 && { metadata: about }) }];
  };
  const bodiesIn = (queue: QueueName) => [...queues[queue].messages].map(({ body }) => body);
  return {
    rows: itemsOf(tables.jobs),
    documents: itemsOf(tables.documents),
    objects: Object.fromEntries([...objects].map(object)),
    messages: {
      ...(queues.create.messages.size > 0 && { create: bodiesIn('create') }),
      poll: bodiesIn('poll'),
      collect: bodiesIn('collect'),
      deliver: bodiesIn('deliver'),
    },
  };
}

/** The flows' world over a cloud in which this is stored already. */
export function storedWorld(stored: Stored, scripts: Scripts = {}, settings: object = {}) {
  const world = fakeWorld(scripts);
  Object.assign(world.settings, settings);
  const { tables, objects, metadata, queues } = world.cloud;
  for (const row of Object.values(stored.rows)) tables.jobs.put(row);
  for (const item of Object.values(stored.documents)) tables.documents.put(item);
  for (const [key, object] of Object.entries(stored.objects)) {
    objects.set(key, object.body);
    metadata.set(key, object.metadata ?? {});
  }
  for (const queue of QUEUES) for (const body of stored.messages[queue] ?? []) queues[queue].send(body, 0);

  const agains: number[] = [];
  const again = async (_handle: string, seconds: number) => agains.push(seconds);
  const poller = (isCollector: boolean) => {
    const settings = { ...world.settings, isCollector };
    const parts = isCollector && { advance: (job: LargeJob) => advance(job, world) };
    const ours = { ...world, settings, ...parts };
    const handle = (message: PollMessage, isRepeat: boolean) =>
      poll(message, isRepeat, ours).then(() => null);
    return lambdaSqs(readPollMessage, handle, again);
  };
  const handlers = {
    create: lambdaSqs(readCreateMessage, (message) => drain(message, world), again),
    poll: poller(false),
    collect: poller(true),
    deliver: lambdaSqs(readDeliverMessage, (message) => deliver(message, world), again),
  };
  /** Hands out the first message of a queue. It stays there unless it is done with; `again`: in how many seconds it comes back. */
  async function receive(queue: QueueName, receives = 1) {
    const [message] = queues[queue].messages as Set<Message>;
    if (!message) throw new Error(`The queue ${queue} is empty`);
    agains.length = 0;
    const delivery: Delivery = { message, receives, receiptHandle: 'h' };
    const { batchItemFailures } = await handlers[queue](sqsEvent(queue, [delivery]));
    const isDone = batchItemFailures.length === 0;
    if (isDone) queues[queue].messages.delete(message);
    return { isDone, again: agains[0] ?? null };
  }
  return { ...world, receive, stored: () => storedIn(world.cloud) };
}
