// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from '../load.ts';

/** Bugs that a queue may have. Its simulation must catch each of them. */
export const QUEUE_MUTANTS: Mutant[] = [
  {
    name: 'a worker does not care who has the queue',
    file: 'create/drain.ts',
    find: '  if (gate.leaseUntil > now) return',
    replace: '  if (gate.leaseUntil > 2 * now) return',
  },
  {
    name: 'a create whose outcome is unknown is repeated, whatever the owner says',
    file: 'create/drain.ts',
    find: '      if (mayResubmit(job, clock.now())) await',
    replace: '      if (job) await',
  },
  {
    name: 'creates are not counted',
    file: 'core/transitions.ts',
    find: 'counted(nextVersion(job, now), 1)',
    replace: 'counted(nextVersion(job, now), 0)',
  },
  {
    name: 'a job that may exist ends as if it did not',
    file: 'core/queue/ends.ts',
    find: '  return submissions > 0 ?',
    replace: '  return submissions > 99 ?',
  },
  {
    name: 'a refused key ends a job',
    file: 'create/drain.ts',
    find: "    case 'invalid':\n",
    replace: "    case 'invalid':\n    case 'refused':\n    case 'credentials_refused':\n",
  },
  {
    name: 'the chain ends without another message',
    file: 'create/drain.ts',
    find: '  await world.wakeUps.create({ wakeUp }, sqsDelaySeconds(dueAt, now));\n',
    replace: '',
  },
  {
    name: 'a message that overtakes its record waits for the end of the lease',
    file: 'create/drain.ts',
    find: "place === 'ahead' ? now + 5000 : Infinity",
    replace: 'Infinity',
  },
  {
    name: 'an empty queue is closed at once',
    file: 'core/queue/gate.ts',
    find: 'LINGER_MILLIS = 45_000',
    replace: 'LINGER_MILLIS = 0',
  },
  {
    name: 'a client saves up its turns',
    file: 'edge/queue-table.ts',
    find: '      if (Number(turn) > virtualTime) return',
    replace: '      if (Number(turn) > 0) return',
  },
  {
    name: 'the clients are one',
    file: 'edge/queue-table.ts',
    find: '`turn/${client}`',
    replace: "'turn/' + 'all'",
  },
  {
    name: 'the jobs that came last come first',
    file: 'edge/queue-table.ts',
    find: "KeyConditionExpression: 'queueName = :queue AND queuePlace <= :last',",
    replace:
      "KeyConditionExpression: 'queueName = :queue AND queuePlace <= :last', ScanIndexForward: false,",
  },
  {
    name: 'the request of a job that was taken is kept',
    file: 'create/create.ts',
    find: '  if (job.queueing) await world.requests.remove(job);\n',
    replace: '',
  },
  {
    name: 'the request of a job that has ended is kept',
    file: 'finish/finish.ts',
    find: '  await world.requests.remove(job);\n',
    replace: '',
  },
  {
    name: 'a request is not stored',
    file: 'create/enqueue.ts',
    find: '  await world.requests.save(job, generation);\n',
    replace: '',
  },
  {
    name: 'the sweeper leaves jobs that have waited too long',
    file: 'core/polling/overdue.ts',
    find: 'return Math.min(job.queueing.until, job.expiresAt);',
    replace: 'return null;',
  },
  {
    name: 'nobody looks after the chain',
    file: 'sweep/sweep.ts',
    find: '  if (jobId === GATE_ID) return wakeQueueAgain(onOverdue, world);\n',
    replace: '  if (jobId === GATE_ID) return;\n',
  },
  {
    name: 'ModelStudio is probed ten times a second',
    file: 'core/queue/pace.ts',
    find: 'const PROBE_MAX_SECONDS = 15;',
    replace: 'const PROBE_MAX_SECONDS = 0.1;',
  },
  {
    name: 'ModelStudio is probed every two minutes',
    file: 'core/queue/pace.ts',
    find: 'const PROBE_MAX_SECONDS = 15;',
    replace: 'const PROBE_MAX_SECONDS = 120;',
  },
  {
    name: 'the queue looks again at once while the index is behind',
    file: 'core/queue/pace.ts',
    find: 'nextAt: now + ROUND_SECONDS * 1000 };',
    replace: 'nextAt: now };',
  },
];
