import type { FinishedJob, Job, Millis } from '../../functions/core/job.ts';
import type { DeliverMessage } from '../../functions/core/messages.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import type { Lanes, World } from '../../functions/ports.ts';
import { atOnce, clientsOf } from '../../test/cloud/clients.ts';
import { Cloud } from '../../test/cloud/cloud.ts';
import { portsOver } from '../../test/cloud/ports.ts';
import { VirtualTime } from '../../test/cloud/time.ts';
import { Random } from '../simulation/random.ts';
import { markdownTable } from './flows/markdown.ts';
import type { Part } from './part.ts';

const ENVIRONMENTS = 50;
const BATCH = 10;
const CALL_MILLIS = 5;
const HANG_MILLIS = 15_000;
const ANSWER_MILLIS = 50;
const SCHEDULE = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
const DEAD_PER_SECOND = 20;
const HEALTHY_PER_SECOND = 100;
const WEBHOOKS = 5000;
const START = Date.UTC(2026, 0, 1);

type Deliverable = Pick<World, 'jobs' | 'documents' | 'wakeUps' | 'clock' | 'random' | 'log'>;

/** The deliver flow itself, in virtual time: an invocation has up to ten messages, and lasts as long as its slowest. */
class Fleet {
  readonly time = new VirtualTime(START);
  readonly rows = new Map<string, Job>();
  readonly waits: Millis[] = [];
  readonly held = new Map<string, number>();
  readonly settled = new Map<string, number>();
  readonly #random = new Random(1);
  readonly #cloud = new Cloud({ time: this.time });
  readonly #due: DeliverMessage[] = [];
  readonly #idle: Lanes[] = [];

  constructor() {
    const clients = clientsOf(this.#cloud, atOnce);
    const after = (millis: Millis, act: () => void) => {
      let isRevoked = false;
      this.time.after(millis, () => isRevoked || act());
      return () => {
        isRevoked = true;
      };
    };
    const settings = {
      clock: this.#clock,
      random: this.#random,
      lanes: { environments: ENVIRONMENTS, after },
    };
    for (let i = 0; i < ENVIRONMENTS; i++) this.#idle.push(portsOver(this.#cloud, clients, settings).lanes);
  }

  readonly #clock = { now: () => this.time.now };
  readonly #call = () => new Promise<void>((resolve) => this.time.after(CALL_MILLIS, resolve));

  post(jobId: string, host: string): void {
    const { now } = this.time;
    const wakeUp = { seq: 1, token: 'first', dueAt: now };
    this.rows.set(jobId, jobOf(jobId, host, now));
    this.#due.push({ jobId, wakeUp, attempts: 0 });
    this.#invoke();
  }

  #invoke(): void {
    while (this.#due.length > 0) {
      const lanes = this.#idle.shift();
      if (!lanes) return;
      const webhooks: World['webhooks'] = {
        send: (delivery) =>
          lanes.watch(delivery, async () => {
            const hangs = delivery.client === 'dead';
            await new Promise<void>((resolve) =>
              this.time.after(hangs ? HANG_MILLIS : ANSWER_MILLIS, resolve),
            );
            if (hangs) return { kind: 'failed', error: 'timeout' };
            return { kind: 'answered', status: 204, retryAfterSeconds: null };
          }),
      };
      const world = { ...this.#world(), webhooks, lanes, settings: { webhookSchedule: SCHEDULE } };
      const batch = this.#due.splice(0, BATCH);
      void Promise.all(batch.map((message) => deliver(message, world))).then(() => {
        this.#idle.push(lanes);
        this.#invoke();
      });
    }
  }

  #world(): Deliverable {
    return {
      jobs: {
        find: async (jobId) => {
          await this.#call();
          return this.rows.get(jobId) ?? null;
        },
        replace: async (after) => {
          await this.#call();
          if (this.rows.get(after.jobId)?.version !== after.version - 1) return false;
          this.#wrote(after as FinishedJob);
          return true;
        },
      } as World['jobs'],
      documents: { load: async () => '{}' } as unknown as World['documents'],
      wakeUps: {
        deliver: async (message: DeliverMessage, seconds: number) => {
          await this.#call();
          this.time.after(seconds * 1000, () => {
            this.#due.push(message);
            this.time.after(1, () => this.#invoke());
          });
        },
      } as World['wakeUps'],
      clock: this.#clock,
      random: { bytes: () => this.#random.bytes(16), fraction: () => this.#random.fraction() },
      log: {
        event: () => undefined,
        aggregate: (_stage, { outcome, client = '' }) => {
          if (outcome === 'held') this.held.set(client, (this.held.get(client) ?? 0) + 1);
        },
      },
    };
  }

  #wrote(after: FinishedJob): void {
    const status = after.webhook?.status ?? 'pending';
    if (status === 'pending') return void this.rows.set(after.jobId, after);
    this.settled.set(status, (this.settled.get(status) ?? 0) + 1);
    if (after.client === 'healthy') this.waits.push(this.time.now - after.finishedAt);
    this.rows.delete(after.jobId);
  }
}

function jobOf(jobId: string, host: string, now: Millis): FinishedJob {
  const client = host.split('.')[0] ?? '';
  const webhook = {
    ...{ id: `msg_${jobId}`, url: `https://${host}/`, attempts: 0, attemptsBefore: 0, log: [] },
    ...{
      status: 'pending' as const,
      leaseUntil: null,
      expectedWakeUp: { seq: 1, token: 'first', dueAt: now },
    },
  };
  return {
    ...{ jobId, client, modelId: 'm', totalTasks: 1, completedTasks: 1, failedTasks: 0, metadata: {} },
    ...{ fingerprint: 'f', createdAt: now, updatedAt: now, expiresAt: now, wakeUpDeadline: now + 900_000 },
    ...{ version: 1, finishedAt: now, error: null, webhook },
    status: 'completed',
    results: 'in-event',
    event: { store: 'table', key: 'e' },
  };
}

/** Jobs a second to a host that hangs, and to one that does not. */
async function beside(deadPerSecond: number, healthyPerSecond: number, seconds: number): Promise<Fleet> {
  const fleet = new Fleet();
  for (const [host, rate] of [
    ['dead.example.com', deadPerSecond],
    ['healthy.example.com', healthyPerSecond],
  ] as const)
    for (let i = 0; i < rate * seconds; i++)
      fleet.time.after((1000 * i) / rate, () => fleet.post(`job_${host}_${i}`, host));
  await fleet.time.run(START + seconds * 1000);
  return fleet;
}

async function outage(webhooks: number): Promise<Fleet> {
  const fleet = new Fleet();
  for (let i = 0; i < webhooks; i++) fleet.time.after(i, () => fleet.post(`job_${i}`, 'dead.example.com'));
  await fleet.time.run(START + 9 * 86_400_000);
  return fleet;
}

const secondsAt = (sorted: readonly Millis[], share: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000;

/** How long a healthy receiver's webhooks wait beside those of one that hangs, and whether each of those has all its attempts. */
export async function run(): Promise<Part> {
  const mixed = await beside(DEAD_PER_SECOND, HEALTHY_PER_SECOND, 3600);
  const waits = mixed.waits.toSorted((a, b) => a - b);
  const dead = await outage(WEBHOOKS);
  const healthy = {
    name: 'healthy',
    webhooks: waits.length,
    medianSeconds: secondsAt(waits, 0.5),
    p99Seconds: secondsAt(waits, 0.99),
    maxSeconds: secondsAt(waits, 1),
    held: mixed.held.get('healthy') ?? 0,
  };
  const hanging = {
    name: 'hanging',
    webhooks: WEBHOOKS,
    exhausted: dead.settled.get('exhausted') ?? 0,
    pending: dead.rows.size,
    held: dead.held.get('dead') ?? 0,
  };
  const text = [
    '# Webhooks beside a receiver that hangs',
    `The flow that delivers, in virtual time, with ${ENVIRONMENTS} environments. For an hour, one host is sent ` +
      `${HEALTHY_PER_SECOND} webhooks a second, and another one ${DEAD_PER_SECOND} a second, which it never answers.`,
    markdownTable(
      ['healthy webhooks', 'median wait, s', '99th percentile, s', 'longest, s', 'held'],
      [
        [healthy.webhooks, healthy.medianSeconds, healthy.p99Seconds, healthy.maxSeconds, healthy.held].map(
          String,
        ),
      ],
    ),
    `Then ${WEBHOOKS} webhooks go to a host that hangs until the last of their schedules has ended.`,
    markdownTable(
      ['webhooks', 'had their last attempt', 'pending', 'times held, each'],
      [[WEBHOOKS, hanging.exhausted, hanging.pending, Math.round(hanging.held / WEBHOOKS)].map(String)],
    ),
    'A webhook that is held comes again within a minute, and the more of them wait for a host that hangs, the longer each waits for its next attempt.',
  ].join('\n\n');
  return { name: 'fairness', rows: [healthy, hanging], text };
}
