import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ReceivedWebhook } from '../../../tools/local/inbox.ts';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { call, type LocalSystem, startLocally, submission, upstreamEnv } from '../blackbox/system.ts';
import { type Description, faultIn, type Operation, readDescription } from './description.ts';
import { Explorer } from './explorer.ts';
import { instancesOf, type Likely } from './instances.ts';
import type { Caller } from './requests.ts';

const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
/** The quick ones end before a test does, the last only if it is cancelled. */
const WELL_BEHAVED = ['instant', 'task-errors', 'fails', 'vision', 'batch', 'never', 'never'];
const UPLOADS = 6;
/** `npm run test:more` has many. */
const SEQUENCES = process.env['MANY_REQUESTS'] === 'yes' ? { well: 300, other: 30 } : { well: 30, other: 5 };
const patience = { timeout: 20_000, interval: 100 };

let sandbox: Sandbox;
let system: LocalSystem;
let description: Description;
let explorer: Explorer;

beforeAll(async () => {
  sandbox = await startSandbox();
  system = await startLocally({ ...upstreamEnv(sandbox), WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,1' });
  const document = await call(system, 'GET', '/v1/openapi.json');
  description = readDescription(document.json);
  const inbox = system.webhook_inbox_url;
  const jobIds = await Promise.all([
    finished(submission('sandbox-instant', 'a'), inbox),
    finished(submission('sandbox-instant', 'repeat:300000'), inbox),
    finished(submission('sandbox-task-errors', 'repeat:300000', 'b'), `${inbox}/nowhere`),
    finished(submission('sandbox-fails', 'a'), inbox),
    finished(submission('sandbox-instant', 'b')),
  ]);
  const upload = { bytes: 1, format: 'json' };
  const begun = await Promise.all(
    Array.from({ length: UPLOADS }, () => call(system, 'POST', '/v1/uploads', upload)),
  );
  const { json: page } = await call(system, 'GET', '/v1/jobs?limit=1');
  explorer = new Explorer({
    origin: system.api_url,
    description,
    callers: callers(),
    jobIds,
    uploadIds: begun.map(({ json }) => json.upload_id),
    cursors: [page.next_cursor],
    webhookUrls: [inbox, `${inbox}/nowhere`],
  });
});

afterAll(async () => {
  await Promise.all([system?.stop(), sandbox?.close()]);
  console.info(`seed ${seed}: ${explorer?.requests} requests, ${JSON.stringify(explorer?.census)}`);
});

function callers(): Caller[] {
  const [first, second] = system.client_keys;
  const all = ['jobs:read', 'jobs:write'];
  const table: [name: string, authorization: string | null, scopes: string[] | null, weight: number][] = [
    ['first', `Bearer ${first}`, all, 45],
    ['second', `Bearer ${second}`, all, 3],
    ['read-only', `Bearer ${system.read_only_key}`, ['jobs:read'], 3],
    ['revoked', `Bearer ${system.revoked_key}`, null, 1],
    ['unknown', `Bearer ${first.slice(0, -1)}`, null, 1],
    ['basic', `Basic ${btoa(`${first}:`)}`, null, 1],
    ['bare', first, null, 1],
    ['nobody', null, null, 1],
  ];
  return table.map(([name, authorization, scopes, weight]) => ({ name, authorization, scopes, weight }));
}

async function finished(body: object, webhook_url?: string): Promise<string> {
  const { status, json } = await call(system, 'POST', '/v1/jobs', { ...body, webhook_url });
  expect(status, JSON.stringify(json)).toBe(202);
  await vi.waitFor(async () => {
    const job = await call(system, 'GET', `/v1/jobs/${json.job_id}`);
    expect(job.json.finished_at).not.toBeNull();
  }, patience);
  return json.job_id;
}

function likely(models: string[]): Likely {
  const inbox = system.webhook_inbox_url;
  return {
    model_id: fc.constantFrom(...models.map((model) => `sandbox-${model}`)),
    webhook_url: fc.constantFrom(inbox, `${inbox}/nowhere`),
    queue_for: fc.constantFrom(0, 60, null),
    on_unknown: fc.constant('fail'),
    destination: fc.constant(null),
    messages_from: fc.constant(undefined),
    task_retries: fc.constant(0),
    url: fc.constantFrom('data:image/png;base64,iVBORw0KGgo=', 'https://images.example.com/a.png'),
    job_id: fc.oneof(fc.constant(0), fc.nat({ max: 7 }), fc.nat({ max: 7 })).map((n) => `{job:${n}}`),
    upload_id: fc.nat({ max: UPLOADS - 1 }).map((n) => `{upload:${n}}`),
    cursor: fc.nat({ max: 3 }).map((n) => `{cursor:${n}}`),
    'Idempotency-Key': fc.nat({ max: 1 }).map((n) => `{run}-${n}`),
  };
}

const isMet = (status: number) => Object.values(explorer.census).some((met) => met[status]);
const isAllowed = ({ id }: Operation) =>
  [200, 201, 202, 204, 307, 409].some((status) => explorer.census[id]?.[status]);
const isCreate = ({ id }: Operation) => id === 'submit';
const moods = [
  { mood: 'is well', models: WELL_BEHAVED, failures: [], sequences: SEQUENCES.well },
  { mood: 'falters', models: ['flaky'], failures: [503, 504], of: isCreate, sequences: SEQUENCES.other },
  {
    mood: 'refuses our key',
    models: WELL_BEHAVED,
    failures: [502],
    of: isCreate,
    sequences: SEQUENCES.other,
    begin: () => {
      sandbox.apiKey = 'another';
    },
    end: () => {
      sandbox.apiKey = system.modelstudio.api_key;
    },
  },
  {
    mood: 'cannot be reached',
    models: WELL_BEHAVED,
    failures: [503],
    of: isCreate,
    sequences: SEQUENCES.other,
    begin: () => sandbox.refuseConnections(),
    end: () => sandbox.acceptConnections(),
  },
];

describe(`the document describes every answer (SEED=${seed})`, () => {
  it.each(moods)('while ModelStudio $mood', { timeout: 120_000 }, async (mood) => {
    const { models, failures, sequences, of = () => true, begin, end } = mood;
    await begin?.();
    try {
      const operations = description.operations.filter(of);
      const explore = (from: number) =>
        explorer.explore({ seed: from, sequences, failures, operations, likely: likely(models) });
      // Chance may leave one out.
      const isDone = () => failures.every(isMet) && operations.every(isAllowed);
      for (let next = seed; next === seed || !isDone(); next++) await explore(next);
    } finally {
      await end?.();
    }
  });

  it('after every operation has been allowed, and refused in every common way', () => {
    const { operations } = description;
    expect(operations.filter((each) => !isAllowed(each)).map(({ id }) => id)).toEqual([]);
    const refusals = [400, 401, 403, 404, 405, 409, 415, 502, 503, 504];
    expect(refusals.filter((status) => !isMet(status))).toEqual([]);
  });

  it('and every webhook', async () => {
    const { parameters, content } = description.webhook;
    const { received } = (await (await fetch(system.webhook_inbox_url)).json()) as {
      received: ReceivedWebhook[];
    };
    expect(new Set(received.map(({ body }) => JSON.parse(body).type))).toContain('job.failed');
    for (const { headers, body, verified } of received) {
      const { schema } = content[String(headers['content-type'])] ?? {};
      expect(schema && faultIn(JSON.parse(body), schema), body).toBeNull();
      for (const parameter of parameters) {
        expect(faultIn(headers[parameter.name], parameter.schema), parameter.name).toBeNull();
      }
      expect(verified, body).toBe(true);
    }
  });
});

it('every schema of the document has been seen in an answer', () => {
  for (const schema of Object.values(description.schemas)) {
    const property = fc.property(instancesOf(schema), (instance) => {
      expect(faultIn(instance, schema)).toBeNull();
    });
    fc.assert(property, { seed, numRuns: 30 });
  }
});
