import { describe, expect, it } from 'vitest';
import { eventJson } from '../../../functions/core/http/view.ts';
import type { Authorized } from '../../../functions/http/authorize.ts';
import { read } from '../../../functions/jobs/read.ts';
import { submit } from '../../../functions/submit/submit.ts';
import { EXAMPLES } from '../../../tools/openapi/examples.ts';
import { attempt, finishedJob, NOW, settledWebhook } from '../../cloud/jobs.ts';
import { fakeWorld } from '../../cloud/world.ts';

const client = 'acme';
const jobId = 'job_q433hnkr5vpdwfsbfhfx4ghne0';
const results = { json: '[{"task_index":0,"status":"completed","result":"Paris","error":null}]', url: null };

const delivered = attempt({ at: NOW + 30_100, durationMillis: 85 });
const webhook = settledWebhook('delivered', {
  id: 'msg_k2qa493k09cy99dmts3cz4zyvg',
  url: 'https://example.com/hooks/modelstudio',
  log: [delivered],
});
const job = finishedJob({
  ...{ jobId, client, modelId: 'my-model', totalTasks: 1, completedTasks: 1, metadata: { order: '1042' } },
  ...{ createdAt: NOW, updatedAt: NOW + 30_000, finishedAt: NOW + 30_000, expiresAt: NOW + 86_400_000 },
  webhook,
});
const event = eventJson(job, results);

function request(method: string, body = '') {
  const headers = { 'content-type': 'application/json' };
  return { method, path: '/v1/jobs', query: '', headers, body: Buffer.from(body), requestId: 'r1' };
}

/** What the flows answer, from which no example may differ. */
async function said(operation: Authorized['operation'], body?: object): Promise<unknown> {
  const world = fakeWorld();
  world.jobs.rows.set(jobId, job);
  world.documents.contents.set(job.event.key, event);
  const authorized = { operation, jobId, client };
  const answer = body
    ? await submit(request('POST', JSON.stringify(body)), authorized, world)
    : await read(request('GET'), authorized, world);
  return JSON.parse(answer.body);
}

describe('an example in the document is exactly what the API says:', () => {
  it('one of a job', async () => {
    expect(await said('job')).toEqual(EXAMPLES['Job']);
  });

  it('one of deliveries', async () => {
    expect(await said('deliveries')).toEqual(EXAMPLES['Deliveries']);
  });

  it('one of an event', () => {
    expect(JSON.parse(event)).toEqual(EXAMPLES['Event']);
  });

  it('one of a submission, which is accepted', async () => {
    const shown = EXAMPLES['Submission'] as { model_id: string; webhook_url: string; metadata: object };
    const { model_id, metadata } = shown;
    expect(await said('submit', shown)).toMatchObject({
      ...{ model_id, metadata, total_tasks: 1 },
      webhook: { url: shown.webhook_url },
    });
  });

  it('one of a problem', async () => {
    const { request_id, ...problem } = EXAMPLES['Problem'] as { request_id: string };
    const wrong = { ...EXAMPLES['Submission'], temperature: 2 };
    expect(await said('submit', wrong)).toEqual({ ...problem, request_id: 'r1' });
  });

  it('for every example that there is', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(['Deliveries', 'Event', 'Job', 'Problem', 'Submission']);
  });
});
