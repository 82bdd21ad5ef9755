import type { Said } from './timed-world.ts';

type Script = (seconds: number) => Said;

/** What ModelStudio says as time goes by, of a job of three conversations, and what becomes of the job by the contract. */
export interface Patience {
  what: string;
  script: Script;
  expiresIn?: number;
  status: 'completed' | 'failed' | 'expired';
  code?: string;
  /** In the error's sentence. */
  says?: RegExp;
  failedTasks?: number;
  /** In each result, in the order of the conversations. */
  results?: string[];
  /** Between these seconds. */
  ends: [from: number, to: number];
  pollsMax?: number;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

const task = (index: number, changes: object = {}) => ({
  task_index: index,
  status: 'completed',
  result: `reply ${index}`,
  ...changes,
});
const ended = (results: unknown, changes: object = {}): Said => ({
  body: { job_status: 'FINISHED', total_tasks: 3, completed_tasks: 3, results, ...changes },
});
const all = [task(0), task(1), task(2)];
const replies = ['"reply 0"', '"reply 1"', '"reply 2"'];
const running: Said = { body: { job_status: 'RUNNING', total_tasks: 3, completed_tasks: 0, results: [] } };
const notHere: Said = { status: 404, body: 'default backend - 404' };
const noJob: Said = { status: 404, body: { detail: 'Job not found' } };
const page: Said = { body: '<!doctype html><title>Maintenance</title>' };

/** One thing until then, the other from then on. */
const until =
  (seconds: number, before: Said, after: Said): Script =>
  (now) =>
    now < seconds ? before : after;

const whole = { status: 'completed', failedTasks: 0, results: replies } as const;
const missing = { status: 'failed', code: 'modelstudio_job_missing' } as const;
const unreadable = { status: 'failed', code: 'results_unreadable' } as const;

const seenOnce =
  (then: Script): Script =>
  (now) =>
    now < 30 ? running : then(now);

const absences: Patience[] = [
  {
    what: 'seen, then an ingress answers 404 in text for ten minutes',
    script: seenOnce(until(630, notHere, ended(all))),
    ...whole,
    ends: [630, 2000],
  },
  {
    what: 'seen, then 404 in JSON for an hour',
    script: seenOnce(until(HOUR, noJob, ended(all))),
    ...whole,
    ends: [HOUR, 3 * HOUR],
  },
  {
    what: 'seen, then 404 for good',
    script: seenOnce(() => noJob),
    status: 'expired',
    code: 'expired',
    says: /last answered that it does not know the job/,
    ends: [DAY, DAY + 60],
  },
  { what: 'never seen, 404 in JSON for good', script: () => noJob, ...missing, ends: [600, 1600] },
  {
    what: 'never seen, 404 in JSON for nine minutes',
    script: until(540, noJob, ended(all)),
    ...whole,
    ends: [540, 1500],
  },
  {
    what: 'never seen, 404 in text for an hour',
    script: until(HOUR, notHere, ended(all)),
    ...whole,
    ends: [HOUR, 3 * HOUR],
  },
  { what: 'never seen, 410', script: () => ({ status: 410, body: {} }), ...missing, ends: [0, 60] },
  {
    what: 'a maintenance page for an hour',
    script: seenOnce(until(HOUR, page, ended(all))),
    ...whole,
    ends: [HOUR, 3 * HOUR],
  },
  {
    what: 'a maintenance page for good',
    script: seenOnce(() => page),
    status: 'expired',
    code: 'expired',
    says: /last/,
    ends: [DAY, DAY + 60],
  },
  {
    what: 'a refused key for an hour',
    script: until(HOUR, { status: 403, body: {} }, ended(all)),
    ...whole,
    ends: [HOUR, 3 * HOUR],
  },
  {
    what: 'a word that nobody knows for good',
    script: () => ({ body: { job_status: 'WARMING_UP', total_tasks: 3, completed_tasks: 0, results: [] } }),
    expiresIn: HOUR,
    status: 'expired',
    code: 'expired',
    ends: [HOUR, HOUR + 60],
  },
  {
    what: 'running for good',
    script: () => running,
    expiresIn: HOUR,
    status: 'expired',
    code: 'expired',
    ends: [HOUR, HOUR + 60],
  },
  {
    what: 'three of three in a word that nobody knows, without a result',
    script: () => ({ body: { job_status: 'POLISHING', total_tasks: 3, completed_tasks: 3, results: [] } }),
    status: 'expired',
    code: 'expired',
    ends: [DAY, DAY + 60],
    pollsMax: 500,
  },
];

const gapMinute = { ends: [60, 200] as [number, number] };

/** Each of these is the first look at a job that has ended. */
const gaps: Patience[] = [
  {
    what: 'a gap that is filled 15 s later',
    script: until(20, ended([task(0), task(2)]), ended(all)),
    ...whole,
    ends: [20, 100],
  },
  {
    what: 'a gap that stays',
    script: () => ended([task(0), task(2)]),
    status: 'completed',
    failedTasks: 1,
    results: ['"reply 0"', '"failed"', '"reply 2"'],
    ...gapMinute,
  },
  { what: 'no result at first', script: until(20, ended([]), ended(all)), ...whole, ends: [20, 100] },
  {
    what: 'no result ever',
    script: () => ended([]),
    status: 'completed',
    failedTasks: 3,
    results: ['"failed"', '"failed"', '"failed"'],
    ...gapMinute,
  },
  {
    what: 'one of three at first',
    script: until(20, ended([task(0)]), ended(all)),
    ...whole,
    ends: [20, 100],
  },
  {
    what: 'pending at first',
    script: until(20, ended([task(0), task(1, { status: 'pending', result: null }), task(2)]), ended(all)),
    ...whole,
    ends: [20, 100],
  },
  {
    what: 'pending for good',
    script: () => ended([task(0), task(1, { status: 'pending', result: null }), task(2)]),
    status: 'completed',
    failedTasks: 1,
    ...gapMinute,
  },
  {
    what: 'null in place of one',
    script: () => ended([task(0), null, task(2)]),
    status: 'completed',
    failedTasks: 1,
    results: ['"reply 0"', '"failed"', '"reply 2"'],
    ...gapMinute,
  },
  {
    what: 'one of them twice, another not at all',
    script: () => ended([task(0), task(1), task(1)]),
    status: 'completed',
    failedTasks: 1,
    results: ['"reply 0"', '"reply 1"', '"failed"'],
    ...gapMinute,
  },
  {
    what: 'keyed by index, with a gap',
    script: () => ended({ 0: task(0), 2: task(2) }),
    status: 'completed',
    failedTasks: 1,
    results: ['"reply 0"', '"failed"', '"reply 2"'],
    ...gapMinute,
  },
];

const HALF = '{"job_status":"completed","results":[{"task_index":0,"result":"repl';
const tenMinutes = { ends: [600, 1600] as [number, number] };

const unreadables: Patience[] = [
  ...['none', 7, true].map(
    (results): Patience => ({
      what: `${JSON.stringify(results)} for results`,
      script: () => ended(results),
      ...unreadable,
      ...tenMinutes,
    }),
  ),
  {
    what: 'results that can be read five minutes later',
    script: until(300, ended('none'), ended(all)),
    ...whole,
    ends: [300, 900],
  },
  {
    what: 'half a document for an hour',
    script: until(HOUR, { body: HALF }, ended(all)),
    ...whole,
    ends: [HOUR, 3 * HOUR],
  },
];

const slow: Patience[] = [
  {
    what: 'every answer takes 11 s',
    script: (now) => ({ ...(now < 60 ? running : ended(all)), seconds: 11 }),
    ...whole,
    ends: [60, 400],
  },
  {
    what: 'every answer takes 100 s',
    script: (now) => ({ ...(now < 300 ? running : ended(all)), seconds: 100 }),
    ...whole,
    ends: [300, 1500],
  },
];

export const patience: Patience[] = [...absences, ...gaps, ...unreadables, ...slow];
