import type { Mutant } from '../load.ts';

/** Bugs that places at ModelStudio may have. The queue's simulation must catch each of them. */
export const PLACE_MUTANTS: Mutant[] = [
  {
    name: 'a place is taken from whoever has it',
    file: 'edge/places-table.ts',
    find: "'attribute_not_exists(#token) OR #token = :token'",
    replace: "'attribute_not_exists(nobody) OR #token = :token'",
  },
  {
    name: 'a place is released, whoever has it by then',
    file: 'edge/places-table.ts',
    find: "await put(freeRow(number), '#token = :token', token);",
    replace: "await put(freeRow(number), 'attribute_not_exists(nobody) OR #token = :token', token);",
  },
  {
    name: 'no place is released',
    file: 'create/places.ts',
    find: '  if (job.place) await places?.release(job.place).catch(() => undefined);\n',
    replace: '',
  },
  {
    name: 'a job that expires leaves its place',
    file: 'poll/poll.ts',
    find: "    if (next.end.status !== 'expired') await leavePlace",
    replace: '    await leavePlace',
  },
  {
    name: 'a job of which nobody knows whether it was created leaves its place',
    file: 'create/create.ts',
    find: "  if (result.kind !== 'created' && result.kind !== 'unknown') await",
    replace: "  if (result.kind !== 'created') await",
  },
  {
    name: 'a job that ModelStudio refuses keeps its place',
    file: 'create/create.ts',
    find: "  if (result.kind !== 'created' && result.kind !== 'unknown') await leavePlace(job, world);\n",
    replace: '',
  },
  {
    name: 'a submission takes no place',
    file: 'submit/submit.ts',
    find: 'isBehindOthers ? null : await takePlace(given, world);',
    replace: 'isBehindOthers ? null : given;',
  },
  {
    name: 'a repeated submission keeps the place that it has taken',
    file: 'submit/submit.ts',
    find: '    await leavePlace(job, world);\n    return replay(',
    replace: '    return replay(',
  },
  {
    name: 'a queued job takes no place',
    file: 'create/drain.ts',
    find: 'if (place && !(await world.places?.take(place, jobId)))',
    replace: 'if (place && !world.places)',
  },
  {
    name: 'a queued job is created, whoever has its place',
    file: 'create/drain.ts',
    find: 'if (place && !(await world.places?.take(place, jobId)))',
    replace: "if (place && (await world.places?.take(place, jobId)) === 'lost')",
  },
  {
    name: 'nobody looks after the places',
    file: 'create/drain.ts',
    find: '      if (!isReviewed) await reviewPlaces(places, world);\n',
    replace: '',
  },
  {
    name: 'a place that was never taken is not found',
    file: 'create/places.ts',
    find: 'return places.list(number);',
    replace: 'return;',
  },
  {
    name: 'the place of a job that runs is given away',
    file: 'core/queue/places.ts',
    find: "    if (!isFinished(job)) return 'held';\n",
    replace: '',
  },
  {
    name: 'the place of a job that was cancelled is given away at once',
    file: 'core/queue/places.ts',
    find: "< ASKED_ABOUT_MILLIS ? 'ask' : 'free';",
    replace: "< ASKED_ABOUT_MILLIS ? 'free' : 'free';",
  },
  {
    name: 'ModelStudio is not asked about a job that was cancelled',
    file: 'create/places.ts',
    find: "(verdict === 'ask' && job && !(await isOverAtModelStudio(job, world)))",
    replace: "verdict === 'ask'",
  },
  {
    name: 'whatever ModelStudio answers, the job is over',
    file: 'core/queue/places.ts',
    find: '  return ENDS.includes(kind);',
    replace: "  return kind !== 'running';",
  },
  {
    name: 'a created job forgets its name at ModelStudio when it ends',
    file: 'core/transitions.ts',
    find: '    ...(place && { place: { ...place, upstreamJobId } }),',
    replace: '    ...(place && { place }),',
  },
  {
    name: 'a job that may exist keeps its place for a minute',
    file: 'core/queue/places.ts',
    find: 'UNKNOWN_KEPT_SECONDS = 600;',
    replace: 'UNKNOWN_KEPT_SECONDS = 60;',
  },
  {
    name: 'a job that may exist keeps its place for ten minutes, however long such jobs take',
    file: 'core/queue/places.ts',
    find: 'Math.max(UNKNOWN_KEPT_SECONDS, ...durations)',
    replace: 'Math.max(UNKNOWN_KEPT_SECONDS, ...durations.slice(99))',
  },
  {
    name: 'a job that is resubmitted leaves its place too early',
    file: 'core/queue/places.ts',
    find: '  if (!isNamed && !job?.submissions) return',
    replace: '  if (!isNamed) return',
  },
];
