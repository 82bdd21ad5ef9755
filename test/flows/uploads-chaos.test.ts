import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { objectKeyOf, UNUSED_MAX } from '../../functions/core/uploads.ts';
import { createUpload, deleteUpload } from '../../functions/jobs/uploads.ts';
import { claimUpload } from '../../functions/submit/begin-large.ts';
import { sweepUploads } from '../../functions/sweep/sweep.ts';
import { type Carry, clientsOf } from '../cloud/clients.ts';
import { Rows } from '../cloud/contents.ts';
import { finishedJob, NOW, runningJob } from '../cloud/jobs.ts';
import { portsOver } from '../cloud/ports.ts';
import { cloudAtRest } from '../cloud/world.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 100);
const STEPS = 60;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FAULTS = 0.04;

class Crash extends Error {}

/** Requests, jobs and sweeps at once, of which any may die at any call, and clients that put files as late as they may. */
class Chaos {
  readonly cloud = cloudAtRest();
  readonly rows = new Rows(this.cloud);
  now = NOW;
  #state: number;
  #faults = FAULTS;
  #made = 0;
  readonly #links: { key: string; until: number }[] = [];
  readonly #ids: string[] = [];
  /** Unfinished jobs, and the objects that they need. */
  readonly needs = new Map<string, { uploadId: string; key: string }>();
  readonly world;

  constructor(seed: number) {
    this.#state = seed;
    const carry: Carry = async (_call, effect) => {
      for (let turns = this.#below(4); turns > 0; turns--) await Promise.resolve();
      this.#mayDie();
      const answer = effect();
      this.#mayDie();
      return answer;
    };
    const clock = { now: () => this.now };
    const random = {
      bytes: () => Buffer.alloc(16, ++this.#made),
      fraction: () => this.#fraction(),
    };
    const sleep = async () => {
      for (let turns = this.#below(200); turns > 0; turns--) await Promise.resolve();
    };
    const log = { event: () => undefined, aggregate: () => undefined };
    const ports = portsOver(this.cloud, clientsOf(this.cloud, carry), { clock });
    this.world = { ...ports, clock, random, sleep, log };
  }

  #fraction(): number {
    this.#state = (this.#state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return this.#state / 2 ** 32;
  }

  #below = (bound: number) => Math.floor(this.#fraction() * bound);
  #one = <T>(of: readonly T[]): T | undefined => of[this.#below(of.length)];

  #mayDie(): void {
    if (this.#fraction() < this.#faults) throw new Crash();
  }

  async step(): Promise<void> {
    const acts = [this.begin, this.begin, this.put, this.put, this.claim, this.claim, this.finish];
    const all = [...acts, this.remove, this.sweep, this.sweep];
    const chosen = Array.from({ length: 1 + this.#below(4) }, () => this.#one(all) as typeof this.begin);
    const outcomes = await Promise.allSettled(chosen.map((act) => act()));
    for (const outcome of outcomes)
      if (outcome.status === 'rejected' && !(outcome.reason instanceof Crash)) throw outcome.reason;
    this.now += this.#below(this.#below(2) * 6 * HOUR + 60_000);
  }

  begin = async () => {
    const sha256 = this.#one([null, 'a'.repeat(64), 'b'.repeat(64)]);
    const body = Buffer.from(JSON.stringify({ bytes: 7, format: 'jsonl', sha256 }));
    const request = { headers: { 'content-type': 'application/json' }, body, requestId: 'r' };
    const answer = await createUpload(request as never, { client: 'acme' } as never, this.world);
    const { upload_id, url, expires_at } = JSON.parse(answer.body);
    if (answer.status !== 201) return expect(answer.status).toBe(429);
    this.#ids.push(upload_id);
    const until = Date.parse(expires_at);
    if (url !== null) this.#links.push({ key: new URL(url).pathname.slice(1), until });
  };

  /** A file may be on its way for a while after the link was used. */
  put = async () => {
    const { key = '', until = 0 } = this.#one(this.#links) ?? {};
    if (this.now > until + HOUR / 2 || this.cloud.objects.has(key)) return;
    this.cloud.apply(
      new PutObjectCommand({ Bucket: 'documents', Key: key, Body: Buffer.from('content'), IfNoneMatch: '*' }),
    );
  };

  claim = async () => {
    const uploadId = this.#one(this.#ids) ?? 'upload_none';
    const jobId = `job_${++this.#made}`;
    const expiresAt = this.now + this.#below(3 * DAY);
    const upload = await claimUpload(uploadId, { jobId, client: 'acme', expiresAt }, this.world);
    if (typeof upload === 'string') return;
    this.rows.set(jobId, runningJob({ jobId, expiresAt }));
    this.needs.set(jobId, { uploadId, key: objectKeyOf(upload) });
  };

  finish = async () => {
    const jobId = this.#one([...this.needs.keys()]);
    if (jobId !== undefined) this.#end(jobId);
  };

  #end(jobId: string): void {
    this.needs.delete(jobId);
    this.rows.set(jobId, finishedJob({ jobId, finishedAt: this.now }));
  }

  remove = async () => {
    const uploadId = this.#one(this.#ids) ?? 'upload_none';
    const before = [...this.needs.keys()];
    const call = { client: 'acme', jobId: uploadId } as never;
    const { status } = await deleteUpload({ requestId: 'r' } as never, call, this.world).catch((error) => {
      // It may have deleted the upload before it died.
      if (error instanceof Crash) return { status: 204 };
      throw error;
    });
    // A client that deletes what it is about to use has no right to it.
    for (const [jobId, need] of this.needs)
      if (status === 204 && need.uploadId === uploadId && !before.includes(jobId)) this.#end(jobId);
  };

  sweep = () => sweepUploads('acme', this.world);

  async check(): Promise<void> {
    for (const { key } of this.needs.values()) expect([...this.cloud.objects.keys()]).toContain(key);
    this.#faults = 0;
    const { uploads } = await this.world.uploads.find('acme');
    this.#faults = FAULTS;
    const live = Object.values(uploads).filter(({ jobs, until }) => jobs.length === 0 && until > this.now);
    expect(live.length).toBeLessThanOrEqual(UNUSED_MAX);
  }

  /** All jobs end, and nothing else happens any longer. */
  async end(): Promise<void> {
    this.#faults = 0;
    while (this.needs.size > 0) await this.finish();
    // One that many jobs have named is kept until the longest of them would have expired, and a day.
    for (let hours = 0; hours < 5 * 24; hours++) {
      this.now += HOUR;
      await this.sweep();
      await this.sweep();
    }
  }
}

it(`a job has its file until it has ended, and no file is left in the end, in ${SEEDS} runs`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const chaos = new Chaos(seed);
    try {
      for (let step = 0; step < STEPS; step++) {
        await chaos.step();
        await chaos.check();
      }
      await chaos.end();
      expect([...chaos.cloud.objects.keys()]).toEqual([]);
      expect(await chaos.world.uploads.find('acme')).toMatchObject({ uploads: {}, leftovers: {} });
    } catch (error) {
      throw new Error(`with the seed ${seed}`, { cause: error });
    }
  }
});
