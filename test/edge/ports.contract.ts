import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import type { Job } from '../../functions/core/job.ts';
import { overdueAt, SHARDS, shardOf } from '../../functions/core/polling/overdue.ts';
import { deleted, endOfLife, erased } from '../../functions/core/retention.ts';
import { type ClientUploads, objectKeyOf, type Upload } from '../../functions/core/uploads.ts';
import type {
  ClientJobs,
  ClientKeys,
  Clock,
  Documents,
  Jobs,
  Overdue,
  Pacer,
  Places,
  Queue,
  Requests,
  Uploads,
  WakeUps,
} from '../../functions/ports.ts';
import { pollMessage } from '../cloud/jobs.ts';
import { RETENTION_DAYS } from '../cloud/ports.ts';
import { finishedJob, NOW, queuedJob, runningJob, submittingJob } from './jobs.ts';

export type QueueName = keyof WakeUps;

export interface PortsWorld {
  jobs: Jobs;
  clientJobs: ClientJobs;
  overdue: Overdue;
  queue: Queue;
  /** Three of them. */
  places: Places | null;
  pacer: Pacer;
  requests: Requests;
  documents: Documents;
  uploads: Uploads;
  /** As a client does by its link. */
  putUpload(upload: Upload, text: string): Promise<void>;
  wakeUps: WakeUps;
  clientKeys: ClientKeys;
  /** Takes the next message from a queue, however long it is held back. */
  receive(queue: QueueName): Promise<{ message: unknown; heldBackSeconds: number }>;
  close(): Promise<void>;
}

const liveKey: ClientKey = {
  sha256: 'a'.repeat(64),
  keyId: 'live',
  client: 'acme',
  scopes: ['jobs:read', 'jobs:write'],
  createdAt: NOW,
  revokedAt: null,
};
const revokedKey: ClientKey = {
  ...liveKey,
  sha256: 'b'.repeat(64),
  keyId: 'revoked',
  scopes: [],
  revokedAt: NOW,
};

/** What the flows rely on. A fake that passes this may stand for the real thing in their tests. */
export function describePorts(
  name: string,
  makeWorld: (keys: ClientKey[], clock: Clock) => Promise<PortsWorld>,
): void {
  describe(name, () => {
    let world: PortsWorld;
    let made = 0;
    const newId = () => `job_${++made}`;
    let now = NOW;
    const at = (millis: number) => {
      now = millis;
    };

    beforeAll(async () => {
      world = await makeWorld([liveKey, revokedKey], { now: () => now });
    });
    beforeEach(() => at(NOW));
    afterAll(() => world?.close());

    describeJobs(() => world.jobs, newId);
    describeClientJobs(() => world, newId);
    describeOldJobs(() => world, newId, at);
    describeOverdue(() => world, newId);
    describeQueue(() => world, newId, at);
    describePlaces(() => world.places, at);
    describePacer(() => world.pacer, newId, at);
    describeRequests(() => world.requests, newId);
    describeDocuments(() => world.documents, newId);
    describeUploads(() => world);
    describeWakeUps(() => world, newId);
    describeClientKeys(() => world.clientKeys);
  });
}

function describeJobs(jobs: () => Jobs, newId: () => string): void {
  describe('jobs', () => {
    it.each<[what: string, job: Job]>([
      ['a submitting job', submittingJob()],
      ['a running job', runningJob({ doubt: { about: 'gaps', since: NOW } })],
      ['a finished job', finishedJob()],
      [
        'metadata named as what objects have',
        runningJob({ metadata: { constructor: 'c', toString: 't' } as never }),
      ],
      ['a finished job without a webhook', finishedJob({ webhook: null, results: null, error: null })],
    ])('are found as they were inserted: %s', async (_what, job) => {
      const inserted = { ...job, jobId: newId() };
      expect(await jobs().insert(inserted)).toBe(true);
      expect(await jobs().find(inserted.jobId)).toEqual(inserted);
    });

    it('are not found if they do not exist', async () => {
      expect(await jobs().find(newId())).toBeNull();
    });

    it('are inserted once', async () => {
      const job = submittingJob({ jobId: newId() });
      expect(await jobs().insert(job)).toBe(true);
      expect(await jobs().insert(job)).toBe(false);
      expect(await jobs().insert({ ...job, client: 'other', version: 9 })).toBe(false);
      expect(await jobs().find(job.jobId)).toEqual(job);
    });

    it('are inserted by one of many at the same moment', async () => {
      const jobId = newId();
      const rivals = Array.from({ length: 8 }, (_, i) => submittingJob({ jobId, client: `rival-${i}` }));
      const won = await Promise.all(rivals.map((job) => jobs().insert(job)));
      expect(won.filter(Boolean).length).toBe(1);
      expect(await jobs().find(jobId)).toEqual(rivals[won.indexOf(true)]);
    });

    it('are replaced by their next version', async () => {
      const jobId = newId();
      await jobs().insert(submittingJob({ jobId }));
      const after = runningJob({ jobId, version: 2 });
      expect(await jobs().replace(after)).toBe(true);
      expect(await jobs().find(jobId)).toEqual(after);
      const end = finishedJob({ jobId, version: 3 });
      expect(await jobs().replace(end)).toBe(true);
      expect(await jobs().find(jobId)).toEqual(end);
    });

    it.each([
      ['the same version again', 2],
      ['an earlier version', 1],
      ['a version that was skipped', 4],
    ])('are not replaced by %s', async (_what, version) => {
      const jobId = newId();
      await jobs().insert(submittingJob({ jobId }));
      const second = runningJob({ jobId, version: 2 });
      await jobs().replace(second);
      expect(await jobs().replace(finishedJob({ jobId, version }))).toBe(false);
      expect(await jobs().find(jobId)).toEqual(second);
    });

    it('are not replaced if they do not exist', async () => {
      const job = runningJob({ jobId: newId(), version: 1 });
      expect(await jobs().replace(job)).toBe(false);
      expect(await jobs().replace({ ...job, version: 2 })).toBe(false);
      expect(await jobs().find(job.jobId)).toBeNull();
    });

    it('are replaced by one of many at the same moment', async () => {
      const jobId = newId();
      await jobs().insert(submittingJob({ jobId }));
      const rivals = Array.from({ length: 8 }, (_, i) =>
        runningJob({ jobId, version: 2, completedTasks: i }),
      );
      const won = await Promise.all(rivals.map((job) => jobs().replace(job)));
      expect(won.filter(Boolean).length).toBe(1);
      expect(await jobs().find(jobId)).toEqual(rivals[won.indexOf(true)]);
    });

    it('are not found once they are deleted, and their ids stay used', async () => {
      const job = finishedJob({
        jobId: newId(),
        version: 1,
        metadata: { canary: 'm' },
        fingerprint: 'canary',
      });
      await jobs().insert(job);
      expect(await jobs().findRow(job.jobId)).toEqual(job);
      const left = deleted(job, NOW + 1);
      expect(await jobs().replace(left)).toBe(true);
      expect(await jobs().find(job.jobId)).toBeNull();
      expect(await jobs().findRow(job.jobId)).toEqual(left);
      expect(JSON.stringify(await jobs().findRow(job.jobId))).not.toContain('canary');
      expect(await jobs().insert(submittingJob({ jobId: job.jobId, version: 1 }))).toBe(false);
    });

    it('are removed as they were read, and make room for another', async () => {
      const job = submittingJob({ jobId: newId() });
      await jobs().insert(job);
      expect(await jobs().remove(job)).toBe(true);
      expect(await jobs().find(job.jobId)).toBeNull();
      expect(await jobs().remove(job)).toBe(false);
      const again = { ...job, createdAt: NOW + 9 };
      expect(await jobs().insert(again)).toBe(true);
      expect(await jobs().find(job.jobId)).toEqual(again);
    });

    it('are not removed once they have moved on', async () => {
      const job = submittingJob({ jobId: newId() });
      await jobs().insert(job);
      const after = runningJob({ jobId: job.jobId, version: 2 });
      await jobs().replace(after);
      expect(await jobs().remove(job)).toBe(false);
      expect(await jobs().insert(job)).toBe(false);
      expect(await jobs().find(job.jobId)).toEqual(after);
    });

    it('are not taken for a later job of the same key and version', async () => {
      const jobId = newId();
      const earlier = submittingJob({ jobId });
      await jobs().insert(earlier);
      await jobs().remove(earlier);
      const later = submittingJob({ jobId, createdAt: NOW + 1 });
      await jobs().insert(later);
      expect(await jobs().replace(runningJob({ jobId, version: 2 }))).toBe(false);
      expect(await jobs().remove(earlier)).toBe(false);
      expect(await jobs().find(jobId)).toEqual(later);
    });

    it('do not change with the object that was written, nor with the one that was read', async () => {
      const jobId = newId();
      const metadata = { a: 'b' };
      await jobs().insert(submittingJob({ jobId, metadata }));
      metadata.a = 'changed';
      const read = await jobs().find(jobId);
      expect(read?.metadata).toEqual({ a: 'b' });
      Object.assign(read?.metadata ?? {}, metadata);
      expect((await jobs().find(jobId))?.metadata).toEqual({ a: 'b' });
    });
  });
}

const HIGHEST = '9999999999999';
const LOWEST = '0000000000000';

function describeClientJobs(world: () => PortsWorld, newId: () => string): void {
  describe("a client's jobs", () => {
    /** A client of its own for each test, with jobs of which two share each millisecond. */
    async function clientWith(count: number) {
      const client = newId();
      const jobs = Array.from({ length: count }, (_, index) =>
        runningJob({ jobId: newId(), client, createdAt: NOW + Math.floor(index / 2) }),
      );
      for (const job of [...jobs, runningJob({ jobId: newId(), client: `${client}-not` })]) {
        await world().jobs.insert(job);
      }
      jobs.sort((a, b) => (listKeyOf(a) < listKeyOf(b) ? 1 : -1));
      return { client, jobs, keys: jobs.map(listKeyOf) };
    }

    it('are listed as they are, the newest first', async () => {
      const { client, jobs } = await clientWith(5);
      const [newest] = jobs;
      if (!newest) throw new Error('There is no job');
      const moved = { ...newest, completedTasks: 2, version: newest.version + 1 };
      await world().jobs.replace(moved);
      const page = await world().clientJobs.page(client, HIGHEST, LOWEST, 10);
      expect(page).toEqual({ jobs: [moved, ...jobs.slice(1)], end: null });
    });

    it('are listed in a range that includes its lower end', async () => {
      const { client, jobs, keys } = await clientWith(6);
      const page = await world().clientJobs.page(client, keys[1] ?? '', keys[4] ?? '', 10);
      expect(page).toEqual({ jobs: jobs.slice(2, 5), end: null });
      for (const to of [keys[4], keys[1]]) {
        const nothing = await world().clientJobs.page(client, keys[4] ?? '', to ?? '', 10);
        expect(nothing).toEqual({ jobs: [], end: null });
      }
    });

    it('are listed up to the limit, with the place to continue from if there are more', async () => {
      const { client, jobs, keys } = await clientWith(5);
      const page = (from: string, limit: number) => world().clientJobs.page(client, from, LOWEST, limit);
      expect(await page(HIGHEST, 3)).toEqual({ jobs: jobs.slice(0, 3), end: keys[2] });
      expect(await page(keys[2] ?? '', 1)).toEqual({ jobs: jobs.slice(3, 4), end: keys[3] });
      expect(await page(keys[2] ?? '', 2)).toEqual({ jobs: jobs.slice(3), end: null });
      expect(await page(HIGHEST, 5)).toEqual({ jobs, end: null });
    });

    it('are no longer listed once they were removed or deleted', async () => {
      const { client, jobs } = await clientWith(2);
      const kept = finishedJob({ jobId: newId(), client, version: 1 });
      await world().jobs.insert(kept);
      await world().jobs.replace(deleted(kept, NOW));
      for (const job of jobs) await world().jobs.remove(job);
      expect((await world().clientJobs.page(client, HIGHEST, LOWEST, 10)).jobs).toEqual([]);
    });
  });
}

function describeOldJobs(world: () => PortsWorld, newId: () => string, at: (millis: number) => void): void {
  describe('jobs past their time', () => {
    const endsOf = (job: Job) => endOfLife(job, RETENTION_DAYS) * 1000;

    it.each<[what: string, job: Job]>([
      ['finished', finishedJob()],
      ['still running', runningJob()],
    ])('are gone at that very moment, although nobody has deleted them: %s', async (_what, given) => {
      const job = { ...given, jobId: newId(), client: newId() };
      await world().jobs.insert(job);
      const listed = async () => (await world().clientJobs.page(job.client, HIGHEST, LOWEST, 10)).jobs;
      at(endsOf(job) - 1);
      expect([await world().jobs.find(job.jobId), await listed()]).toEqual([job, [job]]);
      expect(await world().jobs.insert(job)).toBe(false);
      at(endsOf(job));
      expect([await world().jobs.find(job.jobId), await listed()]).toEqual([null, []]);
    });

    it('make room for a new one under the same idempotency key', async () => {
      const old = finishedJob({ jobId: newId() });
      await world().jobs.insert(old);
      at(endsOf(old));
      const anew = submittingJob({
        jobId: old.jobId,
        createdAt: endsOf(old),
        expiresAt: endsOf(old) + 60_000,
      });
      expect(await world().jobs.insert(anew)).toBe(true);
      expect(await world().jobs.insert(anew)).toBe(false);
      expect(await world().jobs.find(old.jobId)).toEqual(anew);
      expect(await world().jobs.replace({ ...old, version: old.version + 1 })).toBe(false);
    });

    it('do not end a list before its end', async () => {
      const client = newId();
      const [young, old, oldest] = [0, 1, 2].map((days) =>
        finishedJob({ jobId: newId(), client, createdAt: NOW - days, finishedAt: NOW - days * 86_400_000 }),
      ) as [Job, Job, Job];
      for (const job of [young, old, oldest]) await world().jobs.insert(job);
      at(endsOf(old));
      const first = await world().clientJobs.page(client, HIGHEST, LOWEST, 2);
      expect(first).toEqual({ jobs: [young], end: listKeyOf(old) });
    });
  });
}

function describeOverdue(world: () => PortsWorld, newId: () => string): void {
  describe('among the overdue jobs,', () => {
    /** All that is overdue, of the jobs that the test has made. */
    async function overdue(now: number, of: Job[]): Promise<string[]> {
      const ids: string[] = [];
      for (let shard = 0; shard < SHARDS; shard++) {
        for await (const page of world().overdue.pages(shard, now)) ids.push(...page);
      }
      return ids.filter((id) => of.some(({ jobId }) => jobId === id));
    }
    const running = (dueAt: number) => runningJob({ jobId: newId(), wakeUpDeadline: dueAt });

    it('each is listed from the time at which it is overdue', async () => {
      const job = running(NOW + 1_000_000);
      await world().jobs.insert(job);
      const at = Number(overdueAt(job));
      expect(await overdue(at - 1, [job])).toEqual([]);
      expect(await overdue(at, [job])).toEqual([job.jobId]);
      expect(await overdue(at + 1, [job])).toEqual([job.jobId]);
    });

    it('each is listed in its own shard, the longest overdue first', async () => {
      const first = running(NOW + 3_000_000);
      let second = running(NOW);
      while (shardOf(second.jobId) !== shardOf(first.jobId)) second = running(NOW);
      await world().jobs.insert(first);
      await world().jobs.insert(second);
      expect(await overdue(Number(overdueAt(first)), [first, second])).toEqual([second.jobId, first.jobId]);
    });

    it('none is listed any longer once it has moved on, finished or gone', async () => {
      const [moved, finished, gone] = [running(NOW), running(NOW), running(NOW)] as const;
      const all = [moved, finished, gone];
      for (const job of all) await world().jobs.insert(job);
      const now = Number(overdueAt(moved));
      expect((await overdue(now, all)).sort()).toEqual(all.map(({ jobId }) => jobId).sort());
      await world().jobs.replace({ ...moved, wakeUpDeadline: now + 1, version: 2 });
      await world().jobs.replace(finishedJob({ jobId: finished.jobId, version: 2 }));
      await world().jobs.remove(gone);
      expect(await overdue(now, all)).toEqual([]);
    });

    it('a deleted one is listed until nothing is left of it', async () => {
      const job = finishedJob({ jobId: newId(), version: 1, webhook: null });
      const left = deleted(job, NOW);
      await world().jobs.insert(job);
      await world().jobs.replace(left);
      expect(await overdue(NOW + 29_999, [job])).toEqual([]);
      expect(await overdue(NOW + 30_000, [job])).toEqual([job.jobId]);
      await world().jobs.replace(erased(left, NOW));
      expect(await overdue(NOW + 30_000, [job])).toEqual([]);
    });
  });
}

function describeDocuments(documents: () => Documents, newId: () => string): void {
  describe('documents', () => {
    const small = JSON.stringify({ text: 'héllo 😀', escaped: '\u0000\u2028"\\', empty: '' });
    const large = JSON.stringify(
      Array.from({ length: 20_000 }, (_, i) => ({ task_index: i, result: '€😀' })),
    );

    it.each([
      ['small', small],
      ['empty', '[]'],
      ['with an escaped half of a pair', '["\\ud800"]'],
      ['with white space and numbers as they are', ' { "a" : 1.0, "b" : 12345678901234567890 }\n'],
      ['of 8 KiB', JSON.stringify('x'.repeat(8190))],
      ['of one byte more', JSON.stringify('x'.repeat(8191))],
      ['of as many bytes in fewer characters', JSON.stringify('€'.repeat(2731))],
      ['large', large],
    ])('are loaded as they were saved, character for character: %s', async (_what, json) => {
      const ref = await documents().save(`documents/${newId()}.json`, json);
      expect(await documents().load(ref)).toBe(json);
    });

    it('are stored in the table if they are small, and in the bucket if they are large', async () => {
      const stores = [small, large].map(async (json) => {
        const key = `documents/${newId()}.json`;
        const ref = await documents().save(key, json);
        expect(ref.key).toBe(key);
        return ref.store;
      });
      expect(await Promise.all(stores)).toEqual(['table', 'bucket']);
    });

    it('have a link from which anyone may read them, if they are large', async () => {
      const ref = await documents().save(`documents/${newId()}.json`, large);
      const answer = await fetch(await documents().link(ref, 60));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(await answer.text()).toBe(large);
    });

    it('have no link if they are small', async () => {
      const ref = await documents().save(`documents/${newId()}.json`, small);
      await expect(documents().link(ref, 60)).rejects.toThrow();
    });

    it.each([small, large])('are gone once they are removed, also a second time', async (json) => {
      const kept = await documents().save(`documents/${newId()}.json`, json);
      const ref = await documents().save(`documents/${newId()}.json`, json);
      for (let i = 0; i < 2; i++) await documents().remove(ref);
      await expect(documents().load(ref)).rejects.toThrow();
      expect(await documents().load(kept)).toBe(json);
    });

    it.each(['table', 'bucket'] as const)(
      'that were never saved cannot be loaded from the %s',
      async (store) => {
        await expect(documents().load({ store, key: `documents/${newId()}.json` })).rejects.toThrow();
      },
    );
  });
}

function describeQueue(world: () => PortsWorld, newId: () => string, at: (now: number) => void): void {
  describe('the queue', () => {
    const wakeUp = { seq: 1, token: 't', dueAt: NOW };
    const wait = async (client: string) => {
      const { turn } = await world().queue.arrive(client);
      const job = queuedJob({ jobId: newId(), client, queueing: { until: NOW + 60_000, turn } });
      await world().jobs.insert(job);
      return job;
    };

    it('has a gate that is closed to nobody before anybody has come', async () => {
      expect(await world().queue.gate()).toMatchObject({ version: 0, phase: 'idle' });
      expect(await world().queue.isDraining()).toBe(false);
    });

    it('is closed also if nobody has ever arrived', async () => {
      const gate = await world().queue.gate();
      expect(await world().queue.replaceGate({ ...gate, version: 1 })).toBe(true);
      expect(await world().queue.replaceGate({ ...gate, version: 2 }, NOW)).toBe(true);
      expect(await world().queue.replaceGate({ ...gate, version: 2 }, NOW)).toBe(false);
    });

    it('gives the jobs of several clients alternating turns, each in the order of its arrival', async () => {
      const jobs: Job[] = [];
      for (const client of ['a', 'a', 'a', 'b', 'b']) jobs.push(await wait(client));
      const [a1, a2, a3, b1, b2] = jobs.map(({ jobId }) => jobId);
      const order = (await world().queue.next(0)).map(({ jobId }) => jobId);
      expect(order.length).toBe(5);
      expect([order.slice(0, 2).sort(), order.slice(2, 4).sort(), order.slice(4)]).toEqual([
        [a1, b1].sort(),
        [a2, b2].sort(),
        [a3],
      ]);
      for (const job of jobs) await world().jobs.remove(job);
      expect(await world().queue.next(0)).toEqual([]);
    });

    it('begins a client anew where the queue is by now', async () => {
      const gate = { ...(await world().queue.gate()), virtualTime: 40, expectedWakeUp: wakeUp };
      const next = { ...gate, version: gate.version + 1, phase: 'draining' as const };
      expect(await world().queue.replaceGate(next)).toBe(true);
      expect((await world().queue.arrive('c')).turn).toBe(41);
      expect((await world().queue.arrive('c')).turn).toBe(42);
      expect((await world().queue.arrive('a')).turn).toBe(41);
      expect(await world().queue.isDraining()).toBe(true);
    });

    it('has a gate whose versions follow each other, whoever arrives meanwhile', async () => {
      const gate = await world().queue.gate();
      at(NOW + 1000);
      await world().queue.arrive('a');
      expect(await world().queue.replaceGate({ ...gate, version: gate.version + 1, emptySince: 5 })).toBe(
        true,
      );
      expect(await world().queue.replaceGate({ ...gate, version: gate.version + 1 })).toBe(false);
      expect(await world().queue.gate()).toMatchObject({ emptySince: 5, arrivedAt: NOW + 1000 });
    });

    it('is closed only if nobody has arrived since', async () => {
      const gate = await world().queue.gate();
      const idle = { ...gate, version: gate.version + 1, phase: 'idle' as const };
      expect(await world().queue.replaceGate(idle, NOW + 999)).toBe(false);
      expect(await world().queue.replaceGate(idle, NOW + 1000)).toBe(true);
    });

    it('is among what is overdue while its chain should be alive, and then no longer', async () => {
      const isOverdue = async (now: number) => {
        for await (const page of world().overdue.pages(0, now)) if (page.includes('queue')) return true;
        return false;
      };
      const gate = await world().queue.gate();
      const alive = { ...gate, version: gate.version + 1, phase: 'lingering' as const };
      await world().queue.replaceGate(alive);
      expect([await isOverdue(NOW + 59_999), await isOverdue(NOW + 60_000)]).toEqual([false, true]);
      await world().queue.replaceGate({ ...alive, version: alive.version + 1, phase: 'idle' });
      expect(await isOverdue(NOW + 60_000)).toBe(false);
    });
  });
}

function describePlaces(placesOf: () => PortsWorld['places'], at: (now: number) => void): void {
  describe('places', () => {
    const places = () => placesOf() as Places;
    const [a, b] = [
      { number: 2, token: 'a' },
      { number: 2, token: 'b' },
    ];

    it('are had by one job each, from when it has taken it', async () => {
      expect([places().count, await places().free(), await places().find(2)]).toEqual([3, [], null]);
      at(NOW + 5);
      expect(await places().take(a, 'job_a')).toBe(true);
      expect(await places().take(b, 'job_a')).toBe(false);
      expect(await places().find(2)).toEqual({ ...a, jobId: 'job_a', takenAt: NOW + 5 });
      expect([await places().find(1), await places().free()]).toEqual([null, []]);
    });

    it('may be taken again by the worker that has it, as a repeated write would', async () => {
      expect(await places().take(a, 'job_a')).toBe(true);
    });

    it('are released by the one that has taken them alone, and are then listed', async () => {
      await places().release(b);
      await places().list(2);
      expect(await places().find(2)).toMatchObject(a);
      await places().release(a);
      expect([await places().find(2), await places().free()]).toEqual([null, [2]]);
      await places().release(a);
      expect(await places().take(b, 'job_b')).toBe(true);
      await places().release(a);
      expect([await places().find(2), await places().free()]).toEqual([
        { ...b, jobId: 'job_b', takenAt: NOW },
        [],
      ]);
      await places().release(b);
    });

    it('are listed once it is known that nobody has them, but for those beyond their number', async () => {
      for (const number of [3, 1, 4]) await places().list(number);
      expect((await places().free()).sort()).toEqual([1, 2, 3]);
    });
  });
}

function describePacer(pacer: () => Pacer, newId: () => string, at: (now: number) => void): void {
  describe('the pacer', () => {
    it('gives each moment once, and none that is past', async () => {
      const name = newId();
      const given: number[] = [];
      for (const now of [50, 50, 60, 400, 10_000]) {
        at(NOW + now);
        given.push((await pacer().next(name, 100)) - NOW);
      }
      expect(given).toEqual([100, 200, 300, 500, 10_100]);
      expect(await pacer().next(newId(), 100)).toBe(NOW + 10_100);
    });

    it('gives each moment to one of many who ask at once', async () => {
      const name = newId();
      at(NOW);
      const given = await Promise.all(Array.from({ length: 20 }, () => pacer().next(name, 100)));
      expect(given.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => NOW + 100 * (i + 1)));
    });
  });
}

function describeRequests(requests: () => Requests, newId: () => string): void {
  describe('requests', () => {
    const generation = {
      model_id: 'm',
      messages: [[{ role: 'user' as const, content: 'é' }]],
      temperature: 0.5,
      max_tokens: 7,
    };

    it('are read as they were saved', async () => {
      const job = { jobId: newId(), createdAt: NOW };
      await requests().save(job, generation);
      expect(await requests().load(job)).toEqual(generation);
      await expect(requests().load({ ...job, createdAt: NOW + 1 })).rejects.toThrow();
    });

    it('are gone once they are removed, also a second time', async () => {
      const job = { jobId: newId(), createdAt: NOW };
      await requests().save(job, generation);
      await requests().remove(job);
      await requests().remove(job);
      await expect(requests().load(job)).rejects.toThrow();
    });
  });
}

function describeUploads(world: () => PortsWorld): void {
  describe('uploads', () => {
    const uploads = () => world().uploads;
    const upload: Upload = {
      ...{ uploadId: 'upload_1', bytes: 7, format: 'jsonl', jobs: ['job_1'] },
      ...{ since: 1, touchedAt: NOW, until: NOW + 9, lookAt: NOW + 5 },
    };
    const row: ClientUploads = {
      ...{ client: 'acme', version: 1, uploads: { upload_1: upload }, leftovers: { 'uploads/a/1': NOW + 7 } },
    };
    const isOverdue = async (now: number) => {
      const shard = shardOf('uploads/acme');
      for await (const page of world().overdue.pages(shard, now))
        if (page.includes('uploads/acme')) return true;
      return false;
    };

    it('of a client are found as they were written, and are none before', async () => {
      expect(await uploads().find('acme')).toEqual({
        client: 'acme',
        version: 0,
        uploads: {},
        leftovers: {},
      });
      expect(await uploads().replace(row)).toBe(true);
      expect(await uploads().find('acme')).toEqual(row);
      expect((await uploads().find('other')).version).toBe(0);
    });

    it('are replaced by their next version alone, and by one of many at the same moment', async () => {
      for (const version of [1, 3]) expect(await uploads().replace({ ...row, version })).toBe(false);
      const rivals = Array.from({ length: 5 }, () => uploads().replace({ ...row, version: 2 }));
      expect((await Promise.all(rivals)).filter(Boolean).length).toBe(1);
    });

    it('are among what is overdue from when one must be looked at, until there are none', async () => {
      expect([await isOverdue(NOW + 4), await isOverdue(NOW + 5)]).toEqual([false, true]);
      await uploads().replace({ ...row, version: 3, uploads: {} });
      expect([await isOverdue(NOW + 6), await isOverdue(NOW + 7)]).toEqual([false, true]);
      await uploads().replace({ ...row, version: 4, uploads: {}, leftovers: {} });
      expect(await isOverdue(NOW + 99)).toBe(false);
      expect(await uploads().replace({ ...row, version: 5 })).toBe(true);
      expect(await uploads().find('acme')).toEqual({ ...row, version: 5 });
    });

    it('have their file once it is put there, until it is removed', async () => {
      expect(await uploads().isThere(upload)).toBe(false);
      await world().putUpload(upload, 'content');
      expect(await uploads().isThere(upload)).toBe(true);
      expect(await uploads().isThere({ ...upload, since: 2 })).toBe(false);
      for (let i = 0; i < 2; i++) await uploads().remove(objectKeyOf(upload));
      expect(await uploads().isThere(upload)).toBe(false);
    });
  });
}

function describeWakeUps(world: () => PortsWorld, newId: () => string): void {
  describe('wake-ups', () => {
    const wakeUp = { seq: 3, token: 't', dueAt: NOW + 0.5 };
    const messages = () => {
      const jobId = newId();
      const poll = pollMessage(3, 't', { jobId, upstreamJobId: 'up/1 "é"', wakeUp });
      return { poll, collect: poll, deliver: { jobId, wakeUp, attempts: 2 }, create: { wakeUp } };
    };
    const send = async (queue: QueueName, delaySeconds: number) => {
      const sent = messages();
      if (queue === 'deliver') await world().wakeUps.deliver(sent.deliver, delaySeconds);
      else if (queue === 'create') await world().wakeUps.create(sent.create, delaySeconds);
      else await world().wakeUps[queue](sent.poll, delaySeconds);
      return sent[queue];
    };
    const queues: QueueName[] = ['create', 'poll', 'collect', 'deliver'];

    it.each(queues)('arrive as they were sent: %s', async (queue) => {
      const sent = await send(queue, 0);
      expect((await world().receive(queue)).message).toMatchObject(sent);
    });

    it('are delayed for as long as was asked', async () => {
      await Promise.all(
        queues.map(async (queue) => {
          const sent = await send(queue, 1);
          const { message, heldBackSeconds } = await world().receive(queue);
          expect(message).toMatchObject(sent);
          expect(heldBackSeconds).toBeGreaterThanOrEqual(0.99);
        }),
      );
    });

    it('are one message each, even if two are the same', async () => {
      const { deliver } = messages();
      await world().wakeUps.deliver(deliver, 0);
      await world().wakeUps.deliver(deliver, 0);
      expect((await world().receive('deliver')).message).toMatchObject(deliver);
      expect((await world().receive('deliver')).message).toMatchObject(deliver);
    });
  });
}

function describeClientKeys(clientKeys: () => ClientKeys): void {
  describe('client keys', () => {
    it.each([
      ['live', liveKey],
      ['revoked', revokedKey],
    ])('are found by their hash: %s', async (_what, key) => {
      expect(await clientKeys().find(key.sha256)).toEqual(key);
      expect(await clientKeys().find(key.sha256)).toEqual(key);
    });

    it('are not found by another hash', async () => {
      expect(await clientKeys().find('c'.repeat(64))).toBeNull();
    });
  });
}
