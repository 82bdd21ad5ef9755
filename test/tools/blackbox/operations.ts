import { expect, vi } from 'vitest';
import { jobOf, patience, type Scene } from './scene.ts';
import { type Called, call } from './system.ts';

export const cancel = ({ system }: Scene, jobId: string) => call(system, 'POST', `/v1/jobs/${jobId}/cancel`);
export const redeliver = ({ system }: Scene, jobId: string, body?: object) =>
  call(system, 'POST', `/v1/jobs/${jobId}/redeliver`, body);
export const deliveriesOf = async ({ system }: Scene, jobId: string) =>
  (await call(system, 'GET', `/v1/jobs/${jobId}/deliveries`)).json.deliveries;
/** The status of an answer, and its code or the status of the job in it. */
export const outcomeOf = ({ status, json }: Called) => [status, json.code ?? json.status];

export async function webhookIs(scene: Scene, jobId: string, status: string) {
  return vi.waitFor(async () => {
    const job = await jobOf(scene, jobId);
    expect(job.webhook.status).toBe(status);
    return job;
  }, patience);
}

/** Waits until no message is left, so that nothing more will happen. */
export async function quiet({ operator }: Scene): Promise<void> {
  await vi.waitFor(async () => {
    const counts = await Promise.all([operator.queue.poll.count(), operator.queue.deliver.count()]);
    expect(counts).toEqual([0, 0]);
  }, patience);
}
