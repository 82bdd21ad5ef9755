import type { Mutant } from './load.ts';

/** Bugs by which what is learned of how long jobs take is biased, or of another job. */
export const LEARNING_MUTANTS: Mutant[] = [
  {
    name: 'the next poll forgets that the job teaches',
    file: 'poll/poll.ts',
    find: '...chain, wakeUp, polledAt, isSeen,',
    replace: '...chain, wakeUp, polledAt, isSeen, slot: undefined,',
    seed: 0,
  },
  {
    name: 'nobody remembers when more tasks were done',
    file: 'core/transitions.ts',
    find: 'return { ...next, progressAt: now };',
    replace: 'return next;',
    seed: 2,
  },
  {
    name: 'a job of which others teach teaches, too',
    file: 'poll/poll.ts',
    find: 'if (!isReported || message.slot === undefined) return;',
    replace: 'if (!isReported) return;',
    seed: 47,
  },
  {
    name: 'a job that was in doubt teaches',
    file: 'poll/poll.ts',
    find: 'const isReported = isEnd(report) && job.doubt === null;',
    replace: 'const isReported = isEnd(report);',
    seed: 0,
  },
  {
    name: 'the last poll alone is taught',
    file: 'poll/poll.ts',
    find: 'message.slot, since, { from, to });',
    replace: 'message.slot, since, { from: to, to }); void from;',
    seed: 1,
  },
  {
    name: 'a job teaches by when it ends',
    file: 'poll/poll.ts',
    find: 'record(kindOf(job), message.slot, since,',
    replace: 'record(kindOf(job), message.slot, now,',
    seed: 1,
  },
  {
    name: 'jobs of another length teach',
    file: 'create/create.ts',
    find: 'await world.durationStats.enroll(kindOf(job), polledAt)',
    replace: 'await world.durationStats.enroll(kindOf({ ...job, totalTasks: 8 }), polledAt)',
    seed: 1,
  },
  {
    name: 'a slot is given out twice by an environment',
    file: 'edge/duration-stats.ts',
    find: '    lessons[slot] = lesson;\n',
    replace: '',
    seed: 319,
  },
];

/** The same, where many jobs come at once. */
export const CROWD_MUTANTS: Mutant[] = [
  {
    name: 'who ends last has taught',
    file: 'edge/duration-stats.ts',
    find: 'await write(name, slot, lesson, encoded(lesson));',
    replace: 'await write(name, slot, lesson, Number.MAX_SAFE_INTEGER);',
    seed: 4,
  },
  {
    name: 'a slot is taken before its term is over',
    file: 'edge/duration-stats.ts',
    find: 'encodedFrom(submittedAt - term)',
    replace: 'encodedFrom(submittedAt - term / 50)',
    seed: 113,
  },
];
