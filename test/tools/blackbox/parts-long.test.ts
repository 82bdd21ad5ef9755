import { describe, expect, it, vi } from 'vitest';
import { startPartsUpstream } from './parts-upstream.ts';
import { heldModel, jobOf, openBox, patience } from './scene.ts';
import { call, startLocally, submission } from './system.ts';

/** `npm run test:more` waits for it: each has a system of its own. */
const isLong = process.env['LONG_PARTS'] === 'yes';
const texts = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);

describe.runIf(isLong)('a large job', { timeout: 240_000 }, () => {
  it('ends once, with each part created once, although its worker is killed again and again', async (context) => {
    const held = heldModel();
    held.isReleased = true;
    const env = { CONVERSATIONS_PER_CREATE: '10', PARTS_AT_ONCE: '5' };
    const scene = await openBox(context, { models: { held: held.model }, env });
    await scene.operator.queue.collect.hideFor(4);
    const collector = scene.functionNamed(/^PollCollector/);
    let kills = 0;
    const killing = setInterval(() => {
      if (kills < 12) kills += collector.kill();
    }, 700);
    context.onTestFinished(() => clearInterval(killing));
    const body = { ...submission('held', ...texts('text', 300)), webhook_url: scene.receiver.url };
    const { json } = await call(scene.system, 'POST', '/v1/jobs', body);
    const job = await vi.waitFor(async () => {
      const now = await jobOf(scene, json.job_id);
      expect(now.webhook.status).toBe('delivered');
      return now;
    }, patience);
    expect(kills).toBeGreaterThan(3);
    expect(job).toMatchObject({ status: 'completed', completed_tasks: 300, failed_tasks: 0 });
    const places = job.results.map(({ task_index }: { task_index: number }) => task_index);
    expect(places).toEqual([...Array(300).keys()]);
    expect(scene.sandbox.creates).toBe(30);
    expect(scene.receiver.deliveries.filter(({ status }) => status === 204).length).toBe(1);
    expect(await scene.operator.deadLetters()).toBe(0);
  });

  it('gives ModelStudio nothing more once it is cancelled, with 20 parts under way', async (context) => {
    const held = heldModel();
    const env = { CONVERSATIONS_PER_CREATE: '10', PARTS_AT_ONCE: '20' };
    const scene = await openBox(context, { models: { held: held.model }, env });
    const submit = async (count: number) => {
      const body = { ...submission('held', ...texts('text', count)), webhook_url: scene.receiver.url };
      const { json } = await call(scene.system, 'POST', '/v1/jobs', body);
      return json.job_id as string;
    };
    const jobId = await submit(400);
    await vi.waitFor(() => expect(scene.sandbox.creates).toBe(20), patience);
    const cancelled = await call(scene.system, 'POST', `/v1/jobs/${jobId}/cancel`);
    expect(cancelled.json).toMatchObject({ status: 'cancelled', total_tasks: 400 });
    held.isReleased = true;
    // Its parts wait behind those of the first one, if there are any left.
    const another = await submit(20);
    await vi.waitFor(async () => {
      expect(await jobOf(scene, another)).toMatchObject({ status: 'completed', completed_tasks: 20 });
      for (const id of [jobId, another])
        expect(await jobOf(scene, id)).toMatchObject({ webhook: { status: 'delivered' } });
    }, patience);
    expect(scene.sandbox.creates).toBe(22);
    expect((await jobOf(scene, jobId)).results).toBeNull();
    expect(await scene.operator.deadLetters()).toBe(0);
  });

  it("of 50 parts lets another client's single job through as soon as a place is free", async (context) => {
    const startedAt = new Map<string, number>();
    const upstream = startPartsUpstream({
      isOver([text = '']) {
        if (!startedAt.has(text)) startedAt.set(text, Date.now());
        return Date.now() - (startedAt.get(text) ?? 0) > 1000;
      },
    });
    const { env, creates, mostAtOnce, stop } = await upstream;
    context.onTestFinished(stop);
    const system = await startLocally({ ...env, CONVERSATIONS_PER_CREATE: '10', JOBS_AT_ONCE: '3' });
    context.onTestFinished(() => system.stop());
    const large = await call(system, 'POST', '/v1/jobs', submission('m', ...texts('large', 500)));
    await vi.waitFor(() => expect(creates.length).toBeGreaterThan(5), patience);
    const asOther = { authorization: `Bearer ${system.client_keys[1]}` };
    const before = creates.length;
    const { status } = await call(system, 'POST', '/v1/jobs', submission('m', 'single'), asOther);
    expect(status).toBe(202);
    const place = () => creates.findIndex((create) => create.texts[0] === 'single');
    await vi.waitFor(() => expect(place()).toBeGreaterThan(-1), patience);
    expect(place() - before).toBeLessThanOrEqual(3);
    expect(mostAtOnce()).toBeLessThanOrEqual(3);
    await call(system, 'POST', `/v1/jobs/${large.json.job_id}/cancel`);
  });
});
