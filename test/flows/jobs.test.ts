import { describe, expect, it } from 'vitest';
import type { Operation } from '../../functions/core/http/routes.ts';
import { answer } from '../../functions/jobs/jobs.ts';
import { attempt, finishedJob, settledWebhook } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const request = { method: '', path: '', query: '', headers: {}, body: Buffer.alloc(0), requestId: 'r1' };
const results = [{ task_index: 0, result: 'a' }];

describe('each call is answered by what it is for', () => {
  const cases: [operation: Operation, status: number, body: unknown][] = [
    ['health', 200, { status: 'ok' }],
    ['openapi', 200, { openapi: '3.1.0' }],
    ['list', 200, { jobs: [{ job_id: 'job_1' }], next_cursor: null }],
    ['job', 200, { job_id: 'job_1', results }],
    ['results', 200, results],
    ['deliveries', 200, { deliveries: [{ attempt: 1 }] }],
    ['redeliver', 202, { job_id: 'job_1', webhook: { status: 'pending' } }],
    ['cancel', 409, { code: 'not_cancellable' }],
    // Its path was spelled oddly, or it would not have come here.
    ['submit', 404, { code: 'not_found', request_id: 'r1' }],
  ];
  it.each(cases)('%s with %i', async (operation, status, body) => {
    const job = finishedJob({ webhook: settledWebhook('delivered', { log: [attempt()] }) });
    const world = { ...fakeWorld(), openApi: async () => ({ default: { openapi: '3.1.0' } }) };
    world.jobs.rows.set('job_1', job);
    world.documents.contents.set(job.event.key, JSON.stringify({ data: { results } }));
    const answered = await answer(request, { operation, jobId: 'job_1', client: 'acme' }, world);
    expect(answered.status).toBe(status);
    expect(JSON.parse(answered.body)).toMatchObject(body as object);
  });
});
