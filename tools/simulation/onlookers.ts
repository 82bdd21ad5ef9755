import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../functions/core/http/client-key.ts';
import type { Answer } from '../../functions/core/http/request-answer.ts';
import { isFinished, type Job } from '../../functions/core/job.ts';
import { Gateway } from './gateway.ts';
import type { Invocation } from './invocation.ts';
import { must } from './judge.ts';
import { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import type { System } from './system.ts';

const CLIENTS = ['first', 'second'];
const LOOKS = 16;
const REQUESTS = [
  ['GET', ''],
  ['GET', ''],
  ['GET', '/results'],
  ['GET', '/deliveries'],
  ['POST', '/cancel'],
  ['POST', '/redeliver'],
] as const;

/** What keeps a release from answering for a job. */
type Obstacle = 'its row' | 'its event' | null;

/** While a later release comes and goes, apps ask for the jobs that it has written, of their own or of another's. */
export class Onlookers {
  readonly #sim: Simulation;
  readonly #system: System;
  readonly #gateway: Gateway;
  readonly #random: Random;
  readonly #keys: string[];

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
    this.#gateway = new Gateway(sim, system);
    this.#random = new Random(sim.seed + 6);
    this.#keys = [];
    if (sim.rollout === null) return;
    const { comesAt, goesAt, returnsAt } = sim.rollout;
    this.#keys = CLIENTS.map((client) => this.#newKey(client));
    for (let i = 0; i < LOOKS; i++) {
      const from = this.#random.pick([comesAt, goesAt, goesAt]);
      sim.time.after(this.#random.between(from, returnsAt) - sim.now, () => this.#look());
    }
  }

  #newKey(client: string): string {
    const made = newClientKey(client, ['jobs:read', 'jobs:write'], this.#random.bytes(48), this.#sim.now);
    this.#system.cloud.tables.clientKeys.put(marshall(made.record));
    return made.key;
  }

  #look(): void {
    const all = this.#system.rows.all().filter(({ client }) => CLIENTS.includes(client));
    const odd = all.filter((job) => this.#obstacleOf(job) !== null);
    if (all.length === 0) return;
    const { jobId, client } = this.#random.pick(odd.length > 0 ? odd : all);
    const asker = this.#random.happens(0.2) ? this.#random.pick(CLIENTS) : client;
    const [method, path] = this.#random.pick(REQUESTS);
    if (path === '/cancel' && asker === client) this.#system.ledger.cancels.add(jobId);
    const headers = { authorization: `Bearer ${this.#keys[CLIENTS.indexOf(asker)]}` };
    const wasLater = this.#system.keeping.isLater(jobId);
    const isEventAsked = method === 'GET' && path !== '/deliveries';
    const before = this.#system.rows.get(jobId);
    const wasInEvent = before !== undefined && this.#obstacleOf(before) === 'its event';
    this.#gateway.ask({ method, path: `/v1/jobs/${jobId}${path}`, headers, body: '' }, (answer, by) => {
      const job = this.#system.rows.get(jobId);
      if (answer === null || by === null || job === undefined) return;
      const obstacle = this.#obstacleOf(job);
      if (answer.body.includes('"job_unavailable"')) this.#judgeUnavailable(job, obstacle, by);
      // Of a release that can read all, or one that could not read anything, the others judge the answers.
      if (by.release === 'later' || by.failures.length > 0) return;
      const isObstacle = (obstacle === 'its row' && wasLater) || (wasInEvent && isEventAsked);
      if (isObstacle) judgeAnswer(answer, asker === client, `${method} ${path} of ${jobId}`);
    });
  }

  #obstacleOf(job: Job): Obstacle {
    const { keeping } = this.#system;
    if (keeping.isLater(job.jobId)) return 'its row';
    const isInEvent = isFinished(job) && job.results === 'in-event';
    return isInEvent && keeping.isDocumentLater(job.jobId) ? 'its event' : null;
  }

  #judgeUnavailable({ jobId }: Job, obstacle: Obstacle, { release }: Invocation): void {
    const isTrue = release !== 'later' && obstacle !== null;
    must(isTrue, 'I25', () => `${jobId} is unavailable to the ${release} release, which can read it`);
  }
}

/** A job that must wait for the later release is not missing, and nobody else learns that it is there. */
function judgeAnswer({ status, headers, body }: Answer, isOwn: boolean, what: string): void {
  const { code } = JSON.parse(body);
  // Lambda invoked nobody, or whoever it was has died.
  if (code === undefined && status >= 500) return;
  const isWaiting = status === 503 && code === 'job_unavailable' && Number(headers['retry-after']) > 0;
  const isRight = isOwn ? isWaiting : status === 404;
  must(
    isRight,
    'I25',
    () => `${what}, which a later release has written, is answered with ${status}: ${body}`,
  );
}
