import { describe, expect, it } from 'vitest';
import { readDeliverMessage, readPollMessage } from '../../functions/core/messages.ts';

const wakeUp = { seq: 1, token: 't', dueAt: Date.UTC(2026, 0, 1) };
const chain = { polledAt: Date.UTC(2026, 0, 1), recordedToken: 't', pollsSinceRecord: 0, isSeen: false };
const toBegin = { round: 0, from: 3, to: 5 };
const optional = { trace: `${'a'.repeat(32)}-01`, startedAt: Date.UTC(2026, 0, 1), slot: 3, toBegin };
const poll = { jobId: 'job_1', upstreamJobId: 'up-1', wakeUp, ...chain };
const deliver = { jobId: 'job_1', wakeUp, attempts: 0 };

describe('a message says the same after it went through a queue', () => {
  it('when it is for the poller', () => {
    expect(readPollMessage(JSON.parse(JSON.stringify(poll)))).toEqual(poll);
    expect(readPollMessage({ ...poll, ...optional })).toEqual({ ...poll, ...optional });
  });

  it('when it is for the deliverer', () => {
    expect(readDeliverMessage(JSON.parse(JSON.stringify(deliver)))).toEqual(deliver);
  });

  it('when an earlier release sent it, which did not say whether the job was seen', () => {
    const { isSeen, ...earlier } = poll;
    expect(readPollMessage(earlier)).toEqual({ ...poll, isSeen: true });
  });

  it('when a later release sent it, which says more', () => {
    expect(readPollMessage({ ...poll, wakeUp: { ...wakeUp, more: 1 }, more: 1 })).toEqual(poll);
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
    ['a moment of text', { ...poll, startedAt: '2026-01-01' }],
    ['a slot between two', { ...poll, slot: 0.5 }],
    ['parts without an end', { ...poll, toBegin: { round: 0, from: 3 } }],
    ['null instead of whether the job was seen', { ...poll, isSeen: null }],
    ['a trace that is a number', { ...poll, trace: 1 }],
    ['a message for the deliverer', deliver],
  ])('when the poller gets %s', (_what, message) => {
    expect(() => readPollMessage(message)).toThrow('The message cannot be read');
  });

  it.each<[what: string, message: unknown]>([
    ['a message for the poller', poll],
    ['half an attempt', { ...deliver, attempts: 0.5 }],
  ])('when the deliverer gets %s', (_what, message) => {
    expect(() => readDeliverMessage(message)).toThrow('The message cannot be read');
  });
});
