import { expect, it } from 'vitest';
import { type LargeJob, NOT_BEGUN, type Plan } from '../../functions/core/parts/parts.ts';
import { merge } from '../../functions/parts/merge.ts';
import { poll } from '../../functions/poll/poll.ts';
import { finishedJob, pollMessage, runningJob } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

it('what ends while the results are merged is in none of their readings', async () => {
  const world = fakeWorld();
  const result = JSON.stringify([{ task_index: 0, status: 'completed', result: 'r', error: null }]);
  const results = await world.documents.save('results/part', result);
  for (const part of [0, 1]) await world.jobs.insert(finishedJob({ jobId: `job_1-0-${part}`, results }));
  const plan: Plan = { parts: [[0], [1]] };
  const rounds = [{ plan: { store: 'table', key: 'plan' } as const, parts: 2 }];
  const parts = { ...NOT_BEGUN, format: 'json', temperature: '0', maxTokens: 1, retries: 0 } as const;
  const limits = { conversations: 1, bytes: 1 };
  const job = { ...runningJob({ jobId: 'job_1' }), parts: { ...parts, limits, rounds, begun: 2, open: [1] } };
  const merged = await merge(job as LargeJob, [plan], world);
  expect(JSON.parse(merged?.json ?? '').map(({ status }: { status: string }) => status)).toEqual([
    'completed',
    'failed',
  ]);
});

it('a part that has ended after its job is erased by whoever comes upon it, should its worker have died', async () => {
  const world = fakeWorld();
  const part = { jobId: 'job_1-0-0', partOf: 'job_1', webhook: null };
  const event = await world.documents.save('events/part', '{}');
  await world.jobs.insert(finishedJob({ ...part, event, results: 'in-event' }));
  await world.jobs.insert(finishedJob({ jobId: 'job_1', status: 'cancelled' }));
  await poll(pollMessage(1, 't', { jobId: part.jobId }), true, world);
  const row = await world.jobs.findRow(part.jobId);
  expect(row).toMatchObject({ status: 'deleted' });
  expect(row).not.toHaveProperty('leftovers');
  await expect(world.documents.load(event)).rejects.toThrow('is gone');
});
