// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs of jobs that go to queues and buses. */
export const DESTINATION_MUTANTS: Mutant[] = [
  {
    name: 'a bus is not looked at, which says success when it is not there',
    file: 'edge/queues-and-buses.ts',
    find: '      await lookAt(arn, () => buses.send(new DescribeEventBusCommand({ Name: arn }), options));\n',
    replace: '',
    seed: 110,
  },
  {
    name: 'what a bus says of an event is overlooked',
    file: 'edge/queues-and-buses.ts',
    find: '      if (entry?.ErrorCode) throw',
    replace: '      if (entry?.ErrorCode === "none") throw',
    seed: 0,
  },
  {
    name: 'each round of a FIFO queue has the same deduplication id',
    file: 'edge/queues-and-buses.ts',
    find: '`${id}.${redelivered?.rounds ?? 0}`',
    replace: '`${id}.0`',
    seed: 249,
  },
  {
    name: 'a key that throttles is taken for one that lets nobody in',
    file: 'core/webhook/destination.ts',
    find: '  if (now === undefined && forGood !== undefined)',
    replace: '  if (forGood !== undefined)',
    seed: 110,
  },
  {
    name: 'a queue that is gone is tried for a day',
    file: 'core/webhook/destination.ts',
    find: '/NonExistentQueue$|^QueueDoesNotExist|',
    replace: '/NonExistentQueue$|',
    seed: 163,
  },
  {
    name: 'any client may use any destination',
    file: 'core/webhook/destination.ts',
    find: 'filter(({ clients }) => clients.includes(client))',
    replace: 'filter(({ clients }) => clients.length > 0 && client)',
    seed: 5,
  },
  {
    name: 'the row does not say that it is a destination',
    file: 'submit/submit.ts',
    find: '  if (destination != null) return { url: destination, destination: true };',
    replace: '  if (destination != null) return { url: destination };',
    seed: 11,
  },
];
