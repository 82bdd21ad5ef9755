import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { placeRows } from './place-rows.ts';
import { type Answer, atMostPerSecond, startQueueUpstream } from './queue-upstream.ts';
import { type Called, call, type LocalSystem, startLocally, submission } from './system.ts';

/** `npm run test:more` waits for a minute with 500 jobs, as an outage does. */
const isLong = process.env['LONG_QUEUE'] === 'yes';
const JOBS = isLong ? 500 : 24;
const OUTAGE_SECONDS = isLong ? 60 : 4;
const patience = { timeout: 300_000, interval: 200 };

let upstream: Awaited<ReturnType<typeof startQueueUpstream>>;
let system: LocalSystem;
let answer: () => Answer;

beforeAll(async () => {
  upstream = await startQueueUpstream(() => answer());
  const settings = { WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,1', ALLOW_RESUBMIT: 'true' };
  system = await startLocally({ ...upstream.env, ...settings });
});
afterAll(async () => {
  await system?.stop();
  upstream?.stop();
});
/** Nobody waits from the test before, nor for these: they come much slower than they are let through. */
beforeEach(async () => {
  answer = taken;
  const isTaken = async () => expect((await post('before')).json.status).toBe('running');
  await vi.waitFor(isTaken, { ...patience, interval: 4000 });
  upstream.creates.length = 0;
}, patience.timeout);
vi.setConfig({ testTimeout: patience.timeout });

const taken = () => ({ status: 200 });
const down = () => ({ status: 503 });
const full = () => ({ status: 400, detail: 'Only three parallel queries per user are allowed.' });

function post(text: string, fields: object = {}, client = 0, headers = {}): Promise<Called> {
  const key = system.client_keys[client];
  const body = { ...submission('m', text), webhook_url: system.webhook_inbox_url, ...fields };
  return call(system, 'POST', '/v1/jobs', body, { authorization: `Bearer ${key}`, ...headers });
}

const read = (jobId: string) => call(system, 'GET', `/v1/jobs/${jobId}`).then(({ json }) => json);

async function end(jobId: string) {
  await vi.waitFor(async () => expect((await read(jobId)).finished_at).not.toBeNull(), patience);
  return read(jobId);
}

/** The ids of the jobs whose webhooks have come. */
async function delivered(): Promise<Set<string>> {
  const { received } = (await (await fetch(system.webhook_inbox_url)).json()) as {
    received: { body: string }[];
  };
  return new Set(received.map(({ body }) => JSON.parse(body).data.job_id));
}

async function requestsStored(): Promise<number> {
  const s3 = new S3Client({ ...clientSettings(system.aws.s3), forcePathStyle: true });
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const list = new ListObjectsV2Command({ Bucket: Buckets[0]?.Name, Prefix: 'requests/' });
  const { KeyCount = 0 } = await s3.send(list);
  s3.destroy();
  return KeyCount;
}

describe('while ModelStudio takes no jobs, they wait, and are then created once each, client by client in turn,', () => {
  const WAYS: [how: string, refuse: () => Answer][] = [
    ['after 503', down],
    ['after 429 with Retry-After', () => ({ status: 429, headers: { 'retry-after': isLong ? '5' : '1' } })],
    ['after 400 with a sentence that names a limit', full],
    ['after refused connections', taken],
  ];
  it.each(isLong ? WAYS : WAYS.slice(0, 1))(
    '%s',
    async (how, refuse) => {
      answer = refuse;
      if (how.includes('connections')) await upstream.close();
      const posted: Called[] = [];
      const healsAt = Date.now() + OUTAGE_SECONDS * 1000;
      for (let i = 0; i < JOBS; i++) {
        posted.push(await post(`${i % 2 ? 'b' : 'a'}${i}`, {}, i % 2));
        const left = healsAt - Date.now();
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, left / (JOBS - i))));
      }
      expect(posted.map(({ status, json }) => `${status} ${json.status}`)).toEqual(
        Array(JOBS).fill('202 queued'),
      );
      if (how.includes('connections')) await upstream.open();
      answer = taken;
      const jobIds = posted.map(({ json }) => json.job_id);
      await vi.waitFor(async () => {
        const done = await delivered();
        expect(jobIds.filter((id) => !done.has(id))).toEqual([]);
      }, patience);
      const made = upstream.creates.filter(({ status }) => status === 200).map(({ text }) => text);
      expect(made.toSorted()).toEqual(posted.map((_, i) => `${i % 2 ? 'b' : 'a'}${i}`).toSorted());
      // Alternating: of the first half, about half is of each.
      const half = made.slice(0, JOBS / 2).filter((text) => text.startsWith('a')).length;
      expect(half).toBeGreaterThan(JOBS / 4 - 3);
      expect(half).toBeLessThan(JOBS / 4 + 3);
      expect(await requestsStored()).toBe(0);
    },
    400_000,
  );
});

it.runIf(isLong)(
  'a limit of creates a second is found, with few refusals',
  async () => {
    answer = atMostPerSecond(5);
    const posted = await Promise.all(Array.from({ length: JOBS }, (_, i) => post(`c${i}`, {}, i % 2)));
    await vi.waitFor(async () => {
      const done = await delivered();
      expect(posted.filter(({ json }) => !done.has(json.job_id))).toEqual([]);
    }, patience);
    const { creates } = upstream;
    const refused = creates.filter(({ status }) => status !== 200).length;
    expect(new Set(creates.filter(({ status }) => status === 200).map(({ text }) => text)).size).toBe(JOBS);
    const seconds = ((creates.at(-1)?.at ?? 0) - (creates[0]?.at ?? 0)) / 1000;
    expect(JOBS / seconds).toBeGreaterThanOrEqual(4);
    expect(refused / creates.length).toBeLessThan(1 / 3);
  },
  400_000,
);

it('a job that may not wait is refused, and one that waits too long is never submitted', async () => {
  answer = down;
  expect((await post('d', { queue_for: 0 })).json.code).toBe('modelstudio_unavailable');
  const { json } = await post('e', { queue_for: 2 });
  expect(await end(json.job_id)).toMatchObject({ status: 'failed', error: { code: 'never_submitted' } });
  await vi.waitFor(async () => expect(await delivered()).toContain(json.job_id), patience);
  // The webhook sets off before the request is deleted.
  await vi.waitFor(async () => expect(await requestsStored()).toBe(0), patience);
});

it('a queued job is found by its key, and once cancelled it is never created', async () => {
  answer = full;
  const key = { 'idempotency-key': `key-${Date.now()}` };
  const { json } = await post('f', {}, 0, key);
  const again = await post('f', {}, 0, key);
  expect([again.status, again.headers.get('idempotency-replayed'), again.json.job_id]).toEqual([
    202,
    'true',
    json.job_id,
  ]);
  const cancelled = await vi.waitFor(async () => {
    const called = await call(system, 'POST', `/v1/jobs/${json.job_id}/cancel`);
    expect(called.status).toBe(200);
    return called;
  }, patience);
  expect(cancelled.json.status).toBe('cancelled');
  answer = taken;
  const { json: next } = await post('g');
  await end(next.job_id);
  expect(upstream.creates.filter(({ text, status }) => text === 'f' && status === 200)).toEqual([]);
});

it('a job may be given to ModelStudio again only if its owner says so', async () => {
  let fails = 2;
  answer = () => ({ status: fails-- > 0 ? 500 : 200 });
  const { json } = await post('h', { on_unknown: 'resubmit' });
  expect(json).toMatchObject({ status: 'queued', submissions: 1 });
  expect(await end(json.job_id)).toMatchObject({ status: 'completed', submissions: 3 });
  expect(upstream.creates.filter(({ text }) => text === 'h').length).toBe(3);
  fails = 1;
  // Whether it was asked at once or after the one before.
  const { json: unasked } = await post('i');
  expect(await end(unasked.job_id)).toMatchObject({ error: { code: 'submission_unknown' } });
  expect(upstream.creates.filter(({ text }) => text === 'i').length).toBe(1);
  // Without a bound on the jobs at once, there are no places.
  expect(await placeRows(system)).toEqual([]);
});
