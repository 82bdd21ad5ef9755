import { describe, expect, it } from 'vitest';
import { DeliverMessage, PollMessage } from '../../functions/core/messages.ts';

const wakeUp = { seq: 1, token: 't', dueAt: Date.UTC(2026, 0, 1) };
const chain = { polledAt: Date.UTC(2026, 0, 1), recordedToken: 't', pollsSinceRecord: 0, isSeen: false };
const poll = { jobId: 'job_1', upstreamJobId: 'up-1', wakeUp, ...chain };
const deliver = { jobId: 'job_1', wakeUp, attempts: 0 };

describe('a message says the same after it went through a queue', () => {
  it('when it is for the poller', () => {
    expect(PollMessage.parse(JSON.parse(JSON.stringify(poll)))).toEqual(poll);
  });

  it('when it is for the deliverer', () => {
    expect(DeliverMessage.parse(JSON.parse(JSON.stringify(deliver)))).toEqual(deliver);
  });

  it('when an earlier release sent it, which did not say whether the job was seen', () => {
    const { isSeen, ...earlier } = poll;
    expect(PollMessage.parse(earlier)).toEqual({ ...poll, isSeen: true });
  });

  it('when a later release sent it, which says more', () => {
    expect(PollMessage.parse({ ...poll, more: 1 })).toEqual(poll);
  });
});

describe('a message that cannot be read is reported as such', () => {
  it.each<[what: string, message: unknown]>([
    ['nothing', null],
    ['text', 'job_1'],
    ['a list', [poll]],
    ['no job', { ...poll, jobId: undefined }],
    ['a job that is a number', { ...poll, jobId: 1 }],
    ['no wake-up', { ...poll, wakeUp: undefined }],
    ['half a wake-up', { ...poll, wakeUp: { seq: 1, token: 't' } }],
    ['a place between two', { ...poll, wakeUp: { ...wakeUp, seq: 1.5 } }],
    ['a place of text', { ...poll, wakeUp: { ...wakeUp, seq: '1' } }],
    ['a moment beyond numbers', { ...poll, wakeUp: { ...wakeUp, dueAt: Number.NaN } }],
    ['a message for the deliverer', deliver],
  ])('when the poller gets %s', (_what, message) => {
    expect(PollMessage.safeParse(message).success).toBe(false);
  });

  it.each<[what: string, message: unknown]>([
    ['a message for the poller', poll],
    ['half an attempt', { ...deliver, attempts: 0.5 }],
  ])('when the deliverer gets %s', (_what, message) => {
    expect(DeliverMessage.safeParse(message).success).toBe(false);
  });
});
