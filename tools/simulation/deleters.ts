import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../functions/core/http/client-key.ts';
import { isFinished } from '../../functions/core/job.ts';
import { Gateway } from './gateway.ts';
import { must } from './judge.ts';
import { keepVainJobs } from './museum.ts';
import { Random } from './random.ts';
import { HEALS_AT, type Simulation, START } from './simulation.ts';
import type { System } from './system.ts';

const SHARE = 0.12;
const CLIENTS = ['first', 'second'];
/** Whose receivers were down for so long that all attempts were in vain. */
const UNLUCKY = 'unlucky';
const MINUTE = 60_000;
/** Early enough to have an answer before the faults end and the judge looks. */
const OVER_MILLIS = HEALS_AT - START - 2 * MINUTE;

/** In some of the seeds, apps that delete their jobs, and that have many webhooks redelivered at once. */
export class Deleters {
  readonly #sim: Simulation;
  readonly #system: System;
  readonly #gateway: Gateway;
  /** Of its own, so that the others do in such a seed what they would do without. */
  readonly #random: Random;
  readonly #keys: string[] = [];

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
    this.#gateway = new Gateway(sim, system);
    this.#random = new Random(sim.seed + 8);
    if (!this.#random.happens(SHARE)) return;
    for (const client of [...CLIENTS, UNLUCKY]) {
      const made = newClientKey(client, ['jobs:read', 'jobs:write'], this.#random.bytes(48), sim.now);
      system.cloud.tables.clientKeys.put(marshall(made.record));
      this.#keys.push(made.key);
    }
    keepVainJobs(UNLUCKY, this.#random, system, sim.scene.webhookSchedule.length);
    for (let i = 0; i < 8; i++) this.#later(() => this.#delete());
    for (let i = 0; i < 4; i++) this.#later(() => this.#redeliverAll());
  }

  #later(run: () => void): void {
    this.#sim.time.after(this.#random.between(MINUTE, OVER_MILLIS), run);
  }

  #ask(
    key: string,
    method: string,
    path: string,
    body: object | null,
    then: (status: number, text: string) => void,
  ) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const text = body === null ? '' : JSON.stringify(body);
    this.#gateway.ask(
      { method, path, headers, body: text },
      (answer) => answer && then(answer.status, answer.body),
    );
  }

  /** Any of the jobs, most of them one that may be deleted; some by two requests at once, or by another client. */
  #delete(): void {
    const random = this.#random;
    const all = this.#system.rows.all().filter(({ client }) => CLIENTS.includes(client));
    const over = all.filter((job) => isFinished(job) && job.webhook?.status !== 'pending');
    const pool = over.length > 0 && random.happens(0.8) ? over : all;
    if (pool.length === 0) return;
    const { jobId, client } = random.pick(pool);
    const asker = random.happens(0.1) ? random.pick(CLIENTS) : client;
    const key = this.#keys[CLIENTS.indexOf(asker)] ?? '';
    const times = random.pick([1, 1, 2]);
    for (let i = 0; i < times; i++)
      this.#ask(key, 'DELETE', `/v1/jobs/${jobId}`, null, (status) => {
        const isTrue = status !== 204 || this.#system.rows.deleted.has(jobId);
        must(isTrue, 'I17', () => `${jobId} is said to be deleted`);
      });
    if (random.happens(0.5)) this.#ask(key, 'POST', `/v1/jobs/${jobId}/redeliver`, null, () => undefined);
  }

  /** A command, and the same once more: now and then at once. */
  #redeliverAll(): void {
    const random = this.#random;
    const key = random.pick([...this.#keys, this.#keys.at(-1) ?? '']);
    const webhook_status = random.pick(['exhausted', 'exhausted', 'gone', 'blocked']);
    const page = (cursor: string | null): void =>
      this.#ask(key, 'POST', '/v1/redeliveries', { webhook_status, cursor }, (status, text) => {
        if (status !== 202) return;
        const { next_cursor } = JSON.parse(text);
        if (next_cursor !== null && next_cursor !== cursor) page(next_cursor);
      });
    page(null);
    if (random.happens(0.5)) this.#sim.time.after(random.pick([0, 100, 3000]), () => page(null));
  }
}
