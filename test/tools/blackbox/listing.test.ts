import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { heldModel } from './scene.ts';
import { call, type LocalSystem, startLocally, submission, upstreamEnv } from './system.ts';

interface Listed {
  job_id: string;
  status: string;
  created_at: string;
  results: null;
}

/** `npm run test:more` has more. */
const JOBS = process.env['LONG_LIST'] ? 1000 : 130;
const HELD_JOBS = 20;
const SUBMITTERS = 8;
const patience = { timeout: 600_000, interval: 200 };

const heldUp = heldModel();
let sandbox: Sandbox;
let system: LocalSystem;

beforeAll(async () => {
  sandbox = await startSandbox({ models: { held: heldUp.model } });
  system = await startLocally(upstreamEnv(sandbox));
});

afterAll(async () => {
  await Promise.all([system?.stop(), sandbox?.close()]);
});

const asOther = () => ({ authorization: `Bearer ${system.client_keys[1]}` });

async function submit(model: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, json } = await call(system, 'POST', '/v1/jobs', submission(model, 'hi'), headers);
  expect(status, JSON.stringify(json)).toBe(202);
  return json.job_id;
}

/** Submits with many at once for as long as more are wanted. */
async function submitWhile(areMoreWanted: () => boolean, take: (jobId: string) => void): Promise<void> {
  const submitter = async () => {
    while (areMoreWanted()) take(await submit('sandbox-instant'));
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
}

async function page(query: Record<string, string>, headers: Record<string, string> = {}) {
  const path = `/v1/jobs?${new URLSearchParams(query)}`;
  const { status, json } = await call(system, 'GET', path, undefined, headers);
  expect(status, `${path} ${JSON.stringify(json)}`).toBe(200);
  return json as { jobs: Listed[]; next_cursor: string | null };
}

/** Follows the cursors to the end, with the limits in turn. */
async function walk(
  limits: number[],
  query: Record<string, string> = {},
  headers = {},
  onPage: (jobs: Listed[]) => void = () => undefined,
): Promise<Listed[]> {
  const all: Listed[] = [];
  let cursor: string | null = null;
  for (let turn = 0; turn === 0 || cursor !== null; turn++) {
    const limit = limits[turn % limits.length] ?? 0;
    const { jobs, next_cursor }: Awaited<ReturnType<typeof page>> = await page(
      { ...query, limit: String(limit), ...(cursor && { cursor }) },
      headers,
    );
    expect(jobs.length).toBeLessThanOrEqual(limit);
    onPage(jobs);
    all.push(...jobs);
    cursor = next_cursor;
  }
  return all;
}

/** Without what goes on while a job runs. */
const settled = (jobs: Listed[]) =>
  jobs.map(({ job_id, status, created_at }) => ({ job_id, status, created_at }));
const idsOf = (jobs: Listed[]) => jobs.map(({ job_id }) => job_id);
const missing = (wanted: string[], found: string[]) => wanted.filter((id) => !new Set(found).has(id));

function expectNewestFirst(jobs: Listed[]): void {
  const times = jobs.map(({ created_at }) => created_at);
  expect(times).toEqual(times.toSorted().reverse());
  expect(new Set(idsOf(jobs)).size, 'no job comes twice').toBe(jobs.length);
}

async function allFinished(): Promise<void> {
  for (const status of ['submitting', 'running']) {
    await vi.waitFor(async () => expect(await walk([100], { status })).toEqual([]), patience);
  }
}

it(`${JOBS} jobs are listed without a gap or a repeat while more come in and others finish`, {
  timeout: 600_000,
}, async () => {
  const before: string[] = [];
  let begun = HELD_JOBS;
  await submitWhile(
    () => begun++ < JOBS,
    (jobId) => before.push(jobId),
  );
  const held = await Promise.all(Array.from({ length: HELD_JOBS }, () => submit('held')));
  before.push(...held);
  // They finish once one of them has been listed as it runs.
  const release = (jobs: Listed[]) => {
    heldUp.isReleased ||= idsOf(jobs).some((jobId) => held.includes(jobId));
  };
  const during: string[] = [];
  let isWalking = true;
  const submitting = submitWhile(
    () => isWalking,
    (jobId) => during.push(jobId),
  );
  const ways = [[100], [37], [100, 1, 64, 2]].map((limits) => walk(limits, {}, {}, release));
  const walks = await Promise.all(ways).finally(() => {
    isWalking = false;
  });
  await submitting;
  for (const jobs of walks) {
    expectNewestFirst(jobs);
    expect(missing(before, idsOf(jobs))).toEqual([]);
    expect(missing(idsOf(jobs), [...before, ...during])).toEqual([]);
    for (const { results } of jobs) expect(results).toBeNull();
  }
  expect(during.length).toBeGreaterThan(0);
  expect(heldUp.isReleased).toBe(true);

  await allFinished();
  const jobs = await walk([100], { status: 'completed' });
  expectNewestFirst(jobs);
  expect(new Set(idsOf(jobs))).toEqual(new Set([...before, ...during]));
});

describe('a list', () => {
  beforeAll(async () => {
    const models = ['sandbox-instant', 'sandbox-instant', 'sandbox-fails', 'sandbox-never', 'sandbox-never'];
    const jobIds = await Promise.all(models.map((model) => submit(model)));
    await call(system, 'POST', `/v1/jobs/${jobIds.at(-1)}/cancel`);
    await vi.waitFor(async () => {
      expect((await walk([100], { status: 'running' })).length).toBe(1);
    }, patience);
  });

  it('has the jobs of one status', async () => {
    const all = settled(await walk([100]));
    expect(new Set(all.map(({ status }) => status)).size).toBe(4);
    for (const status of ['submitting', 'running', 'completed', 'failed', 'cancelled', 'expired']) {
      expect(settled(await walk([50], { status }))).toEqual(all.filter((job) => job.status === status));
    }
  });

  it('has the jobs created strictly between two moments', async () => {
    const all = settled(await walk([100]));
    const createdAt = (share: number) => all[Math.floor(all.length * share)]?.created_at ?? '';
    const [late, early] = [createdAt(1 / 4), createdAt(3 / 4)];
    const tokyo = `${new Date(Date.parse(early) + 9 * 3600_000).toISOString().slice(0, -1)}+09:00`;
    type Range = [query: Record<string, string>, holds: (job: (typeof all)[number]) => boolean];
    const ranges: Range[] = [
      [{ created_after: late }, (job) => job.created_at > late],
      [{ created_before: tokyo }, (job) => job.created_at < early],
      [
        { created_after: early, created_before: late },
        (job) => job.created_at > early && job.created_at < late,
      ],
      [
        { created_after: early, status: 'failed' },
        (job) => job.created_at > early && job.status === 'failed',
      ],
      [{ created_after: late, created_before: early }, () => false],
    ];
    for (const [query, holds] of ranges) expect(settled(await walk([99], query))).toEqual(all.filter(holds));
  });

  it('is as long as was asked for, and 20 jobs long by default', async () => {
    const all = idsOf(await walk([100]));
    expect(idsOf((await page({})).jobs)).toEqual(all.slice(0, 20));
    expect(idsOf((await page({ cursor: '' })).jobs)).toEqual(all.slice(0, 20));
    for (const limit of [1, 2, 99, 100]) {
      expect(idsOf((await page({ limit: String(limit) })).jobs)).toEqual(all.slice(0, limit));
    }
  });

  it("has no other client's jobs, whatever its cursor", async () => {
    const theirs = await Promise.all(Array.from({ length: 3 }, () => submit('sandbox-never', asOther())));
    const { jobs, next_cursor } = await page({ limit: '1' });
    expect(missing(theirs, idsOf(await walk([100])))).toEqual(theirs);
    expect(new Set(idsOf(await walk([2], {}, asOther())))).toEqual(new Set(theirs));
    expect(idsOf(jobs)).toHaveLength(1);
    for (const cursor of [
      next_cursor ?? '',
      `9999999999999_${theirs[0]}`,
      `0000000000000_${jobs[0]?.job_id}`,
    ]) {
      expect(missing(idsOf((await page({ cursor }, asOther())).jobs), theirs)).toEqual([]);
      expect(missing(theirs, idsOf((await page({ cursor })).jobs))).toEqual(theirs);
    }
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['status=done', 'status'],
    ['status=Running', 'status'],
    ['status=running,failed', 'status'],
    ['created_after=yesterday', 'created_after'],
    ['created_after=2026-01-31', 'created_after'],
    ['created_after=2026-02-30T00:00:00Z', 'created_after'],
    ['created_before=1767225600', 'created_before'],
    ['created_before=2026-01-31T12:00:00', 'created_before'],
    ['cursor=1', 'cursor'],
    ['cursor=%00', 'cursor'],
    ['cursor=1767225600000_job_x%20or%201%3D1', 'cursor'],
    ['sort=oldest', 'sort'],
    ['Limit=1', 'Limit'],
    ['status[]=running', 'status\\[\\]'],
    ['__proto__=1', '__proto__'],
  ])('refuses ?%s and names %s', async (query, name) => {
    const { status, json } = await call(system, 'GET', `/v1/jobs?${query}`);
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    expect(json.errors).toEqual([{ pointer: '', message: expect.stringMatching(new RegExp(`\\b${name}`)) }]);
  });

  it('refuses all faults of a query at once', async () => {
    const { status, json } = await call(
      system,
      'GET',
      '/v1/jobs?limit=x&status=x&cursor=x&created_after=x&x=x',
    );
    expect([status, json.errors.length]).toEqual([400, 5]);
  });
});
