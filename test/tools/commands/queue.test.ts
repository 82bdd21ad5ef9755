import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, submission } from '../blackbox/system.ts';
import { type Operated, startOperated, targets } from './operated.ts';

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

describe.each(targets)('%s', (target) => {
  const queue = (verb: string) => operated.on(target, 'queue', verb);
  const status = async () => {
    const { code, stdout, stderr } = await queue('status');
    expect([code, stderr]).toEqual([0, '']);
    return Object.fromEntries(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    );
  };
  const doctor = async () => {
    const { stdout } = await operated.on(target, 'doctor');
    return stdout.split(/\n(?=\S)/).find((finding) => finding.includes('Queued jobs'));
  };

  it('status and the doctor say how many jobs wait, since when and why', async () => {
    await operated.sandbox.refuseConnections();
    const jobIds = [await submit(), await submit()];
    const { oldest, pace, next, ...rest } = await status();
    expect(rest).toEqual({ state: 'draining', waiting: '2' });
    expect(Date.parse(oldest ?? '')).toBeGreaterThan(Date.now() - patience.timeout);
    expect(Number(pace)).toBeGreaterThan(0);
    expect(Date.parse(next ?? '')).not.toBeNaN();
    expect(await doctor()).toMatch(/^✓ Queued jobs +2 wait, the first for \d+ s: ModelStudio has refused/);
    for (const jobId of jobIds) await call(operated.system, 'POST', `/v1/jobs/${jobId}/cancel`);
    expect(await status()).toMatchObject({ waiting: '0', oldest: '-' });
  });

  it('a paused queue lets no job through, and the doctor says so', async () => {
    await operated.sandbox.refuseConnections();
    const jobId = await submit();
    expect(await queue('pause')).toMatchObject({ code: 0, stdout: '' });
    expect(await status()).toMatchObject({ state: 'paused', waiting: '1', next: '-' });
    expect(await doctor()).toMatch(/^✗ Queued jobs +1 wait, .+paused\n +→ npm run queue -- resume/);
    expect(await queue('resume')).toMatchObject({ code: 0, stdout: '' });
    expect(await status()).toMatchObject({ state: 'draining' });
    await operated.sandbox.acceptConnections();
    await end(jobId, 'completed');
  });
});

it('a system in which nothing waits says so', async () => {
  await vi.waitFor(async () => {
    const { stdout } = await operated.on('local', 'queue', 'status');
    expect(stdout).toMatch(/waiting\t0\noldest\t-\n/);
  }, patience);
});
