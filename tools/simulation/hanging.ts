import type { FinishedJob } from '../../functions/core/job.ts';
import type { Jobs } from '../../functions/ports.ts';
import type { Cloud } from '../../test/cloud/cloud.ts';
import type { Contents } from '../../test/cloud/contents.ts';
import type { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { type Simulation, START } from './simulation.ts';

const SHARE = 0.12;
const MINUTE = 60_000;
const CLIENTS = ['north', 'south'];

/** Of the system, where jobs end up. */
interface Place {
  readonly cloud: Cloud;
  readonly contents: Contents;
  readonly jobs: Jobs;
  readonly ledger: Ledger;
}

/** While it hangs: for good, for longer than it should, or every other time. */
type Way = 'silent' | 'slow' | 'half';

interface Host {
  way: Way;
  from: number;
  to: number;
}

/** Receivers that hang for a while, one that does not, and jobs of two clients that end meanwhile. */
export class Hanging {
  readonly #random: Random;
  readonly #hosts = new Map<string, Host>();
  #asked = 0;

  constructor(sim: Simulation) {
    this.#random = new Random(sim.seed + 7);
    if (sim.isQuiet || sim.scene.crowd > 0 || !this.#random.happens(SHARE)) return;
    for (let i = this.#random.pick([1, 1, 2, 4, 6]); i > 0; i--) {
      const from = START + this.#random.pick([0, 0, this.#random.between(0, 10 * MINUTE)]);
      const to = from + this.#random.pick([1, 5, 15]) * MINUTE;
      this.#hosts.set(`h${i}.example.com`, {
        way: this.#random.pick(['silent', 'silent', 'slow', 'half']),
        from,
        to,
      });
    }
  }

  /** How long an attempt takes that begins now; null: the receiver is well. */
  millisOf(host: string, now: number): number | null {
    const { way, from, to } = this.#hosts.get(host) ?? { way: 'silent', from: 0, to: 0 };
    if (now < from || now >= to || (way === 'half' && this.#asked++ % 2 === 0)) return null;
    return way === 'slow' ? this.#random.between(6000, 14_000) : 3_600_000;
  }

  begin(sim: Simulation, system: Place): void {
    if (this.#hosts.size === 0) return;
    const hosts = [...this.#hosts.keys()];
    const jobs = this.#random.pick([8, 20, 40]);
    // Some in a crowd, others one by one.
    const crowdAt = this.#random.between(0, 10 * MINUTE);
    for (let i = 0; i < jobs; i++) {
      const host = this.#random.happens(0.15) ? 'well.example.com' : this.#random.pick(hosts);
      const client = this.#random.happens(0.8) ? 'north' : this.#random.pick(CLIENTS);
      const millis = this.#random.happens(0.5)
        ? crowdAt + this.#random.between(0, 5000)
        : this.#random.between(0, 18 * MINUTE);
      sim.time.after(millis, () => finish(jobOf(i, client, host, sim.now), system));
    }
  }
}

function finish(job: FinishedJob, system: Place): void {
  const data = `{"job_id":"${job.jobId}","results":[],"results_url":null}`;
  system.contents.set(job.event.key, `{"type":"job.completed","data":${data}}`);
  void system.jobs.insert(job);
  const wakeUp = job.webhook?.status === 'pending' ? job.webhook.expectedWakeUp : null;
  system.ledger.tokens.add(wakeUp?.token ?? '');
  system.cloud.queues.deliver.send(JSON.stringify({ jobId: job.jobId, wakeUp, attempts: 0 }), 0);
}

function jobOf(number: number, client: string, host: string, now: number): FinishedJob {
  const jobId = `job_hanging_${number}`;
  return {
    jobId,
    client,
    modelId: 'm',
    totalTasks: 1,
    metadata: {},
    fingerprint: 'f',
    createdAt: now - MINUTE,
    updatedAt: now,
    expiresAt: now + MINUTE,
    wakeUpDeadline: now + 15 * MINUTE,
    version: 3,
    status: 'completed',
    completedTasks: 1,
    failedTasks: 0,
    finishedAt: now,
    error: null,
    event: { store: 'table', key: `events/${jobId}/a.json` },
    results: 'in-event',
    webhook: {
      id: `msg_hanging_${number}`,
      url: `https://${host}/h`,
      attempts: 0,
      attemptsBefore: 0,
      log: [],
      status: 'pending',
      leaseUntil: null,
      expectedWakeUp: { seq: 1, token: `hanging${number}`, dueAt: now },
    },
  };
}
