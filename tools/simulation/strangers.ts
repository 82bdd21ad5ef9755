import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey, type Scope } from '../../functions/core/http/client-key.ts';
import { isFinished } from '../../functions/core/job.ts';
import type { ApiRequest } from '../../test/cloud/handlers.ts';
import { Gateway } from './gateway.ts';
import { must } from './judge.ts';
import { Random } from './random.ts';
import { HEALS_AT, type Simulation, START } from './simulation.ts';
import type { System } from './system.ts';

/** A request that few apps make, and the answers that it may get while everything goes well. */
type Oddity = Partial<ApiRequest> & { path: string; statuses: number[] };

const JSON_HEADERS = { 'content-type': 'application/json' };
const INVALID = { model_id: 'm', messages: [] };
const VALID = { model_id: 'm', messages: [[{ role: 'user', content: 'x' }]] };

/** In some of the seeds, apps that ask for everything, rightly and wrongly, at any moment and twice at once. */
export class Strangers {
  readonly #sim: Simulation;
  readonly #gateway: Gateway;
  readonly #system: System;
  /** Of its own, so that the others do in such a seed what they would do without. */
  readonly #random: Random;

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
    this.#gateway = new Gateway(sim, system);
    this.#random = new Random(sim.seed + 2);
    if (sim.isQuiet || !this.#random.happens(0.2)) return;
    const reader = this.#key('first', ['jobs:read'], null);
    const writer = this.#key('first', ['jobs:write', 'jobs:read'], null);
    const revoked = this.#key('first', ['jobs:read'], sim.now);
    for (const oddity of oddities(reader, writer, revoked)) this.#later(() => this.#ask(oddity));
    for (let i = 0; i < 8; i++) this.#later(() => this.#askAboutJob(writer));
  }

  #key(client: string, scopes: Scope[], revokedAt: number | null): string {
    const { key, record } = newClientKey(client, scopes, this.#random.bytes(48), this.#sim.now);
    this.#system.cloud.tables.clientKeys.put(marshall({ ...record, revokedAt }));
    return key;
  }

  #later(run: () => void): void {
    this.#sim.time.after(this.#random.between(0, HEALS_AT - START - 60_000), run);
  }

  /** About one that the first client has, or has not. */
  #askAboutJob(key: string): void {
    const all = this.#system.rows.all();
    const large = all.filter(
      (job) => isFinished(job) && typeof job.results === 'object' && job.results !== null,
    );
    const jobs = large.length > 0 && this.#random.happens(0.5) ? large : all;
    const { jobId, client } = jobs.length > 0 ? this.#random.pick(jobs) : { jobId: 'job_none', client: '' };
    const isOwn = client === 'first';
    const [method, path, body, ...statuses] = this.#random.pick(JOB_REQUESTS);
    const isCancel = path === '/cancel';
    if (isCancel && isOwn) this.#system.ledger.cancels.add(jobId);
    const oddity = { method, path: `/v1/jobs/${jobId}${path}`, body, headers: bearer(key) };
    const times = this.#random.happens(0.5) ? 2 : 1;
    for (let i = 0; i < times; i++) this.#ask({ ...oddity, statuses: isOwn ? statuses : [404] });
  }

  #ask({ statuses, ...asked }: Oddity): void {
    const request = { method: 'GET', headers: {}, body: '', ...asked };
    this.#gateway.ask(request, (answer) => {
      const { status } = answer ?? { status: 503 };
      const jobId = /job_\w+/.exec(request.path)?.[0] ?? null;
      // A job that ModelStudio has refused since is gone again.
      const isGone = status === 404 && jobId !== null && this.#system.rows.get(jobId) === undefined;
      const isGiven = isGone || statuses.includes(status) || status === 500 || status === 503;
      must(isGiven, 'I10', () => `${request.method} ${request.path} answers ${status}: ${answer?.body}`);
    });
  }
}

/** Below a job: how, where, with what, and what may come of it. */
const JOB_REQUESTS: [string, string, string, ...number[]][] = [
  ['GET', '', '', 200],
  ['GET', '/results', '', 200, 307, 409],
  ['GET', '/results?redirect=false', '', 200, 409],
  ['GET', '/deliveries', '', 200],
  ['POST', '/cancel', '', 200, 409],
  ['POST', '/cancel', '{"why":1}', 400],
  ['POST', '/redeliver', '', 202, 409, 429],
  ['POST', '/redeliver', '{"webhook_url":7}', 400],
];

function bearer(key: string): Record<string, string> {
  return { ...JSON_HEADERS, authorization: `Bearer ${key}` };
}

function oddities(reader: string, writer: string, revoked: string): Oddity[] {
  const list = (query: string, ...statuses: number[]) => ({
    path: `/v1/jobs?${query}`,
    headers: bearer(reader),
    statuses,
  });
  const submit = (body: string, headers: Record<string, string>, ...statuses: number[]) => ({
    method: 'POST',
    path: '/v1/jobs',
    body,
    headers: { ...bearer(writer), ...headers },
    statuses,
  });
  const twoKeys = { 'idempotency-key': 'one,two' };
  return [
    { path: '/v1/health', statuses: [200] },
    { path: '/v1/openapi.json', statuses: [200] },
    { path: '/v1/jobs', statuses: [401] },
    { path: '/v1/jobs', headers: bearer(`msj_none_${'x'.repeat(43)}`), statuses: [401] },
    { path: '/v1/jobs', headers: bearer(revoked), statuses: [401] },
    // Not what the gateway takes for a submission.
    { method: 'POST', path: '/v1/jobs?', headers: bearer(writer), statuses: [404] },
    { path: '/v1/nothing', headers: bearer(reader), statuses: [404] },
    { method: 'DELETE', path: '/v1/jobs', headers: bearer(reader), statuses: [405] },
    list('status=completed', 200),
    list('status=running&limit=1', 200),
    list('status=completed&limit=1', 200),
    list('limit=0', 400),
    { ...submit(JSON.stringify(VALID), bearer(reader), 403) },
    submit(JSON.stringify(INVALID), {}, 400),
    submit(JSON.stringify(INVALID), twoKeys, 400),
    submit(JSON.stringify(VALID), twoKeys, 400),
    submit('{', {}, 400),
    submit(JSON.stringify(VALID), { 'content-type': 'text/csv' }, 415),
  ];
}
