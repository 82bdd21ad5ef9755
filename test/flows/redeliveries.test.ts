import { describe, expect, it } from 'vitest';
import type { FinishedJob } from '../../functions/core/job.ts';
import { answer } from '../../functions/jobs/jobs.ts';
import { finishedJob, NOW, pendingWebhook, runningJob, settledWebhook, wakeUp } from '../cloud/jobs.ts';
import { fakeWorld } from '../cloud/world.ts';

const EXHAUSTED = { webhook_status: 'exhausted' };

type Given = (index: number) => Partial<FinishedJob>;

/** Newest last. */
function worldWith(count: number, given: Given = () => ({})) {
  const world = { ...fakeWorld(), openApi: async () => ({ default: {} }) };
  for (let i = 0; i < count; i++) {
    const jobId = `job_${String(i).padStart(4, '0')}`;
    const webhook = settledWebhook('exhausted', { id: `msg_${i}` });
    world.jobs.rows.set(jobId, finishedJob({ jobId, createdAt: NOW - 10_000 + i, webhook, ...given(i) }));
  }
  return world;
}

type World = ReturnType<typeof worldWith>;

async function ask(world: World, body: object, client = 'acme') {
  const request = {
    ...{ method: 'POST', path: '/v1/redeliveries', query: '', requestId: 'r1' },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
  const authorized = { operation: 'redeliveries', jobId: '', client } as const;
  const { status, body: text } = await answer(request, authorized, world);
  return { status, json: JSON.parse(text) };
}

/** The command: one request after the other. */
async function askForAll(world: World, body: object, millis = 0): Promise<number[]> {
  const counts: number[] = [];
  let cursor: string | null = null;
  do {
    const { json } = await ask(world, { ...body, cursor });
    counts.push(json.count);
    cursor = json.next_cursor;
    world.clock.time += millis;
  } while (cursor !== null);
  return counts;
}

/** When the first attempt of each would be made, by the delays of the messages. */
function arrivals({ wakeUps }: World, from = 0): number[] {
  return wakeUps.sent.slice(from).map(({ message, delaySeconds }) => {
    expect(delaySeconds).toBeLessThanOrEqual(900);
    return Math.max(message.wakeUp.dueAt, 0);
  });
}

/** The most that come within any second, however much of a second SQS adds to each. */
function mostInASecond(moments: number[]): number {
  const ordered = moments.toSorted((a, b) => a - b);
  return Math.max(...ordered.map((from) => ordered.filter((at) => at >= from && at < from + 2000).length));
}

describe('redeliveries', () => {
  it('begin a round for each webhook that has ended so, and for no other', async () => {
    const webhooks = [
      settledWebhook('exhausted'),
      settledWebhook('gone'),
      settledWebhook('blocked'),
      settledWebhook('delivered'),
      pendingWebhook({ expectedWakeUp: wakeUp(1) }),
      null,
    ];
    for (const [i, webhook_status] of ['exhausted', 'gone', 'blocked'].entries()) {
      const world = worldWith(6, (index) => ({ webhook: webhooks[index] ?? null }));
      world.jobs.rows.set('job_run', runningJob({ jobId: 'job_run' }));
      expect(await ask(world, { webhook_status })).toEqual({
        status: 202,
        json: { count: 1, next_cursor: null },
      });
      expect(world.wakeUps.sent.map(({ message }) => 'jobId' in message && message.jobId)).toEqual([
        `job_000${i}`,
      ]);
      expect(world.jobs.rows.get(`job_000${i}`)?.webhook).toMatchObject({
        status: 'pending',
        redelivered: { rounds: 1 },
      });
      expect(world.told).toMatchObject([{ stage: 'redeliver', outcome: 'begun', job_id: `job_000${i}` }]);
    }
  });

  it("leave other clients' alone", async () => {
    const world = worldWith(2, (index) => ({ client: index ? 'acme' : 'other' }));
    expect((await ask(world, EXHAUSTED)).json.count).toBe(1);
    expect(world.jobs.rows.get('job_0000')?.webhook?.status).toBe('exhausted');
  });

  it('take 200 jobs a request, wherever those are, until there is no next cursor', async () => {
    const world = worldWith(450, (index) => (index % 2 ? {} : { webhook: settledWebhook('delivered') }));
    expect(await askForAll(world, EXHAUSTED)).toEqual([100, 100, 25]);
  });

  it('may be bounded by when the jobs were created', async () => {
    const world = worldWith(5);
    const at = (index: number) => new Date(NOW - 10_000 + index).toISOString();
    const bounds = { created_after: at(0), created_before: at(3) };
    expect((await ask(world, { ...EXHAUSTED, ...bounds })).json.count).toBe(2);
    expect((await ask(world, { ...EXHAUSTED, created_after: at(4) })).json.count).toBe(0);
  });

  it('skip those that may not be redelivered now, and do not count them', async () => {
    const webhooks = [
      settledWebhook('exhausted', { redelivered: { rounds: 20, at: NOW - 1e9 } }),
      settledWebhook('exhausted', { redelivered: { rounds: 1, at: NOW - 59_000 } }),
      settledWebhook('exhausted', { redelivered: { rounds: 1, at: NOW - 60_000 } }),
    ];
    const world = worldWith(3, (index) => ({ webhook: webhooks[index] ?? null }));
    expect((await ask(world, EXHAUSTED)).json.count).toBe(1);
    expect(world.wakeUps.sent.length).toBe(1);
  });

  it.each<[what: string, body: unknown, pointers: string[]]>([
    ['without a status', {}, ['/webhook_status']],
    ['for those that were delivered', { webhook_status: 'delivered' }, ['/webhook_status']],
    ['with a wrong time', { ...EXHAUSTED, created_after: 'yesterday' }, ['/created_after']],
    ['with a wrong cursor', { ...EXHAUSTED, cursor: 'x' }, ['/cursor']],
    ['with a typo', { ...EXHAUSTED, created_befor: '2026-01-01T00:00:00Z' }, ['/created_befor']],
    ['that is a list', [], ['']],
  ])('are refused for a body %s', async (_what, body, pointers) => {
    const world = worldWith(1);
    const { status, json } = await ask(world, body as object);
    expect([status, json.errors.map(({ pointer }: { pointer: string }) => pointer)]).toEqual([400, pointers]);
    expect(world.wakeUps.sent).toEqual([]);
  });
});

describe('after an outage,', () => {
  it('a command that is repeated after a crash redelivers the rest', async () => {
    const world = worldWith(400);
    let sends = 0;
    const { deliver } = world.wakeUps;
    world.wakeUps.deliver = (...message) =>
      ++sends === 137 ? Promise.reject(new Error('out of reach')) : deliver(...message);
    await expect(askForAll(world, EXHAUSTED)).rejects.toThrow();
    world.wakeUps.deliver = deliver;
    await askForAll(world, EXHAUSTED);
    // The sweeper sends the message that was recorded and not sent.
    expect(world.wakeUps.sent.length).toBe(399);
    const jobs = world.jobs.rows.values().filter(({ jobId }) => jobId.startsWith('job_'));
    expect(jobs.every((job) => job.webhook?.status === 'pending')).toBe(true);
    expect(mostInASecond(arrivals(world))).toBeLessThanOrEqual(10);
  });

  it('another host does not have to wait for the first', async () => {
    const url = (index: number) => `https://${index % 2 ? 'a' : 'b'}.example.com/h/${index}`;
    const world = worldWith(100, (index) => ({
      webhook: settledWebhook('exhausted', { url: url(index) }),
    }));
    await ask(world, EXHAUSTED);
    expect(Math.max(...arrivals(world)) - world.clock.time).toBe(50 * 200);
  });

  it('a webhook that has changed since it was listed is looked at again', async () => {
    const world = worldWith(2);
    const { page } = world.clientJobs;
    world.clientJobs.page = async (...range) => {
      const found = await page(...range);
      const [newer, older] = found.jobs as [FinishedJob, FinishedJob];
      await world.jobs.replace({ ...newer, version: newer.version + 1 });
      await world.jobs.replace({
        ...older,
        version: older.version + 1,
        webhook: settledWebhook('delivered'),
      });
      return found;
    };
    expect((await ask(world, EXHAUSTED)).json.count).toBe(1);
    expect(world.jobs.rows.get('job_0001')?.webhook?.status).toBe('pending');
    expect(world.jobs.rows.get('job_0000')?.webhook?.status).toBe('delivered');
  });
});
