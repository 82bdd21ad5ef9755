import { expect, it } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { type HeldPlace, isOverThere, reviewed } from '../../functions/core/queue/places.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import { finishedJob, NOW, queuedJob, runningJob, submittingJob } from '../edge/jobs.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const place: HeldPlace = { number: 2, token: 't', jobId: 'job_a', takenAt: NOW };
const own = { place: { number: 2, token: 't' } };
const known = { place: { number: 2, token: 't', upstreamJobId: 'up-1' } };
const other = { place: { number: 2, token: 'u', upstreamJobId: 'up-2' } };
const ended = (fields: object) => ({ ...finishedJob(), finishedAt: NOW + MINUTE, ...fields }) as Job;

/** When a place is `held` no longer, in minutes after it was taken; null: as long as its job is so. */
const CASES: [
  what: string,
  job: Job | 'unreadable' | null,
  durations: number[],
  minutes: number | null,
  then: string | object,
][] = [
  ['its job is being submitted', submittingJob(own), [], null, ''],
  ['its job runs', runningJob(known), [], null, ''],
  ['its job was not recorded, or was refused and removed', null, [], 1, 'free'],
  ['its job was refused, and its key used again', submittingJob(other), [], 1, 'free'],
  ['its job was put back into the queue, as it was certainly not created', queuedJob(), [], 1, 'free'],
  ['its job was put back, and may exist', queuedJob({ submissions: 1 }), [], 10, 'free'],
  [
    'its job may exist twice, and has another place by now',
    runningJob({ ...other, submissions: 2 }),
    [],
    10,
    'free',
  ],
  ['nobody knows whether its job was created', ended(own), [], 10, 'free'],
  ['and such jobs take up to an hour', ended(own), [60, 3600, 5], 60, 'free'],
  ['only a later release can read its job', 'unreadable', [], 10, 'free'],
  ['its job has ended here, whatever ModelStudio does', ended(known), [3600], 0, { upstreamJobId: 'up-1' }],
];

it.each(CASES)('a place is held for long enough when %s', (_what, job, durations, minutes, then) => {
  const at = (millis: number) => reviewed(place, job, NOW + millis, durations);
  if (minutes === null) return expect([at(0), at(30 * DAY)]).toEqual(['held', 'held']);
  if (minutes > 0) expect(at(minutes * MINUTE - 1)).toBe('held');
  expect(at(minutes * MINUTE)).toEqual(then);
});

it('a job that has ended here is asked about for a day', () => {
  expect(reviewed(place, ended(known), NOW + MINUTE + DAY - 1, [])).toEqual({ upstreamJobId: 'up-1' });
  expect(reviewed(place, ended(known), NOW + MINUTE + DAY, [])).toBe('free');
});

const NEVER = Number.POSITIVE_INFINITY;
const RESULTS = { json: '[]', failedTasks: 0, missing: 0, surplus: 0 };
const NOT_FAILED = { isCancelled: false, completedTasks: null, results: null, sentence: null };

/** After how many minutes a job that has ended here counts as over at ModelStudio, where such jobs take up to an hour. */
const REPORTS: [report: Report, minutes: number][] = [
  [{ kind: 'completed', results: RESULTS }, 0],
  [{ kind: 'failed', ...NOT_FAILED }, 0],
  [{ kind: 'unreadable', raw: Buffer.from('') }, 0],
  [{ kind: 'missing', isGone: true }, 0],
  [{ kind: 'missing', isGone: false }, 60],
  [{ kind: 'too_large' }, 60],
  [{ kind: 'running', completedTasks: 0, unknownState: null }, NEVER],
  [{ kind: 'too_slow' }, NEVER],
  [{ kind: 'transient_error', cause: 'server_error', retryAfterSeconds: 0 }, NEVER],
];

it.each(REPORTS)('by the report %j, a job is over at ModelStudio after %d minutes', (report, minutes) => {
  const isOver = (millis: number) => isOverThere(report, place, NOW + millis, [60, 3600, 5]);
  expect([0, 60 * MINUTE - 1, 60 * MINUTE, 30 * DAY].map(isOver)).toEqual(
    [0, 59, 60, 43_200].map((at) => at >= minutes),
  );
});

it('by a report that says nothing for sure, a job is not over before ten minutes have passed', () => {
  const isOver = (millis: number) => isOverThere({ kind: 'too_large' }, place, NOW + millis, []);
  expect([10 * MINUTE - 1, 10 * MINUTE].map(isOver)).toEqual([false, true]);
});
