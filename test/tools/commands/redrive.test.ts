import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliverMessage } from '../../../functions/core/messages.ts';
import { call, submission } from '../blackbox/system.ts';
import { type Operated, startOperated, targets } from './operated.ts';

const patience = { timeout: 20_000, interval: 50 };
const VISIBILITY_SECONDS = 180;

let operated: Operated;
beforeAll(async () => {
  operated = await startOperated();
});
afterAll(() => operated?.stop());
beforeEach(() => operated.operator.queue.poll.purge());

const deliverMessage = (jobId: string): DeliverMessage => ({
  jobId,
  wakeUp: { seq: 1, token: 'stale', dueAt: 0 },
  attempts: 0,
});

async function finishedJob(): Promise<string> {
  const { json } = await call(operated.system, 'POST', '/v1/jobs', submission('sandbox-instant', 'hi'));
  await vi.waitFor(async () => {
    const job = await call(operated.system, 'GET', `/v1/jobs/${json.job_id}`);
    expect(job.json.status).toBe('completed');
  }, patience);
  return json.job_id;
}

describe.each(targets)('%s', (target) => {
  const redrive = (...args: string[]) => operated.on(target, 'redrive', ...args);

  it('there is nothing to do without dead letters', async () => {
    const stdout = 'poll\t0\t0\ncollect\t0\t0\ndeliver\t0\t0\ncreate\t0\t0\n';
    expect(await redrive()).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('an unreadable message gets another round of receives', async () => {
    const { operator } = operated;
    await operated.putDeadLetter('Poll', { poison: true });
    const ran = await redrive();
    expect(ran).toMatchObject({
      code: 0,
      stdout: 'poll\t1\t0\ncollect\t0\t0\ndeliver\t0\t0\ncreate\t0\t0\n',
    });
    expect(ran.stderr).toMatch(/^poll: 1 of 1 sent back$/m);
    expect([await operator.queue.poll.count(), await operator.deadLetters()]).toEqual([1, 0]);
  });

  it('a redriven message whose work is done changes nothing', async () => {
    const { operator, system } = operated;
    const jobId = await finishedJob();
    const before = await call(system, 'GET', `/v1/jobs/${jobId}`);
    await operated.putDeadLetter('Deliver', deliverMessage(jobId));

    expect((await redrive()).stdout).toBe('poll\t0\t0\ncollect\t0\t0\ndeliver\t1\t0\ncreate\t0\t0\n');
    await vi.waitFor(async () => expect(await operator.queue.deliver.count()).toBe(0), patience);
    expect((await call(system, 'GET', `/v1/jobs/${jobId}`)).json).toEqual(before.json);
  });

  it('--queue leaves the other queues alone', async () => {
    await operated.putDeadLetter('Poll', { poison: true });
    await operated.putDeadLetter('Deliver', deliverMessage('job_unknown'));
    expect((await redrive('--queue', 'deliver')).stdout).toBe('deliver\t1\t0\n');
    expect((await redrive('--queue', 'poll')).stdout).toBe('poll\t1\t0\n');
  });
});

it('a message that is moved by hand is in a queue at every moment', async () => {
  const { operator, aws } = operated;
  aws.account.sqsRefuses = { ListMessageMoveTasks: 'InvalidAction', DeleteMessage: 'AccessDenied' };
  await operator.queue.poll.hideFor(VISIBILITY_SECONDS);
  await operated.putDeadLetter('Poll', { poison: true });
  const ran = await operated.on('deployed', 'redrive', '--queue', 'poll');
  expect(ran).toMatchObject({ code: 1, stderr: 'AccessDenied: Refused.\n' });
  expect([await operator.queue.poll.count(), await operator.deadLetters()]).toEqual([1, 1]);
});
