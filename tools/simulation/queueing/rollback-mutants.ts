import type { Mutant } from '../load.ts';

/** Bugs by which the queue would lose what a later release has stored, or wait for it. Its simulation must catch each of them. */
export const ROLLBACK_MUTANTS: Mutant[] = [
  {
    name: 'the request of a job that a later release has queued is deleted',
    file: 'create/drain.ts',
    find: "      if (outcome.kind !== 'refused' && outcome.kind !== 'no_place') done.add(jobId);\n",
    replace: "      if (outcome.kind === 'left') await world.requests.remove(jobs[index]);\n",
    seed: 310,
  },
  {
    name: 'a job of a later release ends the pass',
    file: 'create/drain.ts',
    find: '      left += await skipLater(waiting.slice(jobs.length), done, world);\n      continue;\n',
    replace: '      break;\n',
    seed: 1099,
  },
  {
    name: 'a job of a later release counts as one that waits',
    file: 'create/drain.ts',
    find: '    if (counts.left === jobs.length) {\n',
    replace: '    if (jobs.length === 0) {\n',
    seed: 1483,
  },
  {
    name: "a message of a later release's queue is deleted",
    file: 'edge/lambda-sqs.ts',
    find: '      if (isLaterFormat(body?.format)) throw',
    replace:
      '      if (isLaterFormat(body?.format) && !body.jobId) return [];\n      if (isLaterFormat(body?.format)) throw',
    seed: 310,
  },
  {
    name: 'the queue rests although jobs of a later release wait',
    file: 'core/queue/gate.ts',
    find: 'isEmpty && !isLeft ?',
    replace: 'isEmpty ?',
    seed: 900,
  },
  {
    name: 'the place of a job of a later release is kept until that returns',
    file: 'core/queue/places.ts',
    find: "  if (job === 'unreadable') return kept;\n",
    replace: "  if (job === 'unreadable') return 'held';\n",
    seed: 70,
  },
  {
    name: 'the place of a job of a later release is given away at once',
    file: 'core/queue/places.ts',
    find: "  if (job === 'unreadable') return kept;\n",
    replace: "  if (job === 'unreadable') return 'free';\n",
    seed: 250,
  },
];
