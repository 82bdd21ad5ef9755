import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey, type Scope } from '../../functions/core/http/client-key.ts';
import type { Answer } from '../../functions/core/http/request-answer.ts';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import type { Job } from '../../functions/core/job.ts';
import { CLIENT_PATIENCE_MILLIS, Gateway } from './gateway.ts';
import { CANARY, must, PROMPT } from './judge.ts';
import { CLIENTS } from './signers.ts';
import { HEALS_AT, type Simulation } from './simulation.ts';
import type { System } from './system.ts';

const WEBHOOKS = ['/h', '/h', '/h', '/h', '/down', '/gone', '/private', null];
const QUICK_WEBHOOKS = ['/h', '/down', '/down', null];
const DAY = 86_400;
const RUN_MILLIS = [300, 2000, 2000, 10_000, 10_000, 30_000, 30_000, 300_000, 10_000_000];
/** Results for which an event has no room, and such as would just fit if they were alone in it. */
const LARGE_BYTES = [EVENT_MAX_BYTES + 1000, EVENT_MAX_BYTES - 300];
/** Results for which an event has room, but the table has not. */
const IN_BUCKET_BYTES = 80_000;

/** As long as the contract grants. */
const REVOCATION_MILLIS = 60_000 + CLIENT_PATIENCE_MILLIS;
const INDEX_LAG_MAX_MILLIS = 61_000;

/** Of an app that asks for one round after the other: every other time it asks, a minute has passed. */
const IMPATIENCE_MILLIS = 31_000;

type Sending = [
  method: string,
  path: string,
  body: object | null,
  idempotencyKey: string | null,
  then: (answer: Answer | null) => void,
];

/** One job that an app wants to have, whatever it takes. */
export interface Wish {
  marker: string;
  client: 0 | 1;
  idempotencyKey: string | null;
  body: { expires_in: number; webhook_url?: string | null; destination?: string };
  /** The job that the app knows of. */
  jobId: string | null;
  /** How many of its workers still ask for the job. */
  asking: number;
}

/** The apps: they submit, repeat what failed with the same key, sometimes twice at once. */
export class Clients {
  readonly #sim: Simulation;
  readonly #system: System;
  readonly #gateway: Gateway;
  readonly #keys: string[];
  readonly wishes: Wish[] = [];

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
    this.#gateway = new Gateway(sim, system);
    system.receivers.onPost = (body) => this.#redeliverWhilePosting(body);
    const scopes: Scope[] = ['jobs:read', 'jobs:write'];
    this.#keys = CLIENTS.map((client) => this.#newKey(client, scopes).key);
  }

  /** A receiver that is impatient with the very webhook that it is being sent. */
  #redeliverWhilePosting(body: string): void {
    if (this.#sim.now >= HEALS_AT - 60_000) return;
    const wish = this.wishes.find(({ jobId }) => jobId === JSON.parse(body).data.job_id);
    if (wish?.jobId) this.#redeliver(wish.client, wish.jobId);
  }

  #redeliver(client: number, jobId: string): void {
    const isMoved = this.#sim.chanceOf('app').happens(0.2) && !this.#sim.scene.hasDestinations;
    const body = isMoved ? { webhook_url: 'https://hooks.example.com/moved' } : null;
    this.call(client, 'POST', `/v1/jobs/${jobId}/redeliver`, body, null, () => undefined);
  }

  /** With attempts that follow each other so fast that apps may have had hundreds of them. */
  get #isQuick(): boolean {
    return this.#sim.scene.webhookSchedule.length > 9;
  }

  wish(index: number): void {
    const { random, time } = this.#sim;
    const marker = `job-${index}`;
    const tasks = random.between(1, 3);
    const { isLong } = this.#sim.scene;
    const webhook = random.pick(this.#isQuick ? QUICK_WEBHOOKS : WEBHOOKS);
    const wish: Wish = {
      marker,
      client: random.pick([0, 0, 1]),
      idempotencyKey: random.happens(0.7) ? `key-${index}` : null,
      body: {
        model_id: 'm',
        messages: Array(tasks).fill([{ role: 'user', content: `${CANARY} ${marker} ${PROMPT}` }]),
        expires_in: random.pick(isLong ? [DAY, DAY, 2 * DAY, 7 * DAY] : [60, 120, 600, 3600, 3600]),
        ...(webhook && { webhook_url: `https://hooks.example.com${webhook}` }),
        ...(webhook === null && index % 2 === 1 && { webhook_url: null }),
      } as Wish['body'],
      jobId: null,
      asking: 1,
    };
    this.#address(wish);
    this.#system.modelStudio.destine(marker, {
      runMillis: isLong ? 1000 * random.between(0, 3 * DAY) : random.pick(RUN_MILLIS),
      status: random.happens(0.1) ? 'failed' : 'completed',
      resultBytes: Math.ceil(this.#resultsBytes() / tasks),
      letter: random.pick(['r', '€']),
    });
    this.wishes.push(wish);
    time.after(random.between(0, 600) * 1000, () => {
      this.#pursue(wish);
      const chance = this.#sim.chanceOf(marker);
      const isImpatient = wish.idempotencyKey !== null && chance.happens(0.2);
      if (!isImpatient) return;
      wish.asking += 1;
      time.after(chance.between(0, 3000), () => this.#pursue(wish));
    });
  }

  /** In some runs, to a queue or a bus instead of to a URL; once in a while to one that is for another client. */
  #address({ body }: Wish): void {
    const chance = this.#sim.chanceOf('destinations');
    if (!this.#sim.scene.hasDestinations || !chance.happens(0.9)) return;
    delete body.webhook_url;
    const mostly = ['orders', 'orders', 'orders', 'bus', 'bus', 'bus', 'in-order', 'in-order'];
    body.destination = chance.pick([...mostly, 'lost', 'lost-bus', 'closed', 'theirs']);
  }

  #resultsBytes(): number {
    const { random, rollout } = this.#sim;
    const isLarge = random.happens(0.04);
    if (isLarge) return random.pick(LARGE_BYTES);
    return rollout && this.#sim.chanceOf('results').happens(0.6) ? IN_BUCKET_BYTES : 60;
  }

  #pursue(wish: Wish): void {
    this.call(wish.client, 'POST', '/v1/jobs', wish.body, wish.idempotencyKey, (answer) => {
      const again = () =>
        this.#sim.time.after(this.#sim.chanceOf(wish.marker).between(1, 20) * 1000, () => this.#pursue(wish));
      const { job_id = null } = answer ? JSON.parse(answer.body) : {};
      const isExplained = this.#system.modelStudio.uncertain.has(wish.marker);
      must(answer?.status !== 504 || isExplained, 'I4', () => `${wish.marker} was refused, and is unknown`);
      if (answer?.status === 202 || answer?.status === 504) this.#learn(wish, job_id);
      const isRefused = answer?.status === 503 || answer?.status === 502;
      const isDeleted = job_id === null && answer?.body.includes('job_deleted') === true;
      const isOpen = answer === null || answer.status === 500 || (answer.status === 409 && !isDeleted);
      if (isRefused || (isOpen && wish.idempotencyKey !== null)) return again();
      wish.asking -= 1;
    });
  }

  #learn(wish: Wish, jobId: string): void {
    must(
      wish.jobId === null || wish.jobId === jobId,
      'I20',
      () => `${wish.marker} is ${wish.jobId}, then ${jobId}`,
    );
    if (wish.jobId === null) this.#meddle(wish, jobId);
    wish.jobId = jobId;
  }

  /** Some apps cancel a job, or have its webhook redelivered: at any moment, more than once, too. */
  #meddle({ marker, client }: Wish, jobId: string): void {
    const { time } = this.#sim;
    const random = this.#sim.chanceOf(marker);
    const { ledger } = this.#system;
    // Early enough to have an answer before the faults end and the judge looks.
    const left = HEALS_AT - 60_000 - this.#sim.now;
    if (left <= 0) return;
    const soon = () => random.between(0, Math.min(left, random.pick([10_000, 100_000, 1_000_000])));
    while (random.happens(0.15)) {
      time.after(soon(), () => {
        ledger.cancels.add(jobId);
        this.call(client, 'POST', `/v1/jobs/${jobId}/cancel`, null, null, (answer) => {
          const status = this.#system.rows.get(jobId)?.status;
          if (this.#system.rows.deleted.has(jobId)) return;
          must(answer?.status !== 200 || status === 'cancelled', 'I5', () => `${jobId} is ${status}`);
        });
      });
    }
    while (random.happens(0.15)) {
      time.after(soon(), () => this.#redeliver(client, jobId));
    }
    const isInLoop = random.happens(this.#isQuick ? 0.4 : 0.05);
    for (let at = 0; isInLoop && at < left; at += IMPATIENCE_MILLIS) {
      time.after(at, () => this.#redeliver(client, jobId));
    }
  }

  /** A key that may only read, and one that is revoked: what they are told, and how soon. */
  probe(): void {
    const { random, time } = this.#sim;
    const reader = this.#newKey('reader', ['jobs:read']);
    const left = this.#newKey('left', ['jobs:read', 'jobs:write']);
    const revokedAt = random.between(60, 600) * 1000;
    time.after(revokedAt, () => {
      const record = { ...left.record, revokedAt: this.#sim.now };
      this.#system.cloud.tables.clientKeys.put(marshall(record));
    });
    const ask = (key: string, method: string, path: string, statuses: () => number[]) => {
      this.#send(key, method, path, null, null, (answer) => {
        const isRight = answer === null || answer.status >= 500 || statuses().includes(answer.status);
        must(isRight, 'I7', () => `${method} ${path} of such a key is answered with ${answer?.status}`);
      });
    };
    for (let at = 1; at <= 900_000; at += random.between(5, 200) * 1000) {
      time.after(at, () => ask(reader.key, 'POST', '/v1/jobs', () => [403]));
      // A request that takes long may be judged by a key that was revoked meanwhile.
      const whileValid = at <= revokedAt + REVOCATION_MILLIS ? [200] : [];
      const onceRevoked = () => (this.#sim.now >= revokedAt ? [401] : []);
      time.after(at, () => ask(left.key, 'GET', '/v1/jobs', () => [...whileValid, ...onceRevoked()]));
    }
  }

  /** While all goes wrong that may, a list that could be read to its end lacks no job that has been there for a while. */
  listNow(client: number): void {
    const settledBefore = this.#sim.now - INDEX_LAG_MAX_MILLIS;
    const own = this.#system.rows.all().filter(({ client: name, createdAt }) => {
      return name === CLIENTS[client] && createdAt < settledBefore;
    });
    const seen: string[] = [];
    const page = (cursor: string): void =>
      this.call(client, 'GET', `/v1/jobs?limit=2${cursor}`, null, null, (answer) => {
        if (answer?.status !== 200) return;
        const { jobs, next_cursor } = JSON.parse(answer.body);
        for (const { job_id } of jobs) seen.push(job_id);
        if (next_cursor !== null) return page(`&cursor=${next_cursor}`);
        const { rows, keeping } = this.#system;
        // A release leaves out what it cannot read.
        const isShown = (jobId: string) => rows.get(jobId) !== undefined && !keeping.isLater(jobId);
        const missing = own.find(({ jobId }) => isShown(jobId) && !seen.includes(jobId));
        must(missing === undefined, 'I7', () => `a list lacks ${missing?.jobId}`);
        must(new Set(seen).size === seen.length, 'I7', () => `a list has a job twice: ${seen}`);
      });
    page('');
  }

  #newKey(client: string, scopes: Scope[]) {
    const made = newClientKey(client, scopes, this.#sim.random.bytes(48), this.#sim.now);
    this.#system.cloud.tables.clientKeys.put(marshall(made.record));
    return made;
  }

  /** Reads a client's list page by page: every job of its own is there once. */
  listAll(client: number, cursor = '', seen: string[] = []): void {
    this.call(client, 'GET', `/v1/jobs?limit=2${cursor}`, null, null, (answer) => {
      must(answer?.status === 200, 'I10', () => `a list answers ${answer?.body}`);
      const { jobs, next_cursor } = JSON.parse(answer.body);
      for (const { job_id } of jobs) seen.push(job_id);
      if (next_cursor !== null) return this.listAll(client, `&cursor=${next_cursor}`, seen);
      const name = CLIENTS[client];
      // The index may not have those yet that came last.
      const settledBefore = this.#sim.now - INDEX_LAG_MAX_MILLIS;
      const isListed = ({ jobId, createdAt }: Job) => createdAt < settledBefore || seen.includes(jobId);
      const own = this.#system.rows.all().filter((job) => job.client === name && isListed(job));
      const expected = own.map((job) => job.jobId).sort();
      must(String(seen.sort()) === String(expected), 'I7', () => `${name} sees ${seen}, not ${expected}`);
    });
  }

  /** Repeats every wish that has a key: whatever its app saw, it finds its job; a different request does not. */
  askAgain(): void {
    for (const client of CLIENTS.keys()) this.listAll(client);
    for (const wish of this.wishes) {
      const { idempotencyKey, jobId, client } = wish;
      if (idempotencyKey === null || jobId === null) continue;
      if (this.#system.rows.deleted.has(jobId)) {
        this.#askForDeleted(wish, jobId);
        continue;
      }
      this.call(client, 'POST', '/v1/jobs', wish.body, idempotencyKey, (answer) => {
        const found = answer && JSON.parse(answer.body).job_id;
        must(answer?.status === 202 && found === jobId, 'I20', () => `${wish.marker} finds ${answer?.body}`);
      });
      this.call(client, 'POST', '/v1/jobs', { ...wish.body, max_tokens: 7 }, idempotencyKey, (answer) => {
        must(
          answer?.status === 422,
          'I6',
          () => `a different request under ${idempotencyKey}: ${answer?.body}`,
        );
      });
      this.call(client, 'GET', `/v1/jobs/${jobId}`, null, null, (answer) => {
        must(answer?.status === 200, 'I20', () => `${jobId} reads as ${answer?.body}`);
      });
      this.call(1 - client, 'GET', `/v1/jobs/${jobId}`, null, null, (answer) => {
        must(answer?.status === 404, 'I7', () => `${jobId} is seen by another client`);
      });
    }
  }

  /** A deleted job does not exist, and its key is used up. */
  #askForDeleted({ client, body, idempotencyKey }: Wish, jobId: string): void {
    for (const method of ['GET', 'DELETE'])
      this.call(client, method, `/v1/jobs/${jobId}`, null, null, (answer) => {
        must(answer?.status === 404, 'I17', () => `${jobId} is deleted, and ${method} finds ${answer?.body}`);
      });
    for (const asked of [body, { ...body, max_tokens: 7 }])
      this.call(client, 'POST', '/v1/jobs', asked, idempotencyKey, (answer) => {
        const { code } = JSON.parse(answer?.body ?? '{}');
        must(code === 'job_deleted', 'I20', () => `${jobId} is deleted, and its key finds ${answer?.body}`);
      });
  }

  /** Of jobs that are past their time to live: nobody finds them, and the same key begins another one. */
  askForOutlived(): void {
    for (const client of CLIENTS.keys()) {
      this.call(client, 'GET', '/v1/jobs', null, null, (answer) => {
        const shown: { job_id: string }[] = answer?.status === 200 ? JSON.parse(answer.body).jobs : [];
        const outlived = shown.find(({ job_id }) => this.#system.rows.living(job_id) === undefined);
        must(outlived === undefined, 'I7', () => `a list has ${outlived?.job_id}, which is past its time`);
      });
    }
    for (const { jobId, client, idempotencyKey, body, marker } of this.wishes) {
      if (jobId === null || this.#system.rows.living(jobId) !== undefined) continue;
      this.call(client, 'GET', `/v1/jobs/${jobId}`, null, null, (found) => {
        must(found?.status === 404, 'I7', () => `${jobId} is past its time, and reads as ${found?.body}`);
      });
      if (idempotencyKey === null) continue;
      // When nobody is reading a list in which it was older.
      this.#sim.time.after(60_000, () => {
        this.#system.modelStudio.absolve(marker);
        this.call(client, 'POST', '/v1/jobs', body, idempotencyKey, (answer) => {
          const isNew = answer?.status === 202 && answer.headers['idempotency-replayed'] === undefined;
          must(isNew, 'I20', () => `${jobId} is past its time, and its key finds ${answer?.body}`);
        });
      });
    }
  }

  /** One HTTP request. The caller learns the answer, or null when none came in time. */
  call(client: number, ...request: Sending): void {
    this.#send(this.#keys[client] as string, ...request);
  }

  #send(key: string, ...[method, path, body, idempotencyKey, then]: Sending): void {
    const text = body === null ? '' : JSON.stringify(body);
    const headers = {
      ...this.#sim.traces.headersFor(text),
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
    };
    this.#gateway.ask({ method, path, headers, body: text }, then);
  }
}
