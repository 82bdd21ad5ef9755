import { describe, expect, it } from 'vitest';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import type { Job, RunningJob } from '../../functions/core/job.ts';
import type { PollMessage } from '../../functions/core/messages.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import { poll } from '../../functions/poll/poll.ts';
import { finishedJob, NOW, pendingWebhook, pollMessage, runningJob, wakeUp } from '../fakes/jobs.ts';
import { fakeWorld } from '../fakes/world.ts';

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

  it('writes nothing when nothing is new', async () => {
    const job = runningJob({ completedTasks: 1 });
    const world = worldWith(job, running);
    await poll(pollMessage(1), false, world);
    expect(world.wakeUps.sent).toMatchObject([{ message: { recordedToken: 't', pollsSinceRecord: 1 } }]);
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
  });

  it('records how long the job took, as a moment between its last two polls', async () => {
    const world = worldWith(runningJob(), completed());
    await poll(pollMessage(2, 'u', { polledAt: NOW - 4000 }), false, world);
    expect(world.durationStats.learnt).toEqual([['1/m', 8]]);
    expect(world.metrics).toMatchObject({ DetectionLagSeconds: 4, PollsPerJob: 2, JobSeconds: 10 });
  });

  it('records no duration of a job that expired', async () => {
    const world = worldWith(runningJob({ expiresAt: 0 }), running);
    await poll(pollMessage(1), false, world);
    expect(world.durationStats.learnt).toEqual([]);
  });

  it("records a 429 of ModelStudio's, so that all poll less often", async () => {
    const refusal: Report = { kind: 'transient_error', cause: 'unavailable', retryAfterSeconds: 0 };
    const world = worldWith(runningJob(), refusal);
    await poll(pollMessage(1), false, world);
    expect(world.durationStats.refusals).toBe(1);
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
    const world = worldWith(runningJob({ expiresAt: 0 }), running);
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')).toMatchObject({ status: 'expired', error: { code: 'expired' } });
  });

  it('completes a job that finishes at the last moment', async () => {
    const world = worldWith(runningJob({ expiresAt: 0 }), completed());
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')?.status).toBe('completed');
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
    expect(world.told).toMatchObject([{ outcome: 'stale' }]);
  });

  it('continues the chain when it is ahead, as its sender died before recording it', async () => {
    const world = worldWith(runningJob({ expectedWakeUp: wakeUp(1) }), running);
    await poll(pollMessage(2, 'unrecorded'), false, world);
    expect(world.jobs.rows.get('job_1')).toMatchObject({ expectedWakeUp: { seq: 3 } });
  });

  it('records the upstream job of a submission that died after the first send', async () => {
    const { upstreamJobId, expectedWakeUp, isSeen, doubt, completedTasks, ...kept } = runningJob();
    const world = worldWith({ ...kept, status: 'submitting', leaseUntil: 0 }, running);
    await poll(pollMessage(1), false, world);
    expect(world.jobs.rows.get('job_1')).toMatchObject({ status: 'running', upstreamJobId: 'up-1' });
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
    expect(world.told).toMatchObject([{ outcome: 'no_job' }]);
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
