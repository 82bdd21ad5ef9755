import { expect, it } from 'vitest';
import type { FeedEvent } from '../../../tools/local/console/feed.ts';

const page = (file: string) =>
  import(new URL(`../../../tools/local/console/page/${file}`, import.meta.url).href);
const [{ Story }, { momentsOf, isSettled }] = await Promise.all([page('story.js'), page('moments.js')]);

const AT = 1_000_000;
const log = (at: number, stage: string, facts: object): FeedEvent => {
  return { type: 'log', at: AT + at, stage, job_id: 'job_1', client: 'app', ...facts };
};
const poll = (at: number, wait_seconds: number, facts: object = {}) =>
  log(at, 'poll', { outcome: 'running', completed_tasks: 1, total_tasks: 2, wait_seconds, ...facts });
const part = (at: number, stage: string, facts: object) =>
  log(at, stage, { job_id: `job_1-0-${at}`, part_of: 'job_1', ...facts });
const submitted = log(20, 'submit', { outcome: 'created', model_id: 'm', total_tasks: 2, duration_ms: 20 });
/** Its line comes a moment late. */
const ended = (at: number, facts: object = {}) => {
  const tasks = { model_id: 'm', total_tasks: 2, completed_tasks: 2, failed_tasks: 0 };
  return log(at + 30, 'finish', { outcome: 'completed', ...tasks, age_seconds: at / 1000, ...facts });
};
const attempt = (at: number, facts: object) => log(at, 'deliver', { attempt: 1, duration_ms: 9, ...facts });

/** Each as it is marked, when it was, what its wait was counted from, and what is said of it. */
it.each<[string, FeedEvent[], string[], boolean]>([
  [
    'a job that waits for its next poll',
    [submitted, poll(1000, 2), poll(4000, 3)],
    [
      'submit +0 of 0: Submitted (ModelStudio took it in 20 ms)',
      'poll +1000 of 1000: Poll 1: 1 of 2 done (after 1 s)',
      'poll +4000 of 3000: Poll 2: 1 of 2 done (after 3 s, 1 s more than planned)',
      'next +7000 of 3000: Next poll (planned after 3 s)',
    ],
    false,
  ],
  [
    'a job whose poll failed, and that the sweep found',
    [
      submitted,
      poll(1000, 1, { outcome: 'trouble', cause: 'rate_limited' }),
      log(1500, 'sweep', {}),
      ended(2000),
    ],
    [
      'submit +0 of 0: Submitted (ModelStudio took it in 20 ms)',
      'trouble +1000 of 1000: Poll 1: rate_limited (after 1 s)',
      'rescue +1500 of 0: Woken by the sweep (its wake-up was overdue)',
      'end is-completed +2000 of 1000: Completed (2 of 2 done; found by poll 2 after 1 s)',
    ],
    true,
  ],
  [
    'a job that ModelStudio takes at its second request',
    [
      log(10, 'submit', { outcome: 'unavailable', cause: 'rate_limited', duration_ms: 10 }),
      log(20, 'submit', { outcome: 'queued', model_id: 'm', total_tasks: 2 }),
      log(2000, 'create', { outcome: 'unavailable', duration_ms: 10 }),
      log(5000, 'create', { outcome: 'created', duration_ms: 30 }),
      poll(6000, 2),
      ended(8000),
    ],
    [
      'submit +0 of 0: Submitted ()',
      'next +20 of 20: Queued (until ModelStudio takes it)',
      'retry +2000 of 2000: ModelStudio did not take it: unavailable (submitted 2 s before)',
      'submit +5000 of 3000: ModelStudio took it in 30 ms (asked 3 s before)',
      'poll +6000 of 1000: Poll 1: 1 of 2 done (after 1 s)',
      'end is-completed +8000 of 2000: Completed (2 of 2 done; found by poll 2 after 2 s)',
    ],
    true,
  ],
  [
    'a large job, of whose parts nothing is shown but when ModelStudio takes the first',
    [
      log(20, 'submit', { outcome: 'queued', model_id: 'm', total_tasks: 0 }),
      poll(100, 0, { completed_tasks: 0, total_tasks: 0 }),
      poll(200, 1, { completed_tasks: 0 }),
      part(500, 'create', { outcome: 'created', duration_ms: 30 }),
      part(600, 'create', { outcome: 'created', duration_ms: 40 }),
      part(700, 'poll', { outcome: 'running', completed_tasks: 1, total_tasks: 1, wait_seconds: 1 }),
      part(900, 'finish', { outcome: 'completed', completed_tasks: 1, failed_tasks: 0, age_seconds: 0.8 }),
      poll(1200, 1),
      ended(2000),
    ],
    [
      'submit +20 of 0: Submitted ()',
      'next +20 of 0: Queued (until ModelStudio takes it)',
      'submit +500 of 480: ModelStudio took it in 30 ms (submitted 0.5 s before)',
      'poll +1200 of 700: Poll 1: 1 of 2 done (after 0.7 s)',
      'end is-completed +2020 of 820: Completed (2 of 2 done; found by poll 2 after 0.8 s)',
    ],
    true,
  ],
  [
    'a job that ModelStudio never took',
    [
      log(20, 'submit', { outcome: 'queued', model_id: 'm', total_tasks: 2 }),
      ended(1000, { outcome: 'failed', cause: 'never_submitted' }),
    ],
    [
      'submit +20 of 0: Submitted ()',
      'next +20 of 0: Queued (until ModelStudio takes it)',
      'end is-failed +1020 of 1000: Failed (never_submitted)',
    ],
    true,
  ],
  [
    'a webhook that is tried again',
    [submitted, ended(1000), attempt(1100, { outcome: 'retry', status: 503, wait_seconds: 5 })],
    [
      'submit +0 of 0: Submitted (ModelStudio took it in 20 ms)',
      'end is-completed +1000 of 1000: Completed (2 of 2 done; found by poll 1 after 1 s)',
      'retry +1100 of 100: Webhook attempt 1: failed (answered 503 in 9 ms; next in 5 s)',
      'next +6100 of 5000: Next webhook attempt (planned after 5 s)',
    ],
    false,
  ],
  [
    'a webhook that nobody takes, of a job that may have been created',
    [
      submitted,
      ended(1000, { outcome: 'failed', cause: 'submission_unknown' }),
      attempt(1100, { outcome: 'blocked', cause: 'blocked' }),
    ],
    [
      'submit +0 of 0: Submitted (ModelStudio took it in 20 ms)',
      'end is-failed +1000 of 1000: Failed (submission_unknown)',
      'undelivered +1100 of 100: Webhook attempt 1: blocked (blocked in 9 ms)',
    ],
    true,
  ],
])('the timeline shows the moments of %s', (_, events, expected, isOver) => {
  const story = new Story();
  for (const event of events) story.add(event);
  const job = story.jobs.get('job_1');
  const told = momentsOf(job).map(
    // biome-ignore lint/suspicious/noExplicitAny: the page's own code, which has no types but in its comments
    ({ at, from, mark, title, note }: any) => `${mark} +${at - AT} of ${at - from}: ${title} (${note})`,
  );
  expect(told).toEqual(expected);
  expect(isSettled(job)).toBe(isOver);
  expect([...story.jobs.keys()]).toEqual(['job_1']);
});
