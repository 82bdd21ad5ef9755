import { describe, expect, it, vi } from 'vitest';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import type { Job, RunningJob } from '../../functions/core/job.ts';
import type { PollMessage } from '../../functions/core/messages.ts';
import type { Span } from '../../functions/core/polling/forecast.ts';
import type { Report, TransientError } from '../../functions/core/upstream/report.ts';
import { poll } from '../../functions/poll/poll.ts';
import {
  finishedJob,
  NOW,
  OF_JOB_1,
  pendingWebhook,
  pollMessage,
  runningJob,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const running: Report = { kind: 'running', completedTasks: 1, unknownState: null };
const results = (bytes: number) => ({
  json: JSON.stringify([{ result: 'x'.repeat(bytes) }]),
  failedTasks: 0,
  missing: 0,
  surplus: 0,
});
const completed = (bytes = 10): Report => ({ kind: 'completed', results: results(bytes) });

function worldWith(job: Job, ...reports: Report[]) {
  const world = fakeWorld({ reports });
  world.jobs.rows.set(job.jobId, job);
  return world;
}

describe('poll', () => {
  it('sends the next wake-up while the job runs, and records it with what is new', async () => {
    const world = worldWith(runningJob(), running);
    await poll(pollMessage(1), false, world);
    const [sent] = world.wakeUps.sent;
    expect(sent).toMatchObject({
      queue: 'poll',
      message: { wakeUp: { seq: 2 }, polledAt: NOW, pollsSinceRecord: 0 },
    });
    expect(world.jobs.rows.get('job_1')).toMatchObject({
      completedTasks: 1,
      expectedWakeUp: sent?.message.wakeUp,
    });
  });

  it.each<[what: string, message: PollMessage]>([
    ['the message that the row expects', pollMessage(1)],
    ['a message that is ahead, of the chain that wrote the row', pollMessage(3, 'u')],
    ['the sixth wake-up since the last that was recorded', pollMessage(6, 'u')],
    [
      'the message that the row expects, whose chain recorded another one',
      pollMessage(1, 't', { recordedToken: 'u' }),
    ],
  ])('writes nothing when nothing is new: %s', async (_what, message) => {
    const job = runningJob({ completedTasks: 1 });
    const world = worldWith(job, running);
    await poll(message, false, world);
    const { recordedToken, pollsSinceRecord } = message;
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'poll', message: { recordedToken, pollsSinceRecord: pollsSinceRecord + 1 } },
    ]);
    expect(world.jobs.rows.get('job_1')).toEqual(job);
  });

  it.each<[what: string, message: PollMessage, job: Partial<RunningJob>, isRepeat: boolean]>([
    ['a message that was received before', pollMessage(1), {}, true],
    ['the seventh wake-up since the last that was', pollMessage(7), {}, false],
    ['a wake-up beyond the watch', pollMessage(1), { wakeUpDeadline: NOW + 60_000 }, false],
    ['a row that another chain has written', pollMessage(3, 'u', { recordedToken: 'not t' }), {}, false],
  ])('writes the row although nothing is new: %s', async (_what, message, changes, isRepeat) => {
    const world = worldWith(runningJob({ completedTasks: 1, ...changes }), running);
    await poll(message, isRepeat, world);
    const [sent] = world.wakeUps.sent;
    expect(world.jobs.rows.get('job_1')).toMatchObject({ expectedWakeUp: sent?.message.wakeUp, version: 3 });
    expect(sent?.message).toMatchObject({ recordedToken: sent?.message.wakeUp.token, pollsSinceRecord: 0 });
  });

  it('asks ModelStudio once, even when another worker writes the row first', async () => {
    const world = worldWith(runningJob(), completed());
    const report = vi.spyOn(world.modelStudio, 'report');
    const { replace } = world.jobs;
    world.jobs.replace = async () => {
      world.jobs.replace = replace;
      return false;
    };
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')?.status).toBe('completed');
    expect(report).toHaveBeenCalledTimes(1);
  });

  it('finishes a job with its event, then its row, then its webhook', async () => {
    const world = worldWith(runningJob(), completed());
    await poll(pollMessage(1), false, world);
    const job = world.jobs.rows.get('job_1');
    expect(job).toMatchObject({ status: 'completed', completedTasks: 3, results: 'in-event' });
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'deliver', delaySeconds: 0, message: { attempts: 0 } },
    ]);
    const event = JSON.parse([...world.documents.contents.values()][0] ?? '');
    expect(event).toMatchObject({ type: 'job.completed', data: { job_id: 'job_1', results_url: null } });
    expect(event.data.results).toEqual([{ result: 'x'.repeat(10) }]);
    expect(event.data).not.toHaveProperty('webhook');
  });

  it('stores results apart when the event would be too large', async () => {
    const world = worldWith(runningJob(), completed(EVENT_MAX_BYTES));
    await poll(pollMessage(1), false, world);
    const [event, apart] = [...world.documents.contents.values()].map((json) => JSON.parse(json));
    expect(event.data).toMatchObject({
      results: null,
      results_url: 'https://api.example.com/v1/jobs/job_1/results',
    });
    expect(apart).toEqual(JSON.parse(results(EVENT_MAX_BYTES).json));
  });

  it('hands a report that is too large to the collector, which gives up on one that is too large for itself', async () => {
    const world = worldWith(runningJob(), { kind: 'too_large' });
    await poll(pollMessage(1), false, world);
    expect(world.wakeUps.sent).toMatchObject([{ queue: 'collect', delaySeconds: 0 }]);
    const handedOver = world.wakeUps.sent[0]?.message as never;
    await poll(handedOver, false, { ...world, settings: { ...world.settings, isCollector: true } });
    expect(world.jobs.rows.get('job_1')).toMatchObject({
      status: 'failed',
      error: { code: 'results_too_large' },
    });
  });

  it('expires a job when its time is up', async () => {
    const world = worldWith(runningJob({ expiresAt: NOW }), running);
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')).toMatchObject({ status: 'expired', error: { code: 'expired' } });
  });

  it('completes a job that finishes at the last moment', async () => {
    const world = worldWith(runningJob({ expiresAt: NOW }), completed());
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')?.status).toBe('completed');
  });
});

describe('how long a job took', () => {
  const never = { polledAt: NOW - 10_000 };
  const cases: [title: string, job: Partial<RunningJob>, message: Partial<PollMessage>, took: Span][] = [
    ['lies between its last two polls', {}, { polledAt: NOW - 4000 }, { from: 6, to: 10 }],
    ['ended before its first poll when it was never seen to run', {}, never, { from: 0, to: 10 }],
    [
      'ended before the next poll when it was created after the last one, by a clock that was ahead',
      { createdAt: NOW - 2000 },
      { polledAt: NOW - 4000 },
      { from: 0, to: 2 },
    ],
    [
      'is positive even when it was created in the future, by a clock that was ahead',
      { createdAt: NOW + 1000 },
      { polledAt: NOW - 4000 },
      { from: 0, to: 0.001 },
    ],
  ];
  it.each(cases)('%s', async (_title, job, message, took) => {
    const world = fakeWorld({ reports: [completed()] });
    world.jobs.rows.set('job_1', runningJob(job));
    await poll(pollMessage(2, 'u', { slot: 7, ...message }), false, world);
    expect(world.durationStats.learnt).toEqual([['1.4/m', took]]);
  });

  it('begins when the job was last seen running, whatever was answered since', async () => {
    const world = fakeWorld({ reports: [{ kind: 'too_large' }, completed()], durations: [] });
    world.jobs.rows.set('job_1', runningJob({}));
    await poll(pollMessage(2, 'u', { slot: 7, polledAt: NOW - 8000 }), false, world);
    const [sent] = world.wakeUps.sent;
    await poll(sent?.message as PollMessage, false, world);
    expect(world.durationStats.learnt).toEqual([['1.4/m', { from: 2, to: 10 }]]);
    expect(world.metrics.DetectionLagSeconds).toBe(8);
  });

  it('is of no interest where other jobs teach', async () => {
    const world = worldWith(runningJob({}), completed());
    await poll(pollMessage(2, 'u', { polledAt: NOW - 4000 }), false, world);
    expect(world.durationStats.learnt).toEqual([]);
    expect(world.metrics.DetectionLagSeconds).toBe(4);
  });

  const doubt = { about: 'unreadable', since: 0 } as const;
  const failed: Report = {
    kind: 'failed',
    isCancelled: false,
    completedTasks: 0,
    results: null,
    sentence: null,
  };
  const ends: [what: string, job: Partial<RunningJob>, report: Report, isRecorded: boolean][] = [
    ['completed', {}, completed(), true],
    ['failed', {}, failed, true],
    ['expired', { expiresAt: NOW }, running, false],
    ['had ended before this poll', { doubt }, completed(), false],
    ['has results that cannot be read', { doubt }, { kind: 'unreadable', raw: Buffer.from('[') }, false],
    ['is gone', {}, { kind: 'missing', isGone: true }, false],
  ];
  it.each(ends)('is recorded along with the lag, or neither is, for a job that %s', async (...row) => {
    const [, job, report, isRecorded] = row;
    const world = worldWith(runningJob(job), report);
    await poll(pollMessage(3, 'u', { polledAt: NOW - 4000, slot: 7 }), false, world);
    expect(world.durationStats.learnt.length).toBe(isRecorded ? 1 : 0);
    expect(world.metrics.DetectionLagSeconds).toBe(isRecorded ? 4 : undefined);
    expect(world.metrics).toMatchObject({ Polls: 1, PollsPerJob: 3 });
    const line = { stage: 'poll', ...OF_JOB_1, poll: 3, outcome: 'finished' };
    expect(world.told.filter(({ stage }) => stage === 'poll')).toEqual([line]);
  });
});

describe('results that cannot be read', () => {
  const unreadable: Report = { kind: 'unreadable', raw: Buffer.from('[') };
  it.each<[what: string, since: number, contents: string[]]>([
    [
      'are set aside for the operator once the job has failed for them',
      NOW - 600_000,
      ['unreadable/job_1.json'],
    ],
    ['are not set aside while ModelStudio is asked for them again', NOW - 599_999, []],
  ])('%s', async (_what, since, keys) => {
    const world = worldWith(runningJob({ doubt: { about: 'unreadable', since } }), unreadable);
    await poll(pollMessage(1), false, world);
    const aside = [...world.documents.contents].filter(([key]) => key.startsWith('unreadable'));
    expect(aside).toEqual(keys.map((key) => [key, '[']));
  });
});

describe('a poll after which the job goes on', () => {
  const error = (cause: TransientError['cause']): Report => ({
    kind: 'transient_error',
    cause,
    retryAfterSeconds: 0,
  });
  const odd: Report = { kind: 'running', completedTasks: null, unknownState: 'odd' };
  const gaps: Report = { kind: 'completed', results: { ...results(1), missing: 1 } };
  /** `isSeen`: whether ModelStudio is known to know the job. */
  type Polled = [report: Report, isSeen: [before: boolean, after: boolean], told: object, metrics: object];
  const cases: Polled[] = [
    [running, [false, true], { outcome: 'running', completed_tasks: 1 }, {}],
    [odd, [false, true], { outcome: 'unknown_state odd' }, { UnknownUpstreamStates: 1 }],
    [gaps, [false, true], { outcome: 'completed' }, {}],
    [
      { kind: 'unreadable', raw: Buffer.from('[') },
      [false, true],
      { outcome: 'unreadable' },
      { UpstreamInvalidResponses: 1 },
    ],
    [{ kind: 'missing', isGone: false }, [false, false], { outcome: 'missing' }, {}],
    [{ kind: 'missing', isGone: false }, [true, true], { outcome: 'missing' }, { UpstreamJobsForgotten: 1 }],
    [error('timeout'), [false, false], { cause: 'timeout' }, { UpstreamTimeouts: 1 }],
    [error('cut'), [true, true], { cause: 'cut' }, { UpstreamConnectionResets: 1 }],
    [error('not_connected'), [false, false], { cause: 'not_connected' }, { UpstreamConnectionFailures: 1 }],
    [error('unauthorized'), [false, false], { cause: 'unauthorized' }, { UpstreamUnauthorized: 1 }],
    [error('unavailable'), [false, false], { cause: 'unavailable' }, { UpstreamUnavailable: 1 }],
    [error('server_error'), [false, false], { cause: 'server_error' }, { UpstreamServerErrors: 1 }],
    [
      error('invalid_response'),
      [false, false],
      { cause: 'invalid_response' },
      { UpstreamInvalidResponses: 1 },
    ],
  ];
  it.each(cases)(
    'sends the next wake-up, and logs and counts the report %j of a job that was seen before and after: %j',
    async (...row) => {
      const [report, [isSeen, isSeenThen], told, metrics] = row;
      const world = worldWith(runningJob({ isSeen }), report);
      await poll(pollMessage(1, 't', { isSeen }), false, world);
      const [sent] = world.wakeUps.sent;
      const dueAt = NOW + 1000 * (sent?.delaySeconds ?? 0);
      const polledAt = report.kind === 'running' ? NOW : NOW - 2000;
      const message = { jobId: 'job_1', upstreamJobId: 'up-1', polledAt, isSeen: isSeenThen };
      expect(sent).toMatchObject({ queue: 'poll', message: { ...message, wakeUp: { seq: 2, dueAt } } });
      expect(sent?.delaySeconds).toBeGreaterThan(0);
      const line = { stage: 'poll', ...OF_JOB_1, poll: 1, outcome: 'transient_error', client: 'acme' };
      const tasks = { completed_tasks: 0, total_tasks: 3 };
      const times = { wait_seconds: sent?.delaySeconds, age_seconds: 10 };
      expect(world.told).toStrictEqual([{ ...line, ...tasks, ...times, ...told }]);
      expect(world.metrics).toEqual({ Polls: 1, ...metrics });
      expect(world.durationStats.refusals).toBe('UpstreamUnavailable' in metrics ? 1 : 0);
    },
  );

  it.each<[report: Report, metrics: object]>([
    [{ kind: 'too_large' }, {}],
    [{ kind: 'too_slow' }, { UpstreamTimeouts: 1 }],
  ])(
    'hands the report %j to the collector at once, and keeps the doubt that there was',
    async (report, metrics) => {
      const doubt = { about: 'gaps', since: NOW - 1000 } as const;
      const job = runningJob({ completedTasks: 2, isSeen: false, doubt });
      const world = worldWith(job, report);
      await poll(pollMessage(1, 't', { isSeen: false }), true, world);
      const wakeUp = { seq: 2, dueAt: NOW };
      const message = { polledAt: NOW - 2000, isSeen: false, pollsSinceRecord: 0, wakeUp };
      expect(world.wakeUps.sent).toMatchObject([{ queue: 'collect', delaySeconds: 0, message }]);
      expect(world.told).toMatchObject([{ outcome: report.kind, completed_tasks: 2, wait_seconds: 0 }]);
      expect(world.metrics).toEqual({ Polls: 1, ...metrics });
      const row = { version: 3, completedTasks: 2, isSeen: false, doubt, expectedWakeUp: wakeUp };
      expect(world.jobs.rows.get('job_1')).toMatchObject(row);
    },
  );

  const submitting = submittingJob({ version: 7 });
  const meanwhile: [title: string, row: Job | null, isWritten: boolean][] = [
    ['is written all the same', runningJob({ version: 7, expectedWakeUp: wakeUp(1, 'x') }), true],
    ['is written where the job was just being submitted', submitting, true],
    ['gives way to a chain as far on', runningJob({ version: 7, expectedWakeUp: wakeUp(2, 'x') }), false],
    [
      'gives way to a chain that is further on',
      runningJob({ version: 7, expectedWakeUp: wakeUp(3, 'x') }),
      false,
    ],
    ['gives way to the end of the job', finishedJob({ version: 7 }), false],
    ['is left at that when the job is gone', null, false],
  ];
  it.each(meanwhile)('whose row has been written meanwhile: %s', async (_title, row, isWritten) => {
    const world = worldWith(runningJob(), running);
    const { replace } = world.jobs;
    world.jobs.replace = async () => {
      world.jobs.replace = replace;
      world.jobs.rows.delete('job_1');
      if (row) world.jobs.rows.set('job_1', row);
      return false;
    };
    await poll(pollMessage(1), false, world);
    const expectedWakeUp = world.wakeUps.sent[0]?.message.wakeUp;
    const written = { status: 'running', version: 8, completedTasks: 1, expectedWakeUp };
    if (isWritten) expect(world.jobs.rows.get('job_1')).toMatchObject(written);
    else expect(world.jobs.rows.get('job_1')).toEqual(row ?? undefined);
    expect(world.told).toMatchObject([{ outcome: isWritten ? 'running' : 'overtaken' }]);
  });
});

describe('a message that is not the expected wake-up', () => {
  it.each([
    ['an earlier one, again', 1, 't'],
    ['the loser of two that were sent for the same place', 2, 'loser'],
  ])('ends its chain: %s', async (_what, seq, token) => {
    const world = worldWith(runningJob({ expectedWakeUp: wakeUp(2, 'winner') }));
    await poll(pollMessage(seq, token), false, world);
    expect(world.wakeUps.sent).toEqual([]);
    expect(world.told).toEqual([{ stage: 'poll', ...OF_JOB_1, poll: seq, outcome: 'stale' }]);
    expect(world.metrics).toEqual({});
  });

  it('continues the chain when it is ahead, as its sender died before recording it', async () => {
    const world = worldWith(runningJob({ expectedWakeUp: wakeUp(1) }), running);
    await poll(pollMessage(2, 'unrecorded'), false, world);
    expect(world.jobs.rows.get('job_1')).toMatchObject({ expectedWakeUp: { seq: 3 } });
  });

  it('records the upstream job of a submission that died after the first send', async () => {
    const world = worldWith(submittingJob(), { kind: 'running', completedTasks: 0, unknownState: null });
    await poll(pollMessage(1), false, world);
    const expectedWakeUp = world.wakeUps.sent[0]?.message.wakeUp;
    const row = { status: 'running', upstreamJobId: 'up-1', completedTasks: 0, expectedWakeUp };
    expect(world.jobs.rows.get('job_1')).toMatchObject(row);
  });

  it('starts the delivery of a finished job again, as its worker may have died just before', async () => {
    const world = worldWith(finishedJob());
    await poll(pollMessage(1), false, world);
    expect(world.wakeUps.sent).toMatchObject([{ queue: 'deliver', message: { wakeUp: wakeUp(1) } }]);
  });

  it.each([
    ['has no webhook', null],
    ['has had an attempt', pendingWebhook({ attempts: 1, expectedWakeUp: wakeUp(2) })],
  ])('does nothing for a finished job that %s', async (_what, webhook) => {
    const world = worldWith(finishedJob({ webhook }));
    await poll(pollMessage(1), false, world);
    expect(world.wakeUps.sent).toEqual([]);
  });

  it('does nothing for a job that is gone', async () => {
    const world = fakeWorld();
    await poll(pollMessage(1), false, world);
    expect(world.told).toEqual([{ stage: 'poll', ...OF_JOB_1, poll: 1, outcome: 'no_job' }]);
  });
});

describe('two messages that arrive at the same moment', () => {
  it('merge into one chain', async () => {
    const world = worldWith(runningJob(), running);
    await Promise.all([poll(pollMessage(1), false, world), poll(pollMessage(1), false, world)]);
    expect(world.wakeUps.sent.length).toBe(2);
    const both = world.wakeUps.sent.map((sent) => sent.message as never);
    world.wakeUps.sent.length = 0;
    await Promise.all(both.map((next) => poll(next, false, world)));
    expect(world.wakeUps.sent.length).toBe(1);
  });

  it('finish the job exactly once', async () => {
    const world = worldWith(runningJob(), completed());
    await Promise.all([poll(pollMessage(1), false, world), poll(pollMessage(1), false, world)]);
    const events = world.wakeUps.sent.map((sent) => JSON.stringify(sent.message.wakeUp));
    expect(new Set(events).size).toBe(1);
    expect(world.told.filter(({ stage }) => stage === 'finish').length).toBe(1);
  });
});
