import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { call, submission } from '../blackbox/system.ts';
import { type Operated, startOperated, type TargetName, targets } from './operated.ts';

const patience = { timeout: 30_000, interval: 100 };

let operated: Operated;
beforeAll(async () => {
  operated = await startOperated();
});
afterAll(() => operated?.stop());
beforeEach(() => operated.sandbox.acceptConnections());

async function submit(): Promise<string> {
  const body = submission('sandbox-instant', 'hi');
  const headers = { 'idempotency-key': randomUUID() };
  const { status, json } = await call(operated.system, 'POST', '/v1/jobs', body, headers);
  expect([status, json.status]).toEqual([202, 'queued']);
  return json.job_id;
}

const end = (jobId: string, status: string) =>
  vi.waitFor(async () => {
    const { json } = await call(operated.system, 'GET', `/v1/jobs/${jobId}`);
    expect(json.status).toBe(status);
  }, patience);

const cancel = (jobId: string) =>
  vi.waitFor(async () => {
    const { status } = await call(operated.system, 'POST', `/v1/jobs/${jobId}/cancel`);
    expect(status).toBe(200);
  }, patience);

/** A job that ModelStudio is asked for right now does not wait. */
const seen = (target: TargetName, expected: object) =>
  vi.waitFor(async () => {
    const { code, stdout, stderr } = await operated.on(target, 'queue', 'status');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    const status = Object.fromEntries(lines.map((line) => line.split('\t')));
    expect(status).toMatchObject(expected);
    return status;
  }, patience);

const told = (finding: RegExp) =>
  vi.waitFor(async () => {
    const { stdout } = await operated.on('local', 'doctor');
    const findings = stdout.split(/\n(?=\S)/);
    expect(findings.find((each) => each.includes('Queued jobs'))).toMatch(finding);
  }, patience);

it.each(targets)(
  'status says how many jobs wait, since when, and when they are tried: %s',
  async (target) => {
    await operated.sandbox.refuseConnections();
    const jobIds = [await submit(), await submit()];
    const { oldest, pace, next } = await seen(target, { state: 'draining', waiting: '2' });
    expect(Date.parse(oldest ?? '')).toBeGreaterThan(Date.now() - patience.timeout);
    expect(Number(pace)).toBeGreaterThan(0);
    expect(Date.parse(next ?? '')).not.toBeNaN();
    for (const jobId of jobIds) await cancel(jobId);
    await seen(target, { waiting: '0', oldest: '-' });
  },
);

it('the doctor says why a job waits, and a paused queue lets none through', async () => {
  await operated.sandbox.refuseConnections();
  const jobId = await submit();
  await told(/^✓ Queued jobs +1 wait, the first for \d+ s: ModelStudio has refused/);
  expect(await operated.on('local', 'queue', 'pause')).toMatchObject({ code: 0, stdout: '' });
  await seen('local', { state: 'paused', waiting: '1', next: '-' });
  await told(/^✗ Queued jobs +1 wait, .+paused\n +→ npm run queue -- resume --local --port \d+/);
  expect(await operated.on('local', 'queue', 'resume')).toMatchObject({ code: 0, stdout: '' });
  await operated.sandbox.acceptConnections();
  await end(jobId, 'completed');
  await seen('local', { waiting: '0', oldest: '-' });
});

it('usage, for which no log is kept on this machine, says that it needs a deployment', async () => {
  const stderr = 'The system on this machine keeps no log: usage needs a deployment, see --stack.\n';
  expect(await operated.on('local', 'usage')).toEqual({ code: 1, stdout: '', stderr });
});
