import { describe, expect, it } from 'vitest';
import type { FinishedJob, Job } from '../../functions/core/job.ts';
import type { Authorized } from '../../functions/http/authorize.ts';
import { read } from '../../functions/jobs/read.ts';
import {
  attempt,
  finishedJob,
  NOW,
  pendingWebhook,
  runningJob,
  settledWebhook,
  wakeUp,
} from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const request = { method: 'GET', path: '', headers: {}, body: Buffer.alloc(0), query: '', requestId: 'r1' };

describe('read', () => {
  const event = JSON.stringify({ data: { results: [{ task_index: 0, result: 'a' }] } });
  const authorized = (operation: 'job' | 'results' | 'deliveries', client = 'acme'): Authorized => ({
    operation,
    jobId: 'job_1',
    client,
  });

  async function answerTo(job: Job, as: Authorized, query = '', millis = 0) {
    const world = fakeWorld();
    world.clock.time += millis;
    world.jobs.rows.set(job.jobId, job);
    world.documents.contents.set('events/job_1/a.json', event);
    world.documents.contents.set('results/job_1/a.json', '[1]');
    const answer = await read({ ...request, query }, as, world);
    return { ...answer, json: answer.body && JSON.parse(answer.body) };
  }

  it('shows a running job and when it will be polled next', async () => {
    const job = runningJob({ expectedWakeUp: wakeUp(3, 't', NOW + 4200) });
    const answer = await answerTo(job, authorized('job'));
    expect(answer).toMatchObject({ status: 200, headers: { 'retry-after': '5' } });
    expect(Object.keys(answer.json)).toEqual([
      ...[
        'job_id',
        'status',
        'model_id',
        'total_tasks',
        'completed_tasks',
        'failed_tasks',
        'created_at',
        'updated_at',
      ],
      ...['finished_at', 'expires_at', 'metadata', 'results', 'results_url', 'error', 'webhook'],
    ]);
    expect(answer.json).toMatchObject({ status: 'running', results: null, finished_at: null, error: null });
    expect(answer.json.webhook).toEqual({
      id: 'msg_1',
      url: 'https://hooks.example.com/h',
      status: 'pending',
      attempts: 0,
      last_attempt_at: null,
      last_status: null,
      next_attempt_at: null,
      held_until: null,
    });
  });

  it('shows a finished job with its results', async () => {
    const answer = await answerTo(finishedJob(), authorized('job'));
    expect(answer.json).toMatchObject({ status: 'completed', results: [{ task_index: 0, result: 'a' }] });
    expect(answer.headers).not.toHaveProperty('retry-after');
  });

  it.each(['job', 'results'] as const)(
    'gives results in the very bytes that ModelStudio sent: %s',
    async (operation) => {
      const results =
        '[{"task_index": 0, "seed": 12345678901234567890, "score": 1e400, "result": "caf\\u00e9"}]';
      const world = fakeWorld();
      world.jobs.rows.set('job_1', finishedJob());
      world.documents.contents.set(
        'events/job_1/a.json',
        `{"type":"x","data":{"metadata":{"results":"no"},"results":${results},"error":null}}`,
      );
      const answer = await read(request, authorized(operation), world);
      expect(answer.body).toContain(results);
    },
  );

  const apart = { store: 'bucket', key: 'results/job_1/a.json' } as const;
  it('points to results that are stored apart', async () => {
    const shown = await answerTo(finishedJob({ results: apart }), authorized('job'));
    const url = 'https://api.example.com/v1/jobs/job_1/results';
    expect(shown.json).toMatchObject({ results: null, results_url: url });
    const fetched = await answerTo(finishedJob({ results: apart }), authorized('results'));
    expect([fetched.status, fetched.headers]).toEqual([
      307,
      { location: expect.stringContaining('data:'), 'cache-control': 'no-store' },
    ]);
  });

  it.each<[what: string, job: Partial<FinishedJob>, status: number, expected: string]>([
    ['in the event', {}, 200, '{"task_index":0,"result":"a"}\n'],
    ['none', { results: null }, 200, ''],
    ['short enough for an answer', { results: { ...apart, isShort: true } }, 200, '[1]\n[2]\n'],
    ['kept in lines', { results: { ...apart, hasLines: true } }, 307, 'in lines'],
    ['kept as an array alone', { results: apart }, 307, '[[1],\n[2]]'],
  ])('gives results one a line if that is asked for: %s', async (_what, changes, status, expected) => {
    const world = fakeWorld();
    world.jobs.rows.set('job_1', finishedJob(changes));
    world.documents.contents.set('events/job_1/a.json', event);
    world.documents.contents.set(apart.key, '[[1],\n[2]]');
    world.documents.contents.set('results/job_1/a.jsonl', 'in lines');
    const asked = { ...request, headers: { accept: 'application/jsonl' } };
    const answer = await read(asked, authorized('results'), world);
    const linked = decodeURIComponent(answer.headers['location']?.replace(/^[^,]*,/, '') ?? '');
    expect([answer.status, answer.status === 307 ? linked : answer.body]).toEqual([status, expected]);
  });

  it.each([
    ['settled', settledWebhook('delivered'), 404],
    ['waits for its next attempt', pendingWebhook(), 200],
  ])(
    'shows a job for as long as it is kept today, not when it ended: its webhook is %s',
    async (_what, webhook, later) => {
      const world = fakeWorld();
      Object.assign(world.settings, { retentionDays: 8 });
      world.jobs.rows.set('job_1', finishedJob({ finishedAt: NOW, webhook }));
      world.documents.contents.set('events/job_1/a.json', event);
      const statuses = async () =>
        Promise.all(
          (['job', 'results', 'deliveries'] as const).map(
            async (operation) => (await read(request, authorized(operation), world)).status,
          ),
        );
      world.clock.time = NOW + 8 * 86_400_000 - 1000;
      expect(await statuses()).toEqual([200, 200, 200]);
      world.clock.time += 1000;
      expect(await statuses()).toEqual([later, later, later]);
    },
  );

  it.each<[what: string, job: Job]>([
    ['is still running', runningJob()],
    ['has ended without results', finishedJob({ status: 'expired', results: null })],
  ])('shows no URL of results for a job that %s', async (_what, job) => {
    const shown = await answerTo(job, authorized('job'));
    expect(shown.json).toMatchObject({ results: null, results_url: null });
  });

  it.each([
    ['data', '{"type":"job.completed"}'],
    ['results', '{"type":"job.completed","data":{}}'],
  ])('throws when an event has no %s', async (name, broken) => {
    const world = fakeWorld();
    world.jobs.rows.set('job_1', finishedJob());
    world.documents.contents.set('events/job_1/a.json', broken);
    const reading = read(request, authorized('results'), world);
    await expect(reading).rejects.toThrow(`The event has no ${name}`);
  });

  it('says that a URL is valid for a second less rather than more', async () => {
    const { json } = await answerTo(
      finishedJob({ results: apart }),
      authorized('results'),
      'redirect=false',
      999,
    );
    expect(json.expires_at).toBe(new Date(NOW + 900_000).toISOString());
  });

  it.each(['redirect=false', 'x=1&redirect=false', 'redirect=False'])(
    'gives the URL of results that are stored apart, and how long it is valid, for ?%s',
    async (query) => {
      const answer = await answerTo(finishedJob({ results: apart }), authorized('results'), query);
      expect([answer.status, answer.json]).toEqual([
        200,
        { url: expect.stringContaining('data:'), expires_at: new Date(NOW + 900_000).toISOString() },
      ]);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
      });
    },
  );

  it.each(['', 'redirect=true', 'redirect=', 'redirect=falsely', 'no_redirect=false'])(
    'redirects to results that are stored apart, for ?%s',
    async (query) => {
      const answer = await answerTo(finishedJob({ results: apart }), authorized('results'), query);
      expect(answer).toMatchObject({ status: 307, body: '' });
    },
  );

  it('gives small results as they are, whatever the request says of redirects', async () => {
    const answer = await answerTo(finishedJob(), authorized('results'), 'redirect=false');
    expect([answer.status, answer.json]).toEqual([200, [{ task_index: 0, result: 'a' }]]);
  });

  it.each([
    ['in its event', finishedJob(), 200, [{ task_index: 0, result: 'a' }]],
    ['none', finishedJob({ status: 'expired', results: null }), 200, []],
  ])('gives the results without the job around them: %s', async (_where, job, status, results) => {
    const answer = await answerTo(job, authorized('results'));
    expect([answer.status, answer.json]).toEqual([status, results]);
  });

  it('shows the attempts to deliver a webhook', async () => {
    const log = [
      attempt({ status: null, error: 'timeout', durationMillis: 15_000, nextAttemptAt: NOW + 20_000 }),
      attempt({ attempt: 2, at: NOW + 20_000 }),
    ];
    const job = finishedJob({ webhook: settledWebhook('delivered', { attempts: 2, log }) });
    expect((await answerTo(job, authorized('deliveries'))).json).toEqual({
      deliveries: [
        {
          attempt: 1,
          at: '2026-01-01T00:00:00.000Z',
          status: null,
          duration_ms: 15_000,
          error: 'timeout',
          location: null,
          next_attempt_at: '2026-01-01T00:00:20.000Z',
        },
        {
          attempt: 2,
          at: '2026-01-01T00:00:20.000Z',
          status: 204,
          duration_ms: 12,
          error: null,
          location: null,
          next_attempt_at: null,
        },
      ],
    });
  });

  it.each([
    ['is still running', runningJob()],
    ['has no webhook', finishedJob({ webhook: null })],
  ])('shows no attempts of a job that %s', async (_what, job) => {
    expect((await answerTo(job, authorized('deliveries'))).json).toEqual({ deliveries: [] });
  });

  it('gives no results before the job has finished, and says when to ask again', async () => {
    const answer = await answerTo(runningJob(), authorized('results'));
    expect([answer.status, answer.json.code]).toEqual([409, 'not_finished']);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });

  it("answers for another client's job as for one that never existed", async () => {
    const foreign = await answerTo(finishedJob(), authorized('job', 'other'));
    const absent = await answerTo(finishedJob({ jobId: 'job_2' }), authorized('job'));
    expect([foreign.status, foreign.body]).toEqual([404, absent.body]);
  });
});
