import type { PollMessage } from '../../../functions/core/messages.ts';
import type { FunctionName } from '../../../lib/stages/bundle.ts';
import { apiEvent, sqsEvent } from '../../../test/cloud/handlers.ts';
import { expectedWakeUp, GENERATION, HOOK_PATH, idOf, KEY, MODEL, type Phase } from './rows.ts';

export interface Case {
  name: FunctionName;
  /** What the invocation does. */
  what: string;
  /** @param base where the stub is */
  event(base: string): object;
}

/** The commonest invocations of each function, as the defaults make them. */
export const CASES: readonly Case[] = [
  { name: 'submit', what: 'a job of one conversation', event: submission },
  { name: 'create', what: 'a job that has waited', event: draining },
  { name: 'poll', what: 'one job, still running', event: () => polls(1, 'running') },
  { name: 'poll', what: 'ten jobs, still running', event: () => polls(10, 'running') },
  { name: 'poll', what: 'one job, completed', event: () => polls(1, 'ending') },
  { name: 'deliver', what: 'one webhook', event: delivery },
  { name: 'jobs', what: 'a running job', event: () => reading('running') },
  { name: 'jobs', what: 'a job with its results', event: () => reading('finished') },
];

const headers = { authorization: `Bearer ${KEY.key}`, 'content-type': 'application/json' };

function submission(base: string): object {
  const body = JSON.stringify({
    model_id: MODEL,
    messages: GENERATION.messages,
    webhook_url: base + HOOK_PATH,
    metadata: { order: '4711', customer: 'c_0123456789' },
  });
  return apiEvent({ method: 'POST', path: '/v1/jobs', headers, body });
}

function draining(): object {
  return eventOf('create', [{ format: 1, wakeUp: expectedWakeUp(0) }]);
}

function reading(phase: Phase): object {
  return apiEvent({ method: 'GET', path: `/v1/jobs/${idOf(phase, 0)}`, headers, body: '' });
}

/** The row names the wake-up before these, as it does for most polls, so that none is worth a write. */
function polls(batch: number, phase: Phase): object {
  const now = Date.now();
  const { token, seq } = expectedWakeUp(now);
  const messages = Array.from({ length: batch }, (_, i): PollMessage & { format: number } => ({
    format: 1,
    jobId: idOf(phase, i),
    upstreamJobId: idOf(phase, i),
    wakeUp: { seq: seq + 1, token: token.replaceAll('5', '6'), dueAt: now },
    polledAt: now - 3000,
    recordedToken: token,
    pollsSinceRecord: 0,
    isSeen: true,
  }));
  return eventOf('poll', messages);
}

function delivery(): object {
  const wakeUp = expectedWakeUp(Date.now());
  return eventOf('deliver', [{ format: 1, jobId: idOf('finished', 0), wakeUp, attempts: 0 }]);
}

function eventOf(queue: string, messages: readonly object[]): object {
  const deliveries = messages.map((message, i) => ({
    message: { body: JSON.stringify(message) },
    receives: 1,
    receiptHandle: `AQEB${i}`,
  }));
  return sqsEvent(queue, deliveries as unknown as Parameters<typeof sqsEvent>[1]);
}
