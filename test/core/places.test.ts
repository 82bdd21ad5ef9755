import { expect, it } from 'vitest';
import type { Job } from '../../functions/core/job.ts';
import { type HeldPlace, reviewed } from '../../functions/core/queue/places.ts';
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
