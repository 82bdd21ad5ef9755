import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, type End, isRefusal, type Refusal } from './dialects/case.ts';
import { creations } from './dialects/creations.ts';
import { API_KEY, refusals } from './dialects/refusals.ts';
import { results } from './dialects/results.ts';
import { type Scripted, startScripted } from './dialects/scripted.ts';
import { words } from './dialects/words.ts';
import { type Called, call, type LocalSystem, startLocally, submission } from './system.ts';

/** All have ended within seconds, unless the machine is busy. */
const PATIENCE_MILLIS = 120_000;
const SUBMITTED_AT_ONCE = 16;

const all = [...refusals, ...creations, ...words, ...results];
const cases = new Map(all.map((each, index) => [`case-${index}`, each]));
const submitted = new Map<string, Called>();
/** The jobs that have ended, and the text of their results. */
const jobs = new Map<string, { job: Called['json']; results: string }>();
let upstream: Scripted;
let system: LocalSystem;

beforeAll(async () => {
  upstream = await startScripted(cases);
  system = await startLocally({
    // As the public client of this API writes it.
    MODELSTUDIO_BASE_URL: `${upstream.baseUrl}/api/v1`,
    MODELSTUDIO_ORGANIZATION_ID: 'org_test',
    MODELSTUDIO_API_KEY: API_KEY,
  });
  await submitAll();
  await watchUntilEnded();
}, 240_000);

afterAll(async () => {
  await system?.stop();
  upstream?.close();
});

async function submitAll(): Promise<void> {
  const waiting = cases.entries();
  const submitter = async () => {
    for (const [name, { conversations = 1 }] of waiting) {
      const prompts = Array.from({ length: conversations }, (_, index) => `PROMPT ${index}`);
      const headers = { 'idempotency-key': name };
      const body = { ...submission(name, ...prompts), queue_for: 0 };
      submitted.set(name, await call(system, 'POST', '/v1/jobs', body, headers));
    }
  };
  await Promise.all(Array.from({ length: SUBMITTED_AT_ONCE }, submitter));
}

async function watchUntilEnded(): Promise<void> {
  const until = Date.now() + PATIENCE_MILLIS;
  const open = new Map([...submitted].filter(([, { status }]) => status === 202));
  while (open.size > 0 && Date.now() < until) {
    await sleep(500);
    const running = new Set((await list('?status=running')).map(({ job_id }) => job_id));
    for (const [name, { json }] of open) {
      if (running.has(json.job_id)) continue;
      open.delete(name);
      jobs.set(name, await read(json.job_id));
    }
  }
}

async function read(jobId: string) {
  const { json: job } = await call(system, 'GET', `/v1/jobs/${jobId}`);
  const headers = { authorization: `Bearer ${system.client_keys[0]}` };
  const text = job.results_url ?? `${system.api_url}/v1/jobs/${jobId}/results`;
  const results = await fetch(text, { headers, redirect: 'manual' });
  const link = results.headers.get('location');
  return { job, results: await (link === null ? results : await fetch(link)).text() };
}

async function list(query: string): Promise<Called['json'][]> {
  const found = [];
  for (let cursor = ''; ; ) {
    const { json } = await call(system, 'GET', `/v1/jobs${query}&limit=100${cursor}`);
    found.push(...json.jobs);
    if (json.next_cursor === null) return found;
    cursor = `&cursor=${json.next_cursor}`;
  }
}

it('there are enough dialects to test', () => {
  expect(all.length).toBeGreaterThan(150);
  expect(new Set(all.map(({ what }) => what)).size).toBe(all.length);
});

describe('no job runs when', () => {
  it.each(named(isRefusal))('$what', ({ name, comesTo }) => {
    const { status, code, says = '', hides, creates = 1 } = comesTo as Refusal;
    const { status: answered, json } = submitted.get(name) as Called;
    expect([answered, json.code, json.detail]).toEqual([status, code, expect.stringContaining(says)]);
    if (hides !== undefined) expect(JSON.stringify(json)).not.toContain(hides);
    expect(JSON.stringify(json)).not.toContain(API_KEY);
    expect(json.detail.length).toBeLessThanOrEqual(600);
    expect(upstream.creates(name)).toBe(creates);
  });
});

describe('a job runs to its end when', () => {
  it.each(named((comesTo) => !isRefusal(comesTo)))('$what', ({ name, conversations = 1, comesTo }) => {
    const { end, code, says = '', failedTasks, results: expected, verbatim } = comesTo as End;
    expect(submitted.get(name)).toMatchObject({ status: 202 });
    expect(jobs.has(name), 'has not ended').toBe(true);
    const { job, results: text } = jobs.get(name) as NonNullable<ReturnType<typeof jobs.get>>;
    expect(job).toMatchObject({
      status: end,
      error: code === undefined ? null : { code, message: expect.stringContaining(says) },
      ...(failedTasks !== undefined && { failed_tasks: failedTasks }),
      ...(end === 'completed' && { total_tasks: conversations, completed_tasks: conversations }),
    });
    expect(upstream.creates(name)).toBe(1);
    if (end !== 'completed') return;
    const entries = (JSON.parse(text) as unknown[]).map((entry) => JSON.stringify(entry));
    expect(entries).toHaveLength(conversations);
    if (expected) expect(entries).toEqual(expected.map((part) => expect.stringContaining(part)));
    if (verbatim !== undefined) expect(text).toContain(verbatim);
  });
});

it('every call has a user agent and asks for no encoding', () => {
  const [caller = '', ...others] = upstream.callers;
  expect(caller).toMatch(/^modelstudio-jobs\/\d+\.\d+\.\d+, identity$/);
  expect(others).toEqual([]);
});

it('a job that was refused is not kept, and one that may have been created is', async () => {
  const kept = new Set((await list('?created_after=2000-01-01T00:00:00Z')).map(({ model_id }) => model_id));
  const isKept = (comesTo: Case['comesTo']) => !isRefusal(comesTo) || comesTo.code === 'submission_unknown';
  const expected = [...cases].filter(([, { comesTo }]) => isKept(comesTo)).map(([name]) => name);
  expect([...kept].sort()).toEqual(expected.sort());
});

function named(isWanted: (comesTo: Case['comesTo']) => boolean) {
  return [...cases].filter(([, { comesTo }]) => isWanted(comesTo)).map(([name, each]) => ({ name, ...each }));
}
