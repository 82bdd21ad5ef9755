import { describe, expect, it } from 'vitest';
import { overdueAt } from '../../functions/core/polling/overdue.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import { submit } from '../../functions/submit/submit.ts';
import { fakeWorld, type Scripts } from '../fakes/world.ts';

const valid = { model_id: 'm', messages: [[{ role: 'user', content: 'hi' }]] };
const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;

function post(body: unknown, headers: Record<string, string> = {}) {
  return {
    method: 'POST',
    path: '/v1/jobs',
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
    query: '',
    requestId: 'r1',
  };
}

async function answerTo(creation: CreateResult) {
  const world = fakeWorld({ creations: [creation] });
  const answer = await submit(post(valid), authorized, world);
  return { world, answer, body: JSON.parse(answer.body) };
}

describe('submit', () => {
  it('records the job, creates it at ModelStudio, sends the first wake-up and answers 202', async () => {
    const { world, answer, body } = await answerTo({ kind: 'created', upstreamJobId: 'up-1' });
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ location: `/v1/jobs/${body.job_id}`, 'retry-after': '6' });
    expect(body).toMatchObject({ status: 'running', model_id: 'm', total_tasks: 1, webhook: null });
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'poll', delaySeconds: 6, message: { jobId: body.job_id, upstreamJobId: 'up-1' } },
    ]);
    expect(world.jobs.rows.get(body.job_id)).toMatchObject({ status: 'running', version: 2 });
  });

  const refusals: [CreateResult, number, string][] = [
    [{ kind: 'invalid', sentence: 'temperature is off' }, 400, 'modelstudio_invalid_request'],
    [{ kind: 'model_not_found' }, 404, 'model_not_found'],
    [{ kind: 'credentials_refused', sentence: null }, 502, 'modelstudio_rejected'],
    [{ kind: 'credentials_refused', sentence: 'Not your model' }, 502, 'modelstudio_rejected'],
    [{ kind: 'refused', cause: 'status_402', sentence: 'Credits used up' }, 502, 'modelstudio_refused'],
    [{ kind: 'refused', cause: 'redirect', sentence: null }, 502, 'modelstudio_refused'],
    [{ kind: 'unavailable', retryAfterSeconds: 7 }, 503, 'modelstudio_unavailable'],
  ];
  it.each(refusals)('keeps nothing when ModelStudio says %j', async (creation, status, code) => {
    const { world, answer, body } = await answerTo(creation);
    expect([answer.status, body.code]).toEqual([status, code]);
    expect(world.jobs.rows.size).toBe(0);
    expect(world.wakeUps.sent).toEqual([]);
    if (creation.kind === 'unavailable') expect(answer.headers['retry-after']).toBe('7');
    if ('sentence' in creation && creation.sentence) expect(body.detail).toBe(creation.sentence);
  });

  it.each([
    ['Model m is not in your plan', true],
    ['Blocked by policy: "the salary of Ms Doe is"', false],
  ])('logs what ModelStudio said unless it quotes the prompt: %s', async (sentence, isTold) => {
    const world = fakeWorld({ creations: [{ kind: 'refused', cause: 'status_451', sentence }] });
    const told: object[] = [];
    world.log.event = (_stage, facts) => void told.push(facts);
    const messages = [[{ role: 'user', content: 'Say: the salary of Ms Doe is what?' }]];
    await submit(post({ ...valid, messages }), authorized, world);
    expect(JSON.stringify(told).includes(JSON.stringify(sentence))).toBe(isTold);
  });

  it('ends a job with its webhook when nobody knows whether it was created, and never creates it again', async () => {
    const world = fakeWorld({ creations: [{ kind: 'unknown', cause: 'timeout' }] });
    const request = post(
      { ...valid, webhook_url: 'https://hooks.example.com/h' },
      { 'idempotency-key': 'k' },
    );
    const answer = await submit(request, authorized, world);
    const { code, job_id } = JSON.parse(answer.body);
    expect([answer.status, code]).toEqual([504, 'submission_unknown']);
    // Clients that repeat a 504 by themselves obey it.
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(world.jobs.rows.get(job_id)).toMatchObject({
      status: 'failed',
      error: { code: 'submission_unknown' },
    });
    expect(world.wakeUps.sent).toMatchObject([{ queue: 'deliver', message: { jobId: job_id } }]);

    const again = await submit(request, authorized, world);
    expect(again.status).toBe(202);
    expect(JSON.parse(again.body)).toMatchObject({ job_id, status: 'failed' });
    expect(world.created.length).toBe(1);
  });
});

describe('when AWS fails in the middle', () => {
  it('a job that was created is kept for the sweeper if its wake-up cannot be sent', async () => {
    const world = fakeWorld({ creations: [{ kind: 'created', upstreamJobId: 'up-1' }] });
    world.wakeUps.poll = async () => Promise.reject(new Error('SQS is out of reach'));
    const answer = await submit(post(valid), authorized, world);
    const { job_id } = JSON.parse(answer.body);
    expect(answer.status).toBe(202);
    const job = world.jobs.rows.get(job_id);
    expect(job).toMatchObject({ status: 'running', upstreamJobId: 'up-1' });
    expect(job && overdueAt(job)).toBe(world.clock.now() + 6000);
  });

  it("an Idempotency-Key stays free if ModelStudio's key cannot be read, as nothing was sent", async () => {
    const world = fakeWorld({ creations: [{ kind: 'created', upstreamJobId: 'up-1' }] });
    const { create } = world.modelStudio;
    world.modelStudio.create = async () => Promise.reject(new Error('Secrets Manager is out of reach'));
    const request = post(valid, { 'idempotency-key': 'k' });
    await expect(submit(request, authorized, world)).rejects.toThrow('Secrets Manager');
    expect(world.jobs.rows.size).toBe(0);
    world.modelStudio.create = create;
    expect((await submit(request, authorized, world)).status).toBe(202);
  });
});

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'k-1' };

  it('gives the same job for the same request, whatever the order of its fields', async () => {
    const world = fakeWorld();
    const first = await submit(post(valid, key), authorized, world);
    const reordered = { messages: [[{ content: 'hi', role: 'user' }]], model_id: 'm', temperature: 0.7 };
    const second = await submit(post(reordered, key), authorized, world);
    expect(second.status).toBe(202);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(JSON.parse(second.body).job_id).toBe(JSON.parse(first.body).job_id);
    expect(world.created.length).toBe(1);
  });

  it('is refused with 422 for a different request', async () => {
    const world = fakeWorld();
    await submit(post(valid, key), authorized, world);
    const other = await submit(post({ ...valid, max_tokens: 1 }, key), authorized, world);
    expect(JSON.parse(other.body).code).toBe('idempotency_key_reused');
  });

  it('belongs to its client alone', async () => {
    const world = fakeWorld();
    const first = await submit(post(valid, key), authorized, world);
    const second = await submit(post(valid, key), { ...authorized, client: 'other' }, world);
    expect(JSON.parse(second.body).job_id).not.toBe(JSON.parse(first.body).job_id);
  });

  it('is answered with 409 while the first request is being submitted', async () => {
    const world = fakeWorld();
    const answers: number[] = [];
    world.modelStudio.create = async () => {
      const during = await submit(post(valid, key), authorized, world);
      answers.push(during.status);
      expect(during.headers['retry-after']).toBe('1');
      return { kind: 'created', upstreamJobId: 'up-1' };
    };
    answers.push((await submit(post(valid, key), authorized, world)).status);
    expect(answers).toEqual([409, 202]);
  });

  it('finds the job of a submission that died, which ends as submission_unknown', async () => {
    const world = fakeWorld();
    world.modelStudio.create = () => new Promise(() => {});
    void submit(post(valid, key), authorized, world);
    await expect.poll(() => world.jobs.rows.size).toBe(1);
    world.clock.time += 61_000;
    const again = await submit(post(valid, key), authorized, world);
    expect(JSON.parse(again.body)).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
  });

  it('may be used again after a refusal', async () => {
    const scripts: Scripts = {
      creations: [
        { kind: 'unavailable', retryAfterSeconds: null },
        { kind: 'created', upstreamJobId: 'up-1' },
      ],
    };
    const world = fakeWorld(scripts);
    expect((await submit(post({ model_id: '' }, key), authorized, world)).status).toBe(400);
    expect((await submit(post(valid, key), authorized, world)).status).toBe(503);
    expect((await submit(post(valid, key), authorized, world)).status).toBe(202);
  });

  it.each(['', ' ', 'a b', 'clé', 'k'.repeat(256), 'a,b', 'key, key', ','])(
    'is refused if it is %j',
    async (bad) => {
      const answer = await submit(post(valid, { 'idempotency-key': bad }), authorized, fakeWorld());
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'invalid_request']);
    },
  );

  it.each(['!', '~', 'k'.repeat(255), `!"#$%&'()*+-./:;<=>?@[]^_{|}`])(
    'is accepted if it is %j',
    async (good) => {
      const answer = await submit(post(valid, { 'idempotency-key': good }), authorized, fakeWorld());
      expect(answer.status).toBe(202);
    },
  );

  it('is reported, if it is invalid, along with all faults of the body', async () => {
    const request = post({ ...valid, temperature: 2 }, { 'idempotency-key': 'a,b' });
    request.body = Buffer.from(String(request.body).replace('{', '{"model_id":"m",'));
    const { errors } = JSON.parse((await submit(request, authorized, fakeWorld())).body);
    expect(errors).toEqual([
      { pointer: '/model_id', message: 'Must be given once' },
      { pointer: '/temperature', message: 'Must be a number from 0 to 1' },
      { pointer: '', message: expect.stringMatching(/Idempotency-Key .* once.* without a comma/) },
    ]);
  });
});

describe('the default webhook', () => {
  const url = 'https://default.example.com/hook';
  it.each([
    ['is for jobs without a webhook_url', {}, url],
    [
      'gives way to a webhook_url',
      { webhook_url: 'https://hooks.example.com/h' },
      'https://hooks.example.com/h',
    ],
    ['gives way to null', { webhook_url: null }, undefined],
  ])('%s', async (_what, fields, expected) => {
    const world = fakeWorld();
    Object.assign(world.settings, { defaultWebhookUrl: url });
    const answer = await submit(post({ ...valid, ...fields }), authorized, world);
    expect(JSON.parse(answer.body).webhook?.url).toBe(expected);
  });
});
