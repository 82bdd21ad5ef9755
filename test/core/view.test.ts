import { describe, expect, it } from 'vitest';
import {
  deliveriesJson,
  EVENT_MAX_BYTES,
  eventJson,
  jobJson,
  retryAfter,
} from '../../functions/core/http/view.ts';
import type { FinishedJob } from '../../functions/core/job.ts';
import {
  attempt,
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  submittingJob,
  wakeUp,
} from '../cloud/jobs.ts';

const NONE = { json: null, url: null };

const base = {
  jobId: 'job_1',
  client: 'acme',
  modelId: 'm/1',
  totalTasks: 3,
  metadata: { order: '17' },
  fingerprint: 'secret-fingerprint',
  createdAt: NOW,
  updatedAt: NOW + 1000,
  expiresAt: NOW + 60_000,
  version: 2,
};
const submitting = submittingJob(base);
const running = runningJob({
  ...base,
  upstreamJobId: 'secret-upstream',
  completedTasks: 1,
  expectedWakeUp: wakeUp(3, 'secret-token', NOW + 5000),
  webhook: null,
});
const finished = finishedJob({
  ...base,
  completedTasks: 3,
  failedTasks: 1,
  finishedAt: NOW + 1000,
  event: { store: 'table', key: 'secret-key' },
  webhook: null,
});

const shared = {
  job_id: 'job_1',
  model_id: 'm/1',
  total_tasks: 3,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:01.000Z',
  expires_at: '2026-01-01T00:01:00.000Z',
  metadata: { order: '17' },
  results: null,
  results_url: null,
  error: null,
};

describe('the job that a client sees', () => {
  it('is shown while it is being submitted', () => {
    expect(JSON.parse(jobJson(submitting, NONE))).toEqual({
      ...shared,
      status: 'submitting',
      completed_tasks: 0,
      failed_tasks: 0,
      finished_at: null,
      webhook: {
        id: 'msg_1',
        url: 'https://hooks.example.com/h',
        status: 'pending',
        attempts: 0,
        last_attempt_at: null,
        last_status: null,
        next_attempt_at: null,
        held_until: null,
      },
    });
  });

  it('is shown while it runs', () => {
    expect(JSON.parse(jobJson(running, NONE))).toEqual({
      ...shared,
      status: 'running',
      completed_tasks: 1,
      failed_tasks: 0,
      finished_at: null,
      webhook: null,
    });
  });

  it('is shown when it has completed', () => {
    expect(JSON.parse(jobJson(finished, { json: '[{"task_index":0}]', url: null }))).toEqual({
      ...shared,
      status: 'completed',
      completed_tasks: 3,
      failed_tasks: 1,
      finished_at: '2026-01-01T00:00:01.000Z',
      results: [{ task_index: 0 }],
      webhook: null,
    });
  });

  it('is shown with a URL when its results are stored apart', () => {
    const url = 'https://api.example.com/v1/jobs/job_1/results';
    expect(JSON.parse(jobJson(finished, { json: null, url }))).toMatchObject({
      results: null,
      results_url: url,
    });
  });

  it('is shown when it has failed', () => {
    const error = { code: 'expired', message: 'Too late.' };
    const job: FinishedJob = { ...finished, status: 'expired', results: null, error };
    expect(JSON.parse(jobJson(job, NONE))).toMatchObject({ status: 'expired', error, results: null });
  });

  const tried = { attempts: 2, log: [attempt(), attempt({ attempt: 2, at: NOW + 2000, status: 503 })] };
  it.each<[what: string, webhook: FinishedJob['webhook'], shown: object]>([
    [
      'that waits for its next attempt',
      pendingWebhook({ ...tried, expectedWakeUp: wakeUp(3, 't', NOW + 9000) }),
      { status: 'pending', next_attempt_at: '2026-01-01T00:00:09.000Z' },
    ],
    [
      'that is held as its receiver hangs',
      pendingWebhook({ ...tried, expectedWakeUp: wakeUp(3, 't', NOW + 9000), heldUntil: NOW + 9000 }),
      {
        status: 'pending',
        next_attempt_at: '2026-01-01T00:00:09.000Z',
        held_until: '2026-01-01T00:00:09.000Z',
      },
    ],
    [
      'that was held before, as the release before leaves that behind',
      pendingWebhook({ ...tried, expectedWakeUp: wakeUp(3, 't', NOW + 9000), heldUntil: NOW + 8000 }),
      { status: 'pending', next_attempt_at: '2026-01-01T00:00:09.000Z' },
    ],
    [
      'that was held and waits for nothing',
      pendingWebhook({ ...tried, heldUntil: NOW + 8000 }),
      { status: 'pending', next_attempt_at: null },
    ],
    [
      'that was delivered',
      settledWebhook('delivered', tried),
      { status: 'delivered', next_attempt_at: null },
    ],
    ['that is exhausted', settledWebhook('exhausted', tried), { status: 'exhausted', next_attempt_at: null }],
    ['that is gone', settledWebhook('gone', tried), { status: 'gone', next_attempt_at: null }],
    ['that is blocked', settledWebhook('blocked', tried), { status: 'blocked', next_attempt_at: null }],
  ])('is shown with a webhook %s', (_what, webhook, shown) => {
    expect(JSON.parse(jobJson({ ...finished, webhook }, NONE)).webhook).toEqual({
      id: 'msg_1',
      url: 'https://hooks.example.com/h',
      attempts: 2,
      last_attempt_at: '2026-01-01T00:00:02.000Z',
      last_status: 503,
      held_until: null,
      ...shown,
    });
  });

  it.each([
    ['submitting', submitting],
    ['running', running],
    ['finished', finished],
  ])('has exactly the documented fields while it is %s', (_what, job) => {
    expect(jobJson(job, NONE)).not.toMatch(/secret|acme|token|version|lease|client/i);
  });

  it('never has hostile metadata taken for its own members', () => {
    const metadata = { '"}': '","status":"x', results: '[1]', '</script>': '\u2028' };
    const json = jobJson({ ...finished, metadata }, { json: '[]', url: null });
    expect(JSON.parse(json)).toMatchObject({ status: 'completed', metadata, results: [] });
  });
});

describe('results are shown in the very bytes that were stored', () => {
  it.each([
    ['[]'],
    ['[{"task_index":0,"result":"a"}]'],
    ['[{"n":1.0,"big":12345678901234567890,"twice":1,"twice":2}]'],
    ['[ { "spaces" : "\\u00e9\\ud800" } ]'],
    ['[{"quotes":"\\"},\\"results\\":[","braces":"}]}"}]'],
    ['[{"$&":"$1 $` $\'"}]'],
  ])('when they are %s', (json) => {
    for (const text of [jobJson(finished, { json, url: null }), eventJson(finished, { json, url: null })]) {
      expect(text).toContain(`"results":${json},"results_url":null`);
      expect(() => JSON.parse(text)).not.toThrow();
    }
  });
});

describe('the event', () => {
  it('has the same bytes in every release', () => {
    expect(eventJson(finished, { json: '[{"task_index":0,"result":"é"}]', url: null })).toBe(
      '{"type":"job.completed","timestamp":"2026-01-01T00:00:01.000Z","data":{' +
        '"job_id":"job_1","status":"completed","model_id":"m/1",' +
        '"total_tasks":3,"completed_tasks":3,"failed_tasks":1,' +
        '"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:01.000Z",' +
        '"finished_at":"2026-01-01T00:00:01.000Z","expires_at":"2026-01-01T00:01:00.000Z",' +
        '"metadata":{"order":"17"},"results":[{"task_index":0,"result":"é"}],"results_url":null,"error":null}}',
    );
  });

  it.each(['completed', 'failed', 'cancelled', 'expired'] as const)('is called job.%s', (status) => {
    expect(JSON.parse(eventJson({ ...finished, status }, NONE))).toMatchObject({
      type: `job.${status}`,
      data: { status },
    });
  });

  it('holds the job that a client sees, without its webhook', () => {
    const { webhook, ...data } = JSON.parse(jobJson({ ...finished, webhook: pendingWebhook() }, NONE));
    expect(
      JSON.parse(eventJson({ ...finished, webhook: pendingWebhook() } as FinishedJob, NONE)).data,
    ).toEqual(data);
  });
});

it('the body of a webhook has at most 256 KiB', () => {
  expect(EVENT_MAX_BYTES).toBe(262_144);
});

describe('retryAfter', () => {
  const due = (dueAt: number) => ({ ...running, expectedWakeUp: { ...running.expectedWakeUp, dueAt } });

  it.each([
    ['until the next poll', due(NOW + 5000), 5],
    ['rounded up', due(NOW + 5001), 6],
    ['a second at least', due(NOW), 1],
    ['a second while it is submitted', submitting, 1],
    [
      'a tenth of its age when the next poll is not written down',
      { ...due(NOW - 1), createdAt: NOW - 300_000 },
      30,
    ],
    ['a minute at most', { ...due(NOW - 1), createdAt: NOW - 86_400_000 }, 60],
  ])('tells a client when to ask again: %s', (_what, job, seconds) => {
    expect(retryAfter(job, NOW)).toEqual({ 'retry-after': String(seconds) });
  });
});

describe('deliveriesJson', () => {
  it('lists every attempt, the oldest first', () => {
    const failed = attempt({ status: null, error: 'timeout', nextAttemptAt: NOW + 5000 });
    const redirected = attempt({ attempt: 2, status: 301, location: 'https://b.example.com/' });
    const webhook = settledWebhook('delivered', {
      attempts: 3,
      log: [failed, redirected, attempt({ attempt: 3 })],
    });
    const at = new Date(NOW).toISOString();
    const next = new Date(NOW + 5000).toISOString();
    expect(JSON.parse(deliveriesJson(webhook))).toEqual({
      deliveries: [
        {
          attempt: 1,
          at,
          status: null,
          duration_ms: 12,
          error: 'timeout',
          location: null,
          next_attempt_at: next,
        },
        {
          attempt: 2,
          at,
          status: 301,
          duration_ms: 12,
          error: null,
          location: 'https://b.example.com/',
          next_attempt_at: null,
        },
        { attempt: 3, at, status: 204, duration_ms: 12, error: null, location: null, next_attempt_at: null },
      ],
    });
    expect(JSON.parse(jobJson(finishedJob({ webhook }), NONE)).webhook.last_status).toBe(204);
  });

  it('lists none without a webhook', () => {
    expect(deliveriesJson(null)).toBe('{"deliveries":[]}');
  });
});
