import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../tools/local/sandbox/dialects.ts';
import { patience } from './patience.ts';
import { sandboxUpstream } from './sandbox-upstream.ts';
import { type Said, scripted, timedWorld } from './timed-world.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('a job of three conversations ends as it should when ModelStudio says', () => {
  it.each(patience)('$what', async ({ script, expiresIn = DAY, ...comesTo }) => {
    const world = timedWorld(scripted(script));
    await world.submitJob(3, expiresIn);
    await world.runUntil(expiresIn + HOUR);
    const { job, data, endedAfterSeconds } = world.only();
    expect([job.status, data.error?.code ?? null]).toEqual([comesTo.status, comesTo.code ?? null]);
    expect(data.error?.message ?? '').toMatch(comesTo.says ?? /^/);
    const [from, to] = comesTo.ends;
    expect(endedAfterSeconds).toBeGreaterThanOrEqual(from);
    expect(endedAfterSeconds).toBeLessThanOrEqual(to);
    if (comesTo.failedTasks !== undefined) expect(data.failed_tasks).toBe(comesTo.failedTasks);
    if (job.status === 'completed') expect(data.results).toHaveLength(3);
    if (comesTo.results) {
      expect(texts(data.results)).toEqual(comesTo.results.map((part) => expect.stringContaining(part)));
    }
    if (comesTo.pollsMax !== undefined) expect(world.polls()).toBeLessThanOrEqual(comesTo.pollsMax);
  });
});

const running: Said = { body: { job_status: 'RUNNING', total_tasks: 1, completed_tasks: 0, results: [] } };
const ended: Said = {
  body: { job_status: 'FINISHED', results: [{ task_index: 0, status: 'completed', result: 'Paris' }] },
};
const outages: [what: string, said: Said, seconds: number][] = [
  [
    'an ingress that answers 404 in text for ten minutes',
    { status: 404, body: 'default backend - 404' },
    600,
  ],
  ['a maintenance page for an hour', { body: '<!doctype html><title>Maintenance</title>' }, HOUR],
];

it.each(outages)('a hundred running jobs outlive %s, and the alarm rings', async (_what, said, seconds) => {
  const world = timedWorld(scripted((now) => (now < 60 ? running : now < 60 + seconds ? said : ended)));
  for (let count = 0; count < 100; count++) await world.submitJob(1, DAY);
  await world.runUntil(60);
  const before = world.polls();
  await world.runUntil(60 + seconds - 1);
  expect(world.jobs().map(({ status }) => status)).toEqual(Array(100).fill('running'));
  const during = world.polls() - before;
  expect((world.shareOfTrouble() * world.polls()) / during).toBeGreaterThanOrEqual(0.5);
  await world.runUntil(DAY);
  const statuses = world.told().map(({ job, data }) => [job.status, data.failed_tasks]);
  expect(statuses).toEqual(Array(100).fill(['completed', 0]));
});

const replies = ['prompt 0', 'prompt 1', 'prompt 2'];
const models: [model: string, status: string, code: string | null, results: string[] | null][] = [
  ['sandbox-instant', 'completed', null, replies],
  ['sandbox-batch', 'completed', null, replies],
  ['sandbox-task-errors', 'completed', null, ['prompt 0', '', 'prompt 2']],
  ['sandbox-fails', 'failed', 'modelstudio_job_failed', null],
  ['canceled', 'failed', 'modelstudio_job_cancelled', null],
];

describe.each(Object.keys(DIALECTS))('a sandbox that speaks %s', (dialect) => {
  it.each(models)('ends a job of %s as it should: %s', async (model, status, code, results) => {
    const world = timedWorld(sandboxUpstream(dialect));
    await world.submitJob(3, DAY, model);
    await world.runUntil(HOUR);
    const { job, data } = world.only();
    expect([job.status, data.error?.code ?? null]).toEqual([status, code]);
    if (results === null) return;
    expect(data.failed_tasks).toBe(results.filter((reply) => reply === '').length);
    expect(texts(data.results)).toEqual(results.map((part) => expect.stringContaining(part)));
  });
});

function texts(results: unknown): string[] {
  return (results as unknown[]).map((result) => JSON.stringify(result));
}
