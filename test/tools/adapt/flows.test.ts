import { beforeAll, expect, it, vi } from 'vitest';
import type { AttemptOutcome } from '../../../functions/core/webhook/attempt.ts';
import type { ModelStudio } from '../../../functions/ports.ts';
import { fakeWorld } from '../../cloud/world.ts';
import { createModelStudio } from './predictions/edge/modelstudio.ts';
import { API_KEY, servePredictions } from './predictions/server.ts';
import { replacement, root, SEAM } from './seam.ts';

/** The flows as they are, over the other provider's files. */
let flows: {
  submit: typeof import('../../../functions/submit/submit.ts')['submit'];
  poll: typeof import('../../../functions/poll/poll.ts')['poll'];
  deliver: typeof import('../../../functions/deliver/deliver.ts')['deliver'];
};

beforeAll(async () => {
  for (const file of SEAM) vi.doMock(`${root}/functions/${file}`, () => import(replacement(file)));
  const { submit } = await import('../../../functions/submit/submit.ts');
  const { poll } = await import('../../../functions/poll/poll.ts');
  const { deliver } = await import('../../../functions/deliver/deliver.ts');
  flows = { submit, poll, deliver };
});

const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;
const valid = (model: string) => ({
  model,
  input: { prompt: 'snow' },
  webhook_url: 'https://hooks.example.com/h',
});
const delivered: AttemptOutcome = { kind: 'answered', status: 204, retryAfterSeconds: null };

/** The whole world in memory, but for the provider, which is really called. */
async function worldWithPredictions(apiKey = API_KEY) {
  const provider = await servePredictions();
  const world = fakeWorld({ exchanges: [delivered] });
  const modelStudio = createModelStudio({
    baseUrl: provider.url.origin,
    apiKey: { get: async () => apiKey },
    clock: world.clock,
  }) as Pick<ModelStudio, 'report'> as ModelStudio;
  return { ...world, modelStudio, provider };
}
type AdaptedWorld = Awaited<ReturnType<typeof worldWithPredictions>>;

async function submitTo(world: AdaptedWorld, body: object, headers: Record<string, string> = {}) {
  const answer = await flows.submit(
    {
      method: 'POST',
      path: '/v1/jobs',
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(JSON.stringify(body)),
      query: '',
      requestId: 'r1',
    },
    authorized,
    world,
  );
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) };
}

/** Hands each wake-up to its flow when it is due, until there are none. */
async function runToTheEnd(world: AdaptedWorld): Promise<void> {
  for (let next = world.wakeUps.sent.shift(); next; next = world.wakeUps.sent.shift()) {
    world.clock.time += next.delaySeconds * 1000;
    if (next.queue === 'deliver') await flows.deliver(next.message, world);
    else if (next.queue !== 'create') await flows.poll(next.message, false, world);
  }
}

it.each<[model: string, event: object, measured: object]>([
  [
    'acme/haiku',
    {
      type: 'job.completed',
      data: { status: 'completed', results: [{ output: ['Snow,', ' again'] }], error: null },
    },
    { JobsCompleted: 1, Polls: 3 },
  ],
  [
    'acme/odd',
    { type: 'job.completed', data: { results: [{ output: 7 }] } },
    { JobsCompleted: 1, UnknownUpstreamStates: 1 },
  ],
  [
    'acme/fails',
    { type: 'job.failed', data: { results: [{ error: 'Out of memory' }], failed_tasks: 1 } },
    { JobsFailed: 1 },
  ],
  [
    'acme/canceled',
    { type: 'job.failed', data: { error: { code: 'modelstudio_job_cancelled' } } },
    { JobsFailed: 1 },
  ],
])(
  'a job of the second provider is submitted, polled, finished and delivered: %s',
  async (model, event, measured) => {
    const world = await worldWithPredictions();
    const { status, body } = await submitTo(world, valid(model));
    expect([status, body]).toMatchObject([202, { status: 'running', model_id: model, total_tasks: 1 }]);
    await runToTheEnd(world);
    expect(world.provider.creates).toEqual([{ model, input: { prompt: 'snow' } }]);
    expect(world.posted.length).toBe(1);
    expect(JSON.parse(world.posted[0]?.body ?? '')).toMatchObject(event);
    expect(world.jobs.rows.get(body.job_id)?.webhook?.status).toBe('delivered');
    expect(world.metrics).toMatchObject(measured);
  },
);

it.each<[model: string, status: number, code: string, detail: object]>([
  ['acme/busy', 503, 'modelstudio_unavailable', {}],
  ['acme/strict', 400, 'modelstudio_invalid_request', { detail: 'prompt is too long' }],
  ['acme/unheard-of', 404, 'model_not_found', {}],
])('a job that the second provider refuses is not kept: %s', async (model, status, code, detail) => {
  const world = await worldWithPredictions();
  const answer = await submitTo(world, valid(model));
  expect([answer.status, answer.body]).toMatchObject([status, { code, ...detail }]);
  expect(world.jobs.rows.size).toBe(0);
  if (status === 503) expect(answer.headers['retry-after']).toBe('7');
});

it('a wrong key is no fault of the client’s', async () => {
  const answer = await submitTo(await worldWithPredictions('wrong'), valid('acme/haiku'));
  expect([answer.status, answer.body.code]).toEqual([502, 'modelstudio_rejected']);
});

it.each(['acme/broken', 'acme/cut'])(
  'a prediction that may exist is never created again: %s',
  async (model) => {
    const world = await worldWithPredictions();
    const key = { 'idempotency-key': 'k' };
    const first = await submitTo(world, valid(model), key);
    expect([first.status, first.body.code]).toEqual([504, 'submission_unknown']);
    const again = await submitTo(world, valid(model), key);
    expect([again.status, again.body.job_id]).toEqual([202, first.body.job_id]);
    await runToTheEnd(world);
    expect(world.provider.creates.length).toBe(1);
    expect(JSON.parse(world.posted[0]?.body ?? '')).toMatchObject({ type: 'job.failed' });
  },
);

it('an idempotency key finds the same request only', async () => {
  const world = await worldWithPredictions();
  const key = { 'idempotency-key': 'k' };
  const first = await submitTo(world, valid('acme/haiku'), key);
  const same = await submitTo(world, Object.fromEntries(Object.entries(valid('acme/haiku')).reverse()), key);
  expect(same.body.job_id).toBe(first.body.job_id);
  const other = await submitTo(world, { ...valid('acme/haiku'), input: { prompt: 'rain' } }, key);
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
});

it.each<[what: string, body: object, pointers: string[]]>([
  ['nothing', {}, ['/model', '/input']],
  ['a model without an owner', { ...valid('haiku') }, ['/model']],
  [
    'an input of another kind',
    { ...valid('acme/haiku'), input: { prompt: '', seed: 1 } },
    ['/input/prompt', '/input/seed'],
  ],
  [
    'ModelStudio’s fields',
    { ...valid('acme/haiku'), messages: [], temperature: 1 },
    ['/messages', '/temperature'],
  ],
  [
    'what is ours',
    { ...valid('acme/haiku'), webhook_url: 'ftp://x', expires_in: 1 },
    ['/webhook_url', '/expires_in'],
  ],
])(
  'a request to the second provider with a fault is refused with its pointer: %s',
  async (_what, body, pointers) => {
    const world = await worldWithPredictions();
    const answer = await submitTo(world, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    const found = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(found.sort()).toEqual(pointers.sort());
    expect(world.provider.creates).toEqual([]);
  },
);
