import { describe, expect, it } from 'vitest';
import { paceOf } from '../../functions/core/forecast.ts';
import type { RunningJob } from '../../functions/core/job.ts';
import {
  afterReport,
  cancelled,
  type End,
  expired,
  outcomeOf,
  type Report,
  submissionUnknown,
} from '../../functions/core/report.ts';

const NOW = Date.UTC(2026, 0, 1);
const outlook = { durations: [], pace: paceOf([]), lagPerPoll: 1 };
const SECOND = 1000;

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
    watchedUntil: NOW + 900 * SECOND,
    version: 2,
    upstreamJobId: 'up-1',
    awaited: { seq: 1, token: 't', dueAt: NOW },
    missingSince: null,
    webhook: null,
    ...changes,
  };
}

const results = { json: '[]', failedTasks: 0 };
const running = (completedTasks: number | null): Report => ({
  kind: 'running',
  completedTasks,
  unknownState: null,
});
const completed = (completedTasks: number | null): Report => ({ kind: 'completed', completedTasks, results });
const failed = (completedTasks: number | null, some: typeof results | null): Report => ({
  kind: 'failed',
  completedTasks,
  results: some,
});
const missing: Report = { kind: 'missing' };
const tooLarge: Report = { kind: 'too_large' };
const trouble = (retryAfterSeconds = 0): Report => ({
  kind: 'trouble',
  cause: 'unavailable',
  retryAfterSeconds,
});

const isDue = { expiresAt: NOW };
const missingFor = (seconds: number) => ({ missingSince: NOW - seconds * SECOND });
const wait = (changes: object = {}) => ({
  step: 'wait',
  seconds: expect.any(Number),
  completedTasks: 1,
  missingSince: null,
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

describe('afterReport', () => {
  it.each<[what: string, report: Report, changes: Partial<RunningJob>, next: object]>([
    ['running', running(2), {}, wait({ completedTasks: 2 })],
    ['running without a count', running(null), {}, wait()],
    ['running, counting backwards', running(0), {}, wait()],
    ['running, counting beyond the end', running(99), {}, wait({ completedTasks: 4 })],
    ['all tasks done is not completed', running(4), {}, wait({ completedTasks: 4 })],
    ['running, after it was missing', running(1), missingFor(90), wait()],
    [
      'running, to expire before the next poll',
      running(1),
      { expiresAt: NOW + 3 * SECOND },
      wait({ seconds: 3 }),
    ],
    ['running in its last moment', running(2), isDue, end('expired', 2, 'expired')],
    ['running a millisecond before it', running(1), { expiresAt: NOW + 1 }, wait({ seconds: 1 })],
    ['running beyond it', running(2), { expiresAt: 0 }, end('expired', 2, 'expired')],

    ['completed', completed(4), {}, end('completed', 4, null, results)],
    ['completed without a count', completed(null), {}, end('completed', 4, null, results)],
    ['completed, counting short', completed(3), {}, end('completed', 3, null, results)],
    ['completed, counting beyond', completed(99), {}, end('completed', 4, null, results)],
    ['completed in its last moment', completed(4), isDue, end('completed', 4, null, results)],
    ['completed after it was missing', completed(4), missingFor(90), end('completed', 4, null, results)],

    ['failed', failed(2, null), {}, end('failed', 2, 'modelstudio_job_failed')],
    ['failed without a count', failed(null, null), {}, end('failed', 1, 'modelstudio_job_failed')],
    ['failed with results', failed(2, results), {}, end('failed', 2, 'modelstudio_job_failed', results)],
    ['failed in its last moment', failed(2, null), isDue, end('failed', 2, 'modelstudio_job_failed')],

    ['missing for the first time', missing, {}, wait({ missingSince: NOW })],
    ['missing for a minute, almost', missing, missingFor(59.999), wait(missingFor(59.999))],
    ['missing for a minute', missing, missingFor(60), end('failed', 1, 'modelstudio_job_missing')],
    ['missing in its last moment', missing, isDue, end('expired', 1, 'expired')],

    ['trouble', trouble(), {}, wait()],
    ['trouble that asks for less', trouble(2), {}, wait()],
    ['trouble that asks for more', trouble(30), {}, wait({ seconds: 30 })],
    ['trouble that asks for a day', trouble(86_400), {}, wait({ seconds: 900 })],
    ['trouble beyond expiry', trouble(30), { expiresAt: NOW + 12 * SECOND }, wait({ seconds: 12 })],
    ['trouble while missing proves nothing', trouble(), missingFor(90), wait(missingFor(90))],
    ['trouble in its last moment', trouble(), isDue, end('expired', 1, 'expired')],
  ])('%s', (_what, report, changes, next) => {
    for (const isCollector of [false, true]) {
      expect(afterReport(runningJob(changes), report, NOW, outlook, isCollector)).toEqual(next);
    }
  });

  it('hands what is too large to the collector, even in its last moment', () => {
    expect(afterReport(runningJob(isDue), tooLarge, NOW, outlook, false)).toEqual({ step: 'collect' });
  });

  it('gives up on what is too large for the collector, too', () => {
    expect(afterReport(runningJob(), tooLarge, NOW, outlook, true)).toEqual(
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
])('ends after %s', (_what, ended, expected) => {
  expect(ended).toEqual(expected);
});

describe('in the log, a report is counted as', () => {
  const called = (unknownState: string): Report => ({ kind: 'running', completedTasks: null, unknownState });

  it.each<[Report, string]>([
    [running(1), 'running'],
    [missing, 'missing'],
    [trouble(), 'trouble'],
    [called('on_hold'), 'unknown_state on_hold'],
    [called(''), 'unknown_state '],
    [called('Not yet,\n"soon"'), 'unknown_state Not?yet???soon?'],
    [called('é'.repeat(1000)), `unknown_state ${'?'.repeat(40)}`],
  ])('%j: %s', (report, outcome) => {
    expect(outcomeOf(report)).toBe(outcome);
  });
});
