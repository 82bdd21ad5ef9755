import { describe, expect, it } from 'vitest';
import type { Doubt, RunningJob } from '../../functions/core/job.ts';
import { forecastOf } from '../../functions/core/polling/forecast.ts';
import { nextPollSeconds } from '../../functions/core/polling/next-poll.ts';
import { nextStep, progressOf } from '../../functions/core/upstream/next-step.ts';
import {
  cancelled,
  type End,
  expired,
  outcomeOf,
  type Report,
  submissionUnknown,
  type TransientError,
} from '../../functions/core/upstream/report.ts';

const NOW = Date.UTC(2026, 0, 1);
const forecast = { ...forecastOf([]), lagPerPollSeconds: 1 };
const SECOND = 1000;
const AT = { now: NOW, polledAt: NOW - 10 * SECOND };

/** Made 20 s ago, to expire in an hour, one of its four tasks done. */
function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return {
    status: 'running',
    jobId: 'job_1',
    client: 'acme',
    modelId: 'm',
    totalTasks: 4,
    completedTasks: 1,
    metadata: {},
    fingerprint: 'f',
    createdAt: NOW - 20 * SECOND,
    updatedAt: NOW - 10 * SECOND,
    expiresAt: NOW + 3600 * SECOND,
    wakeUpDeadline: NOW + 900 * SECOND,
    version: 2,
    upstreamJobId: 'up-1',
    expectedWakeUp: { seq: 1, token: 't', dueAt: NOW },
    isSeen: true,
    doubt: null,
    webhook: null,
    ...changes,
  };
}

const results = { json: '[]', failedTasks: 0, missing: 0, surplus: 0 };
const withGaps = { ...results, failedTasks: 1, missing: 1 };
const running = (completedTasks: number | null): Report => ({
  kind: 'running',
  completedTasks,
  unknownState: null,
});
const completed: Report = { kind: 'completed', results };
const incomplete: Report = { kind: 'completed', results: withGaps };
const unreadable: Report = { kind: 'unreadable', raw: Buffer.from('{}') };
const failed = (completedTasks: number | null, some: typeof results | null): Report => ({
  kind: 'failed',
  isCancelled: false,
  completedTasks,
  results: some,
  sentence: null,
});
const missing: Report = { kind: 'missing', isGone: false };
const gone: Report = { kind: 'missing', isGone: true };
const tooSlow: Report = { kind: 'too_slow' };
const tooLarge: Report = { kind: 'too_large' };
const trouble = (retryAfterSeconds = 0): Report => ({
  kind: 'transient_error',
  cause: 'unavailable',
  retryAfterSeconds,
});

const isDue = { expiresAt: NOW };
const unseen = { isSeen: false };
const inDoubt = (about: Doubt['about'], seconds: number) => ({
  doubt: { about, since: NOW - seconds * SECOND },
});
const nonsense: Report = { kind: 'transient_error', cause: 'invalid_response', retryAfterSeconds: 0 };
const wait = (changes: object = {}) => ({
  step: 'wait',
  seconds: expect.any(Number),
  completedTasks: 1,
  doubt: null,
  ...changes,
});
const end = (status: string, completedTasks: number, code: string | null, ended: object | null = null) => ({
  step: 'finish',
  end: {
    status,
    completedTasks,
    results: ended,
    error: code === null ? null : { code, message: expect.stringMatching(/^[A-Z].*\.$/) },
  },
});

describe('nextStep', () => {
  it.each<[what: string, report: Report, changes: Partial<RunningJob>, next: object]>([
    ['running', running(2), {}, wait({ completedTasks: 2 })],
    ['running without a count', running(null), {}, wait()],
    ['running, counting backwards', running(0), {}, wait()],
    ['running, counting beyond the end', running(99), {}, wait({ completedTasks: 4 })],
    ['all tasks done is not completed', running(4), {}, wait({ completedTasks: 4 })],
    ['running, after it was missing', running(1), inDoubt('missing', 90), wait()],
    ['running, after it had ended with gaps', running(1), inDoubt('gaps', 9), wait()],
    [
      'running, to expire before the next poll',
      running(1),
      { expiresAt: NOW + 3 * SECOND },
      wait({ seconds: 3 }),
    ],
    ['running in its last moment', running(2), isDue, end('expired', 2, 'expired')],
    ['running a millisecond before it', running(1), { expiresAt: NOW + 1 }, wait({ seconds: 1 })],
    ['running beyond it', running(2), { expiresAt: 0 }, end('expired', 2, 'expired')],

    ['completed', completed, {}, end('completed', 4, null, results)],
    ['completed in its last moment', completed, isDue, end('completed', 4, null, results)],
    ['completed after it was missing', completed, inDoubt('missing', 90), end('completed', 4, null, results)],
    ['completed with a gap', incomplete, {}, wait(inDoubt('gaps', 0))],
    [
      'a gap for a minute, almost',
      incomplete,
      inDoubt('gaps', 59),
      wait({ ...inDoubt('gaps', 59), seconds: 1 }),
    ],
    ['a gap for a minute', incomplete, inDoubt('gaps', 60), end('completed', 4, null, withGaps)],
    ['a gap after other doubts', incomplete, inDoubt('unreadable', 60), wait(inDoubt('gaps', 0))],
    ['a gap that was filled', completed, inDoubt('gaps', 15), end('completed', 4, null, results)],
    ['a gap in its last moment', incomplete, isDue, end('completed', 4, null, withGaps)],
    ['unreadable', unreadable, {}, wait(inDoubt('unreadable', 0))],
    [
      'unreadable for ten minutes, almost',
      unreadable,
      inDoubt('unreadable', 599),
      wait(inDoubt('unreadable', 599)),
    ],
    [
      'unreadable for ten minutes',
      unreadable,
      inDoubt('unreadable', 600),
      end('failed', 1, 'results_unreadable'),
    ],
    ['unreadable in its last moment', unreadable, isDue, end('failed', 1, 'results_unreadable')],
    ['readable at last', completed, inDoubt('unreadable', 300), end('completed', 4, null, results)],

    ['failed', failed(2, null), {}, end('failed', 2, 'modelstudio_job_failed')],
    ['failed without a count', failed(null, null), {}, end('failed', 1, 'modelstudio_job_failed')],
    ['failed with results', failed(2, results), {}, end('failed', 4, 'modelstudio_job_failed', results)],
    [
      'failed with some results',
      failed(2, withGaps),
      {},
      end('failed', 3, 'modelstudio_job_failed', withGaps),
    ],
    ['failed in its last moment', failed(2, null), isDue, end('failed', 2, 'modelstudio_job_failed')],

    ['missing before it was seen', missing, unseen, wait(inDoubt('missing', 0))],
    [
      'missing for a while',
      missing,
      { ...unseen, ...inDoubt('missing', 599) },
      wait(inDoubt('missing', 599)),
    ],
    [
      'missing for ten minutes',
      missing,
      { ...unseen, ...inDoubt('missing', 600) },
      end('failed', 1, 'modelstudio_job_missing'),
    ],
    [
      'missing after it was seen, for a day',
      missing,
      inDoubt('missing', 86_400),
      wait(inDoubt('missing', 86_400)),
    ],
    ['gone before it was seen', gone, unseen, end('failed', 1, 'modelstudio_job_missing')],
    ['gone after it was seen', gone, {}, end('failed', 1, 'modelstudio_job_missing')],
    ['missing in its last moment', missing, isDue, end('expired', 1, 'expired')],

    ['transient_error', trouble(), {}, wait()],
    ['trouble that asks for less', trouble(2), {}, wait()],
    ['trouble that asks for more', trouble(30), {}, wait({ seconds: 30 })],
    ['trouble that asks for a day', trouble(86_400), {}, wait({ seconds: 900 })],
    ['trouble beyond expiry', trouble(30), { expiresAt: NOW + 12 * SECOND }, wait({ seconds: 12 })],
    ['trouble while missing proves nothing', trouble(), inDoubt('missing', 90), wait(inDoubt('missing', 90))],
    ['somebody else answers, who may have said that it is missing', nonsense, inDoubt('missing', 90), wait()],
    ['somebody else answers at the end', nonsense, inDoubt('gaps', 9), wait(inDoubt('gaps', 9))],
    ['trouble in its last moment', trouble(), isDue, end('expired', 1, 'expired')],
  ])('decides what follows a report: %s', (_what, report, changes, next) => {
    for (const isCollector of [false, true]) {
      expect(nextStep(runningJob(changes), report, AT, forecast, isCollector)).toEqual(next);
    }
  });

  it.each([tooLarge, tooSlow])(
    'hands a report that is too much for the poller to the collector, even at the last moment: %j',
    (report) => {
      expect(nextStep(runningJob(isDue), report, AT, forecast, false)).toEqual({ step: 'collect' });
    },
  );

  it('polls again when a report is too slow even for the collector', () => {
    expect(nextStep(runningJob(), tooSlow, AT, forecast, true)).toEqual(wait());
  });

  it.each<[doubt: Doubt['about'], isSeen: boolean, atMost: number]>([
    ['gaps', true, 10],
    ['unreadable', true, 100],
    ['missing', false, 100],
    ['missing', true, 604],
  ])('polls again while in doubt (%s, seen: %s) within %i s', (about, isSeen, atMost) => {
    const report = { gaps: incomplete, unreadable, missing }[about];
    const job = runningJob({ isSeen, createdAt: NOW - 86_400_000, expiresAt: NOW + 86_400_000 });
    expect(nextStep(job, report, AT, forecast, false)).toMatchObject({ step: 'wait', seconds: atMost });
  });

  it('takes the count of tasks to be as old as the last report that had one', () => {
    const job = runningJob({ completedTasks: 50, totalTasks: 100, createdAt: NOW - 590 * SECOND });
    const waits = (report: Report) =>
      nextStep(job, report, { now: NOW, polledAt: NOW - 290 * SECOND }, forecast, false);
    const counted = nextPollSeconds(progressOf(job, 50, NOW, NOW - 290 * SECOND), forecast);
    expect(waits({ kind: 'transient_error', cause: 'server_error', retryAfterSeconds: 0 })).toMatchObject({
      seconds: counted,
    });
    expect(waits(running(50))).toMatchObject({
      seconds: nextPollSeconds(progressOf(job, 50, NOW), forecast),
    });
    expect(counted).toBeLessThan(30);
  });

  it('asks less often for a batch whose count stands still', () => {
    const job = runningJob({ completedTasks: 99, totalTasks: 100, createdAt: NOW - 3600 * SECOND });
    const seconds = (progressAt: number, count: number) => {
      const next = nextStep({ ...job, progressAt }, running(count), AT, forecast, false);
      return next.step === 'wait' ? next.seconds : 0;
    };
    expect(seconds(NOW - 3500 * SECOND, 99)).toBeGreaterThan(1.5 * seconds(NOW, 99));
    expect(seconds(NOW - 3500 * SECOND, 100)).toBe(seconds(NOW, 100));
  });

  it.each<Report>([
    { kind: 'too_slow' },
    { kind: 'transient_error', cause: 'server_error', retryAfterSeconds: 0 },
  ])('does not hurry for a doubt after an answer that says nothing of the job: %j', (report) => {
    const doubt = { about: 'gaps', since: NOW - SECOND } as const;
    const job = runningJob({ doubt, createdAt: NOW - 86_400_000, expiresAt: NOW + 86_400_000 });
    expect(nextStep(job, report, AT, forecast, true)).toMatchObject({ step: 'wait', seconds: 604, doubt });
  });

  it("quotes ModelStudio's own sentence on why a job failed", () => {
    const report = { ...failed(0, null), sentence: 'CUDA out of memory' } as Report;
    const message = (isCancelled: boolean) => {
      const next = nextStep(runningJob(), { ...report, isCancelled } as Report, AT, forecast, false);
      return next.step === 'finish' && next.end.error;
    };
    expect(message(false)).toEqual({
      code: 'modelstudio_job_failed',
      message: 'ModelStudio reported that the job failed. It said: CUDA out of memory',
    });
    expect(message(true)).toEqual({
      code: 'modelstudio_job_cancelled',
      message: 'ModelStudio reported that the job was cancelled there. It said: CUDA out of memory',
    });
  });

  const because = (cause: TransientError['cause']): Report => ({
    kind: 'transient_error',
    cause,
    retryAfterSeconds: 0,
  });
  it.each<[report: Report, said: RegExp]>([
    [running(2), /last reported that it was running, with 2 of 4 tasks done/],
    [running(null), /last reported that it was running\./],
    [{ ...running(null), unknownState: 'dreaming' } as Report, /a state that is not known/],
    [missing, /does not know the job/],
    [nonsense, /could not be read/],
    [trouble(), /not available/],
    [{ kind: 'too_slow' }, /did not answer in time/],
    [because('timeout'), /did not answer in time/],
    [because('cut'), /was cut off/],
    [because('not_connected'), /could not be reached/],
    [because('unauthorized'), /refused this deployment's credentials/],
    [because('server_error'), /a server error/],
  ])('says in an expiry what ModelStudio answered last: %j', (report, said) => {
    const next = nextStep(runningJob(isDue), report, AT, forecast, true);
    expect(next).toMatchObject({ end: { error: { message: expect.stringMatching(said) } } });
  });

  it('says in an expiry that nobody polled at the end', () => {
    expect(expired(runningJob()).error?.message).toMatch(/was not heard from at the last/);
  });

  it('gives up on a report that is too large even for the collector', () => {
    expect(nextStep(runningJob(), tooLarge, AT, forecast, true)).toEqual(
      end('failed', 1, 'results_too_large'),
    );
  });
});

it.each<[what: string, ended: End, expected: object]>([
  ['a creation nobody can vouch for', submissionUnknown, end('failed', 0, 'submission_unknown').end],
  [
    'a cancellation',
    cancelled(runningJob({ completedTasks: 2 })),
    { status: 'cancelled', completedTasks: 2, results: null, error: null },
  ],
  ['an expiry', expired(runningJob()), end('expired', 1, 'expired').end],
])('a job gets this end after %s', (_what, ended, expected) => {
  expect(ended).toEqual(expected);
});

describe('the log counts a report', () => {
  const called = (unknownState: string): Report => ({ kind: 'running', completedTasks: null, unknownState });

  it.each<[Report, string]>([
    [running(1), 'running'],
    [missing, 'missing'],
    [trouble(), 'transient_error'],
    [called('on_hold'), 'unknown_state on_hold'],
    [called(''), 'unknown_state '],
    [called('Not yet,\n"soon"'), 'unknown_state Not?yet???soon?'],
    [called('é'.repeat(1000)), `unknown_state ${'?'.repeat(40)}`],
  ])('%j as %s', (report, outcome) => {
    expect(outcomeOf(report)).toBe(outcome);
  });
});
