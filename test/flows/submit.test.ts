import { describe, expect, it } from 'vitest';
import { PROBLEMS, type ProblemCode } from '../../functions/core/http/problem.ts';
import type { Job } from '../../functions/core/job.ts';
import { overdueAt } from '../../functions/core/polling/overdue.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import { submit } from '../../functions/submit/submit.ts';
import { finishedJob, NOW, pendingWebhook, submittingJob } from '../cloud/jobs.ts';
import { fakeWorld, type Scripts } from '../cloud/world.ts';

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
    expect(answer.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      location: `/v1/jobs/${body.job_id}`,
      'retry-after': '5',
    });
    expect(body).toMatchObject({ status: 'running', model_id: 'm', total_tasks: 1, webhook: null });
    expect(world.wakeUps.sent).toMatchObject([
      { queue: 'poll', delaySeconds: 5, message: { jobId: body.job_id, upstreamJobId: 'up-1' } },
    ]);
    expect(world.jobs.rows.get(body.job_id)).toMatchObject({ status: 'running', version: 2 });
  });

  it('records the whole job before ModelStudio creates it', async () => {
    const world = fakeWorld();
    const { create } = world.modelStudio;
    let rows: unknown[] = [];
    world.modelStudio.create = async (submission) => {
      rows = structuredClone([...world.jobs.rows.values()]);
      return create(submission);
    };
    const asked = { expires_in: 7200, metadata: { a: 'b' }, webhook_url: 'https://hooks.example.com/h' };
    await submit(post({ ...valid, ...asked }), authorized, world);
    expect(rows).toEqual([
      submittingJob({
        jobId: expect.stringMatching(/^job_[0-9a-z]{26}$/),
        totalTasks: 1,
        metadata: { a: 'b' },
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        createdAt: NOW,
        updatedAt: NOW,
        expiresAt: NOW + 7_200_000,
        version: 1,
        webhook: pendingWebhook({ id: expect.stringMatching(/^msg_/) }),
      }),
    ]);
  });

  it('sends a first wake-up from which the poller could continue without the row', async () => {
    const world = fakeWorld();
    world.modelStudio.create = async () => {
      world.clock.time += 4000;
      return { kind: 'created', upstreamJobId: 'up-1' };
    };
    const { job_id: jobId } = JSON.parse((await submit(post(valid), authorized, world)).body);
    const [sent] = world.wakeUps.sent;
    const dueAt = NOW + 4000 + 1000 * (sent?.delaySeconds ?? 0);
    const wakeUp = { seq: 1, token: expect.any(String), dueAt };
    const known = {
      jobId,
      upstreamJobId: 'up-1',
      polledAt: NOW,
      isSeen: false,
      slot: 7,
      pollsSinceRecord: 0,
    };
    expect(sent?.message).toEqual({ ...known, wakeUp, recordedToken: sent?.message.wakeUp.token });
    expect(world.jobs.rows.get(jobId)).toMatchObject({ expectedWakeUp: sent?.message.wakeUp, isSeen: false });
  });

  it('waits at most ten minutes for the first poll, however long such jobs take', async () => {
    const world = fakeWorld({ durations: Array(20).fill(86_400) });
    const forecast = await world.durationStats.forecast('');
    world.durationStats.forecast = async () => ({ ...forecast, lagPerPollSeconds: 1e6 });
    await submit(post({ ...valid, expires_in: 604_800 }), authorized, world);
    expect(world.wakeUps.sent).toMatchObject([{ delaySeconds: 600 }]);
  });

  it.each<[title: string, meanwhile: (job: Job) => Job | null, status: string]>([
    [
      'shows the job as the poller wrote it in the meantime',
      () => finishedJob({ results: null }),
      'completed',
    ],
    ['shows the job as running even when its row is gone', () => null, 'running'],
  ])('%s', async (_title, meanwhile, status) => {
    const world = fakeWorld();
    const { poll } = world.wakeUps;
    world.wakeUps.poll = async (message, delaySeconds) => {
      await poll(message, delaySeconds);
      const row = meanwhile(world.jobs.rows.get(message.jobId) as Job);
      world.jobs.rows.delete(message.jobId);
      if (row) world.jobs.rows.set(message.jobId, { ...row, jobId: message.jobId, version: 5 });
    };
    const answer = await submit(post(valid), authorized, world);
    expect([answer.status, JSON.parse(answer.body).status]).toEqual([202, status]);
  });

  const refusals: [CreateResult, number, ProblemCode][] = [
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
    const sentence = ('sentence' in creation && creation.sentence) || PROBLEMS[code][1];
    expect([body.detail, body.request_id]).toEqual([sentence, 'r1']);
    expect(world.durationStats.refusals).toBe(creation.kind === 'unavailable' ? 1 : 0);
  });

  it.each<[asked: number | null, told: string]>([
    [null, '5'],
    [0, '1'],
    [7, '7'],
    [3600, '3600'],
    [86_400, '3600'],
  ])(
    'has the client wait when ModelStudio is unavailable: asked for %s seconds, it says %s',
    async (asked, told) => {
      const { answer } = await answerTo({ kind: 'unavailable', retryAfterSeconds: asked });
      expect(answer.headers['retry-after']).toBe(told);
    },
  );

  type Logged = [creation: CreateResult, logged: object, metrics: object];
  const refused: CreateResult = { kind: 'refused', cause: 'status_402', sentence: 'Credits used up' };
  const lines: Logged[] = [
    [{ kind: 'created', upstreamJobId: 'up-1' }, {}, { JobsCreated: 1 }],
    // It speaks of the request, and so may quote it.
    [{ kind: 'invalid', sentence: 'temperature is off' }, {}, {}],
    [{ kind: 'model_not_found' }, {}, {}],
    [{ kind: 'credentials_refused', sentence: null }, {}, { UpstreamUnauthorized: 1 }],
    [
      { kind: 'credentials_refused', sentence: 'Not your model' },
      { said: 'Not your model' },
      { UpstreamUnauthorized: 1 },
    ],
    [refused, { cause: 'status_402', said: 'Credits used up' }, { UpstreamRefusals: 1 }],
    [{ kind: 'unavailable', retryAfterSeconds: 7 }, {}, { UpstreamUnavailable: 1 }],
    [
      { kind: 'unavailable', retryAfterSeconds: null, sentence: 'Only three jobs at once' },
      { said: 'Only three jobs at once' },
      { UpstreamUnavailable: 1 },
    ],
    [{ kind: 'unknown', cause: 'timeout' }, { cause: 'timeout' }, { UpstreamTimeouts: 1 }],
    [{ kind: 'unknown', cause: 'status_500' }, { cause: 'status_500' }, { UpstreamServerErrors: 1 }],
  ];
  it.each(lines)(
    'logs one line and adds to the metrics when ModelStudio says %j',
    async (creation, logged, metrics) => {
      const world = fakeWorld();
      world.modelStudio.create = async () => {
        world.clock.time += 250;
        return creation;
      };
      await submit(post(valid), authorized, world);
      const [line, ...others] = world.told;
      const facts = {
        outcome: creation.kind,
        client: 'acme',
        model_id: 'm',
        total_tasks: 1,
        duration_ms: 250,
      };
      const of = {
        job_id: expect.stringMatching(/^job_./),
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      };
      expect(line).toEqual({ stage: 'submit', ...of, ...facts, ...logged });
      expect(others.map(({ stage }) => stage)).toEqual(creation.kind === 'unknown' ? ['finish'] : []);
      const { JobsFailed, JobSeconds, UnknownSubmissions, ...ofSubmission } = world.metrics;
      expect(ofSubmission).toEqual(metrics);
    },
  );

  it.each([
    ['Model m is not in your plan', 'm', true],
    ['Model studio-large-preview is not in your plan', 'studio-large-preview', true],
    ['Blocked by policy: "the salary of Ms Doe is"', 'm', false],
  ])('logs what ModelStudio said unless it quotes the prompt: %s', async (sentence, model_id, isLogged) => {
    const world = fakeWorld({ creations: [{ kind: 'refused', cause: 'status_451', sentence }] });
    const messages = [[{ role: 'user', content: 'Say: the salary of Ms Doe is what?' }]];
    await submit(post({ ...valid, model_id, messages }), authorized, world);
    expect(world.told.map(({ said }) => said)).toEqual([isLogged ? sentence : undefined]);
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
    expect(job && overdueAt(job)).toBe(world.clock.now() + 5000);
    expect(world.told.at(-1)).toMatchObject({ stage: 'submit', outcome: 'wake_up_unsent', job_id });
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
    expect(JSON.parse(second.body)).toEqual({ ...JSON.parse(first.body), status: 'running' });
    expect([world.created.length, world.wakeUps.sent.length]).toEqual([1, 1]);
  });

  it('makes the difference, as without one the same request creates another job each time', async () => {
    const world = fakeWorld();
    const first = await submit(post(valid), authorized, world);
    const second = await submit(post(valid), authorized, world);
    expect(JSON.parse(second.body).job_id).not.toBe(JSON.parse(first.body).job_id);
    expect([world.created.length, world.jobs.rows.size]).toEqual([2, 2]);
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

  /** A submission whose function died while ModelStudio was asked. */
  async function worldWithDeadSubmission() {
    const world = fakeWorld();
    world.modelStudio.create = () => new Promise(() => {});
    void submit(post(valid, key), authorized, world);
    await expect.poll(() => world.jobs.rows.size).toBe(1);
    return world;
  }

  it('finds the job of a submission that died, which ends as submission_unknown once its lease is over', async () => {
    const world = await worldWithDeadSubmission();
    world.clock.time += 59_999;
    const during = await submit(post(valid, key), authorized, world);
    expect([during.status, JSON.parse(during.body).code]).toEqual([409, 'submission_in_progress']);
    world.clock.time += 1;
    const again = await submit(post(valid, key), authorized, world);
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([202, 'true']);
    expect(JSON.parse(again.body)).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
  });

  it.each<[what: string, interfere: (world: ReturnType<typeof fakeWorld>) => void]>([
    ['has just been refused and removed', (world) => world.jobs.rows.clear()],
    [
      'is just being ended by another worker',
      (world) => {
        world.jobs.replace = async () => false;
      },
    ],
  ])(
    'is answered with 409 and a Retry-After of a second when the first submission %s',
    async (_what, interfere) => {
      const world = await worldWithDeadSubmission();
      world.clock.time += 60_000;
      world.jobs.insert = async () => false;
      interfere(world);
      const again = await submit(post(valid, key), authorized, world);
      expect([again.status, JSON.parse(again.body).code]).toEqual([409, 'submission_in_progress']);
      expect(again.headers['retry-after']).toBe('1');
      expect(again.headers).not.toHaveProperty('idempotency-replayed');
    },
  );

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
      const { code, errors } = JSON.parse(answer.body);
      const message = expect.stringMatching(/Idempotency-Key/);
      expect([answer.status, code, errors]).toEqual([400, 'invalid_request', [{ pointer: '', message }]]);
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

describe('a destination', () => {
  const settings = {
    destinations: [
      { name: 'orders', clients: ['other', 'acme'] },
      { name: 'theirs', clients: ['other'] },
      { name: 'nobodys', clients: [] },
    ],
    defaultWebhookUrl: 'https://default.example.com/hook',
  };
  async function submitted(fields: object, defaults: object = {}) {
    const world = fakeWorld();
    Object.assign(world.settings, settings, defaults);
    const answer = await submit(post({ ...valid, ...fields }), authorized, world);
    const [row] = world.jobs.rows.values();
    return { status: answer.status, json: JSON.parse(answer.body), row };
  }

  it('is what its job shows as the URL, and is marked in the row', async () => {
    const { status, json, row } = await submitted({ destination: 'orders' });
    expect([status, json.webhook]).toMatchObject([202, { url: 'orders', status: 'pending' }]);
    expect(row?.webhook).toMatchObject({ url: 'orders', destination: true });
  });

  const SENTENCE = 'Must be the name of a destination that is set up for this client';
  it.each(['theirs', 'nobodys', 'unknown', 'ORDERS', '', 'https://hooks.example.com/h'])(
    'that is not for the client is refused by the same sentence as one that does not exist: %s',
    async (destination) => {
      const { status, json } = await submitted({ destination });
      expect([status, json.errors]).toEqual([400, [{ pointer: '/destination', message: SENTENCE }]]);
    },
  );

  it('is refused beside a webhook_url', async () => {
    const { status, json } = await submitted({
      destination: 'orders',
      webhook_url: 'https://hooks.example.com',
    });
    const message = 'Must not be given together with webhook_url';
    expect([status, json.errors]).toEqual([400, [{ pointer: '/destination', message }]]);
  });

  const webhookUrl = 'https://hooks.example.com/h';
  it.each<[what: string, fields: object, defaultDestination: string | null, url: string | undefined]>([
    ['none, and the default URL', {}, null, settings.defaultWebhookUrl],
    ['none, and the default of its client', {}, 'orders', 'orders'],
    ["none, and a default that is not its client's", {}, 'theirs', settings.defaultWebhookUrl],
    ['null', { destination: null }, 'orders', undefined],
    ['none, and null as the URL', { webhook_url: null }, 'orders', undefined],
    ['null beside a URL', { destination: null, webhook_url: webhookUrl }, 'orders', webhookUrl],
    ['one beside null as the URL', { destination: 'orders', webhook_url: null }, null, 'orders'],
    ['none, and a URL', { webhook_url: webhookUrl }, 'orders', webhookUrl],
  ])('of a job that gives %s', async (_what, fields, defaultDestination, url) => {
    const { json, row } = await submitted(fields, { defaultDestination });
    expect(json.webhook?.url).toBe(url);
    expect(row?.webhook?.destination).toBe(url === 'orders' ? true : undefined);
  });
});
