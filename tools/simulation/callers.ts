import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey, type Scope } from '../../functions/core/http/client-key.ts';
import type { Answer } from '../../functions/core/http/request-answer.ts';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import type { Job } from '../../functions/core/job.ts';
import { Gateway } from './gateway.ts';
import { CANARY, must, PROMPT } from './judge.ts';
import { keepOldJobs } from './museum.ts';
import { Random } from './random.ts';
import { HEALS_AT, type Simulation, START } from './simulation.ts';
import { SLOW_MODEL, type System } from './system.ts';

const SHARE = 0.1;
/** From when on nothing is begun any more. */
const OVER_MILLIS = HEALS_AT - START - 90_000;
const INDEX_LAG_MAX_MILLIS = 61_000;
const WEBHOOKS = [undefined, undefined, null, '/h', '/h', '/down', '/gone'];
/** Of which some differ by little. */
const KEYS = [null, 'k', 'K', 'x'.repeat(255), `${'x'.repeat(254)}y`, '!"#$%~'];
const WRONG_KEYS = ['', ' ', 'a b', 'a,b', 'x'.repeat(256), 'ü'];
/** Such as would mislead whoever looks for the results in a text. */
const METADATA: readonly (Record<string, string> | null | undefined)[] = [
  undefined,
  {},
  null,
  { toString: 'x' },
  { note: '"results":[1],"results_url":null' },
];
const AGAIN_MILLIS = [0, 5, 300, 3000, 40_000, 62_000, 66_000, 90_000, 300_000, 700_000];
const STATUSES = ['submitting', 'running', 'completed', 'failed', 'cancelled', 'expired'];

type Body = Record<string, unknown>;
type Then = (answer: Answer) => void;

/** In some of the seeds, apps that keep to the edges of the contract; whether their answers are right, the door judges. */
export class Callers {
  readonly #sim: Simulation;
  readonly #system: System;
  readonly #gateway: Gateway;
  /** Of its own, so that the others do in such a seed what they would do without. */
  readonly #random: Random;
  readonly #client = 'edges';
  #key = '';
  #reader = '';
  #writer = '';
  #stranger = '';
  readonly #jobIds: string[] = [];

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
    this.#gateway = new Gateway(sim, system);
    this.#random = new Random(sim.seed + 3);
    if (sim.scene.crowd > 0) this.#lookAtCrowd();
    if (!this.#random.happens(SHARE)) return;
    this.#key = this.#newKey(this.#client, ['jobs:write', 'jobs:read']);
    this.#reader = this.#newKey(this.#client, ['jobs:read']);
    this.#writer = this.#newKey(this.#client, ['jobs:write']);
    this.#stranger = this.#newKey('somebody', ['jobs:write', 'jobs:read']);
    const jobs = this.#random.between(1, 3);
    for (let index = 0; index < jobs; index++) this.#submit(index);
    this.#refused();
    for (let i = 0; i < 10; i++) this.#later(() => this.#look());
    for (let i = 0; i < 3; i++) this.#later(() => this.#listAll(this.#client, this.#key));
    system.modelStudio.onReport = (upstreamJobId, millis) => this.#race(upstreamJobId, millis);
    system.receivers.onAnswer = (body, millis) => this.#raceDelivery(body, millis);
  }

  #newKey(client: string, scopes: Scope[]): string {
    const { key, record } = newClientKey(client, scopes, this.#random.bytes(48), this.#sim.now);
    this.#system.cloud.tables.clientKeys.put(marshall(record));
    return key;
  }

  #later(run: () => void, from = 0): void {
    const millis = from + this.#random.between(0, OVER_MILLIS - from);
    this.#sim.time.after(millis, run);
  }

  #soon(millis: number, run: () => void): void {
    if (this.#sim.now + millis < START + OVER_MILLIS) this.#sim.time.after(millis, run);
  }

  #ask(
    key: string,
    method: string,
    path: string,
    body: Body | string | null,
    more: Record<string, string>,
    then: Then = () => undefined,
  ): void {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more };
    const text = typeof body === 'string' ? body : body === null ? '' : JSON.stringify(body);
    this.#gateway.ask({ method, path, headers, body: text }, (answer) => answer && then(answer));
  }

  /** One request, and some more under its key: the same, the same in other words, and others. */
  #submit(index: number): void {
    const random = this.#random;
    const marker = `edge-${index}`;
    const { isLong } = this.#sim.scene;
    const webhook = random.pick(WEBHOOKS);
    const metadata = random.pick(METADATA);
    const body: Body = {
      model_id: random.pick(['m', 'm', SLOW_MODEL]),
      messages: Array(random.between(1, 3)).fill([
        { role: 'user', content: `${CANARY} ${marker} ${PROMPT}` },
      ]),
      expires_in: random.pick(isLong ? [604_800, 86_400] : [60, 900, 3600]),
      ...(webhook !== undefined && { webhook_url: webhook && `https://hooks.example.com${webhook}` }),
      ...(metadata !== undefined && { metadata }),
      ...(random.happens(0.3) && { temperature: random.pick([0, 1, 0.7, null]) }),
    };
    this.#system.modelStudio.destine(marker, {
      runMillis: random.pick([300, 10_000, 60_000, 300_000]),
      status: random.happens(0.1) ? 'failed' : 'completed',
      resultBytes: random.happens(0.15) ? EVENT_MAX_BYTES + 1000 : 20,
      letter: random.pick(['r', '€']),
    });
    const name = random.pick(KEYS);
    const send = (given: Body) =>
      this.#ask(
        this.#key,
        'POST',
        '/v1/jobs',
        given,
        name === null ? {} : { 'idempotency-key': name },
        (answer) => {
          const { job_id } = JSON.parse(answer.body);
          if (job_id !== undefined && !this.#jobIds.includes(job_id)) this.#jobIds.push(job_id);
        },
      );
    this.#later(() => {
      send(body);
      // While it is being submitted.
      for (let i = 0; i < 2; i++) this.#soon(random.between(20, 400), () => this.#look());
      if (name === null) return;
      for (let i = 0; i < 5; i++) {
        const asked = random.happens(0.3)
          ? differing(body, random)
          : random.happens(0.5)
            ? reworded(body)
            : body;
        this.#soon(random.pick(AGAIN_MILLIS), () => send(asked));
      }
    });
  }

  /** Whatever is refused before anybody is asked. */
  #refused(): void {
    const random = this.#random;
    const valid = { model_id: 'm', messages: [[{ role: 'user', content: 'x' }]] };
    const submit = (body: Body | string, headers: Record<string, string>, key = this.#key) =>
      this.#later(() => this.#ask(key, 'POST', '/v1/jobs', body, headers));
    for (const key of WRONG_KEYS)
      if (random.happens(0.5))
        submit(random.happens(0.7) ? valid : { ...valid, more: 1 }, { 'idempotency-key': key });
    for (const expires_in of [59, 604_801, 60.5])
      if (random.happens(0.3)) submit({ ...valid, expires_in }, {});
    submit(valid, { 'content-type': random.pick(['text/plain', 'application/json; charset=latin1', '']) });
    submit(valid, { 'content-encoding': 'gzip' });
    submit(valid, {}, this.#reader);
    submit({ ...valid, messages: [] }, { 'content-type': 'text/plain' }, this.#reader);
    submit(random.pick(['', '[]', 'null', '{"model_id":']), { 'idempotency-key': 'k' });
    const [method, path] = random.pick([
      ['PUT', '/v1/jobs'],
      ['DELETE', '/v1/jobs/job_x'],
      ['GET', '/v1/jobs/job_x/cancel'],
      ['POST', '/v1/jobs/job_x'],
      ['HEAD', '/v1/health'],
      ['POST', '/v1/health'],
      ['GET', '/v1/jobs/'],
    ] as const);
    this.#later(() =>
      this.#ask(random.pick([this.#key, this.#reader, this.#writer, 'none']), method, path, null, {}),
    );
  }

  /** At a job, in any way, by anybody. */
  #look(): void {
    const random = this.#random;
    const { jobId } = this.#someJob();
    const below = random.pick([
      '',
      '',
      '/results',
      '/results',
      '/results?redirect=false',
      '/deliveries',
      '/cancel',
      '/redeliver',
      '/redeliver',
    ]);
    const isPost = below === '/cancel' || below === '/redeliver';
    if (below === '/cancel' && random.happens(0.6)) return;
    const key = random.pick([this.#key, this.#key, this.#key, this.#reader, this.#writer, this.#stranger]);
    if (below === '/cancel') this.#system.ledger.cancels.add(jobId);
    const method = isPost ? 'POST' : random.pick(['GET', 'GET', 'HEAD']);
    const bodies =
      below === '/redeliver'
        ? [null, null, '{"webhook_url":"https://hooks.example.com/moved"}', '{"webhook_url":7}']
        : [null, null, '{}', '{"why":1}'];
    const times = random.happens(0.4) ? 2 : 1;
    for (let i = 0; i < times; i++)
      this.#ask(key, method, `/v1/jobs/${jobId}${below}`, isPost ? random.pick(bodies) : null, {});
  }

  #someJob(): { jobId: string } {
    const own = this.#system.rows.all().filter(({ client }) => client === this.#client);
    return own.length > 0 ? this.#random.pick(own) : { jobId: 'job_none' };
  }

  /** While a poll writes down what it has been told, its app cancels the job, or asks for it. */
  #race(upstreamJobId: string, millis: number): void {
    const random = this.#random;
    if (this.#jobIds.length === 0 || !random.happens(0.15)) return;
    const own = this.#jobIds.map((jobId) => this.#system.rows.get(jobId));
    const job = own.find((row) => row?.status === 'running' && row.upstreamJobId === upstreamJobId);
    if (!job) return;
    const times = random.pick([1, 1, 2]);
    this.#soon(Math.max(0, millis - random.between(-5, 40)), () => {
      this.#system.ledger.cancels.add(job.jobId);
      for (let i = 0; i < times; i++) this.#ask(this.#key, 'POST', `/v1/jobs/${job.jobId}/cancel`, null, {});
    });
  }

  /** The same while an attempt is being written down. */
  #raceDelivery(body: string, millis: number): void {
    if (!this.#random.happens(0.2)) return;
    const { job_id } = JSON.parse(body).data;
    if (!this.#jobIds.includes(job_id)) return;
    this.#soon(millis + this.#random.between(-30, 30), () =>
      this.#ask(this.#key, 'POST', `/v1/jobs/${job_id}/redeliver`, null, {}),
    );
  }

  /** A list that is read to its end lacks no job that has been there, and in that state, all the while. */
  #listAll(client: string, key: string): void {
    const random = this.#random;
    const { rows, keeping } = this.#system;
    const status = random.happens(0.6) ? random.pick(STATUSES) : null;
    const some = rows.all().find((job) => job.client === client);
    const at = some ? new Date(some.createdAt).toISOString() : null;
    const bound =
      at === null ? null : random.pick([null, ['created_after', at], ['created_before', at]] as const);
    const settledBefore = this.#sim.now - INDEX_LAG_MAX_MILLIS;
    const isWithin = ({ createdAt }: Job) =>
      bound === null ||
      (bound[0] === 'created_after' ? createdAt > Date.parse(bound[1]) : createdAt < Date.parse(bound[1]));
    const own = rows
      .all()
      .filter((job) => job.client === client && job.createdAt < settledBefore && isWithin(job));
    const expected = own.filter((job) => status === null || job.status === status);
    const query = new URLSearchParams({
      limit: `${random.pick([1, 2, 100])}`,
      ...(status && { status }),
      ...(bound && { [bound[0]]: bound[1] }),
    });
    const seen = new Set<string>();
    const page = (cursor: string): void => {
      query.set('cursor', cursor);
      this.#ask(key, 'GET', `/v1/jobs?${query}`, null, {}, (answer) => {
        if (answer.status !== 200) return;
        const { jobs, next_cursor } = JSON.parse(answer.body);
        for (const { job_id } of jobs) {
          must(!seen.has(job_id), 'I7', () => `a list has ${job_id} twice`);
          seen.add(job_id);
        }
        if (next_cursor !== null) return page(next_cursor);
        // A release leaves out what it cannot read.
        const isShown = ({ jobId, status }: Job) =>
          rows.get(jobId)?.status === status && !keeping.isLater(jobId);
        const missing = expected.find((job) => !seen.has(job.jobId) && isShown(job));
        must(missing === undefined, 'I7', () => `the list of ${query} lacks ${missing?.jobId}`);
      });
    };
    page('');
  }

  #lookAtCrowd(): void {
    keepOldJobs('crowd', this.#system);
    const key = this.#newKey('crowd', ['jobs:read']);
    for (let i = 0; i < 6; i++) this.#later(() => this.#listAll('crowd', key));
  }
}

/** The same request as far as anybody may care. */
function reworded(body: Body): Body {
  const { temperature, ...rest } = body;
  const reversed = Object.fromEntries(Object.entries(rest).reverse());
  return { max_tokens: 512, ...reversed, temperature: temperature ?? 0.7 };
}

/** Another request, by one thing. */
function differing(body: Body, random: Random): Body {
  const changes: Body[] = [
    { max_tokens: 7 },
    { temperature: 0.5 },
    { expires_in: 61 },
    { metadata: { other: 'x' } },
    { webhook_url: 'https://hooks.example.com/other' },
    { model_id: 'other' },
  ];
  return { ...body, ...random.pick(changes) };
}
