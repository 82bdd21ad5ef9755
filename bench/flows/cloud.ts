import { admit } from '../../functions/admit/admit.ts';
import { newClientKey } from '../../functions/core/client-key.ts';
import type { Millis } from '../../functions/core/job.ts';
import { DeliverMessage, PollMessage } from '../../functions/core/messages.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { poll } from '../../functions/poll/poll.ts';
import type { Experience } from '../../functions/ports.ts';
import { submit } from '../../functions/submit/submit.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { Random } from '../../simulation/random.ts';
import { Environment, type Fault } from './environment.ts';
import type { Ledger } from './ledger.ts';
import { LogLines } from './log-lines.ts';
import { Meter, Overhead } from './meter.ts';
import { Outside } from './outside.ts';
import { type Message, Queue } from './queue.ts';
import { requestOf } from './request.ts';
import { Table } from './table.ts';
import { VirtualTime } from './virtual-time.ts';
import { type FlowWorld, worldOf } from './world.ts';

export interface CloudOptions {
  seed: number;
  /** λ. */
  lagPerPoll: number;
  resultBytes: number;
  modelOf: (index: number) => string;
  /** The share of invocations that meet a fault. */
  faults?: number;
  /** Takes the place of what past jobs have taught; `poll` is the number of the poll that plans the next one. */
  experienceOf?: (poll: number) => Experience;
  /** How long the other side takes to answer, where it is not as usual. */
  exchangeMillis?: (request: ExchangeRequest) => Millis | null;
  /** How long a poll that failed stays hidden, if not as long as is deployed. */
  pollVisibilityMillis?: Millis;
  /** A batching window of the event sources. */
  gatherMillis?: Millis;
  /** Nothing is logged, which saves time where logs are not counted. */
  isSilent?: boolean;
  /** Rows that nobody will read again are not kept in memory. */
  isForgetful?: boolean;
}

type FunctionName = 'submit' | 'poll' | 'deliver' | 'sweep';

/** A function's environment and its world. */
interface Instance {
  environment: Environment;
  world: FlowWorld;
}

const silence = { tell: () => undefined, tally: () => undefined, end: () => undefined };

/** Six times the functions' timeout of 30 s: so long does a message that failed stay hidden. */
const VISIBILITY_MILLIS = 180_000;
/** Pollers that find a message due have found those of the next moment, too, before they are back. */
const GATHER_MILLIS = 20;
const CALLS_OF_AN_INVOCATION = 4;

/**
 * The deployed system without faults of its own: the flows and the edge's own code over tables, queues and a bucket
 * that only count, in virtual time, with as many environments as it takes.
 */
export class Cloud {
  readonly options: CloudOptions;
  readonly overhead = new Overhead();
  readonly meter = new Meter();
  readonly time = new VirtualTime(this.overhead);
  readonly random: Random;
  readonly ledger: Ledger;
  readonly outside: Outside;
  readonly log = new LogLines(this.meter);
  readonly objects = new Map<string, string>();
  readonly clientKey = newClientKey('my-app', ['jobs:write'], new Uint8Array(48).fill(7), 0);
  readonly tables: Record<'jobs' | 'documents' | 'experience' | 'clientKeys', Table>;
  readonly queues: Record<'poll' | 'deliver', Queue>;
  /** Submissions that were not answered with 202. */
  refused = 0;
  /** The most environments that a function has had at work at once. */
  readonly busiest: Record<FunctionName, number> = { submit: 0, poll: 0, deliver: 0, sweep: 0 };
  readonly #busy: Record<FunctionName, number> = { submit: 0, poll: 0, deliver: 0, sweep: 0 };
  readonly #idle: Record<FunctionName, Instance[]> = { submit: [], poll: [], deliver: [], sweep: [] };

  constructor(ledger: Ledger, options: CloudOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.ledger = ledger;
    this.outside = new Outside(ledger, options.resultBytes);
    const isDone = options.isForgetful ? { isDone: isSettled } : {};
    const indexes: { name: string; keys: [string, string] }[] = [
      { name: 'sweep', keys: ['sweepShard', 'sweepAt'] },
      { name: 'client', keys: ['client', 'listKey'] },
    ];
    const table = (name: string, key: string) => new Table({ name, key }, this.meter);
    this.tables = {
      jobs: new Table({ name: 'jobs', key: 'jobId', indexes, ...isDone }, this.meter),
      documents: table('documents', 'key'),
      experience: table('experience', 'kind'),
      clientKeys: table('clientKeys', 'sha256'),
    };
    this.tables.clientKeys.put(keyItem(this.clientKey.record), {});
    const { gatherMillis = GATHER_MILLIS, pollVisibilityMillis = VISIBILITY_MILLIS } = options;
    const visibility = { poll: pollVisibilityMillis, deliver: VISIBILITY_MILLIS };
    const queue = (name: 'poll' | 'deliver', handle: (message: Message, world: FlowWorld) => Promise<void>) =>
      new Queue(
        { name, visibilityMillis: visibility[name], gatherMillis },
        (batch) => this.#batch(name, batch, handle),
        this.time,
        this.meter,
      );
    this.queues = {
      poll: queue('poll', (message, world) => this.#poll(message, world)),
      deliver: queue('deliver', ({ body }, world) => deliver(DeliverMessage.parse(JSON.parse(body)), world)),
    };
  }

  /** Jobs of this kind have taken so many seconds. */
  teach(kind: string, durations: readonly number[]): void {
    const slots = durations.map((seconds, i) => [`s${i}`, { N: String(Number(seconds.toPrecision(3))) }]);
    const item = { kind: { S: kind }, n: { N: String(durations.length) }, ...Object.fromEntries(slots) };
    this.tables.experience.put(item, {});
  }

  /** A client's request for a job. */
  async submit(index: number): Promise<void> {
    const request = this.overhead.of(() => requestOf(index, this.options.modelOf(index), this.clientKey.key));
    const experience = this.options.experienceOf?.(0);
    const answer = await this.#invoke('submit', async (instance) => {
      const world = experience ? { ...instance.world, experience } : instance.world;
      const admitted = await admit(request, world);
      return 'status' in admitted ? admitted : submit(request, admitted, world);
    });
    this.meter.add('http.requests');
    if (answer === 'died' || answer === 'failed' || answer.status !== 202) this.refused += 1;
    else this.ledger.accepted(index, this.time.now);
  }

  /** Sweeps each minute, until there is nothing left that could need it. */
  sweepEachMinute(): void {
    this.time.after(60_000, () => {
      const isOver = this.time.isIdle && this.tables.jobs.entriesIn('sweep') === 0;
      if (isOver) return;
      void this.sweep();
      this.sweepEachMinute();
    });
  }

  async sweep(): Promise<void> {
    await this.#invoke('sweep', ({ world }) => sweep(world));
  }

  async #poll({ body, receives }: Message, world: FlowWorld): Promise<void> {
    const message = PollMessage.parse(JSON.parse(body));
    const experience = this.options.experienceOf?.(message.wake.seq);
    return poll(message, receives > 1, experience ? { ...world, experience } : world);
  }

  /** One invocation for a batch: all messages at once, each one that fails goes back alone. */
  async #batch(
    name: 'poll' | 'deliver',
    batch: readonly Message[],
    handle: (message: Message, world: FlowWorld) => Promise<void>,
  ): Promise<ReadonlySet<Message>> {
    const failed = new Set<Message>();
    this.meter.add(`lambda.messages.${name}`, batch.length);
    const outcome = await this.#invoke(name, async ({ world }) => {
      const handled = batch.map((message) =>
        handle(message, world).catch(() => {
          failed.add(message);
        }),
      );
      await Promise.all(handled);
    });
    return outcome === 'died' ? new Set(batch) : failed;
  }

  async #invoke<T>(
    name: FunctionName,
    work: (instance: Instance) => Promise<T>,
  ): Promise<T | 'died' | 'failed'> {
    const instance = this.#idle[name].pop() ?? this.#start(name);
    this.meter.add(`lambda.requests.${name}`);
    this.#busy[name] += 1;
    this.busiest[name] = Math.max(this.busiest[name], this.#busy[name]);
    const startedAt = this.time.now;
    const log = this.options.isSilent ? silence : this.log.ofInvocation();
    const outcome = await new Promise<T | 'died' | 'failed'>((resolve) => {
      instance.environment.begin(this.#drawFault(), () => resolve('died'));
      const world = { ...instance.world, log };
      work({ ...instance, world }).then(resolve, () => resolve('failed'));
    });
    this.#busy[name] -= 1;
    if (outcome === 'died') return outcome;
    log.end(this.time.now - startedAt);
    this.#idle[name].push(instance);
    return outcome;
  }

  #start(name: FunctionName): Instance {
    this.meter.add(`lambda.starts.${name}`);
    const environment = new Environment(this);
    return { environment, world: worldOf(this, environment, name === 'poll') };
  }

  #drawFault(): Fault | null {
    const { random, options } = this;
    if (!random.happens(options.faults ?? 0)) return null;
    const kind = random.pick(['failing_call', 'upstream_500', 'dropped'] as const);
    return { kind, atCall: kind === 'upstream_500' ? -1 : random.between(0, CALLS_OF_AN_INVOCATION - 1) };
  }
}

function keyItem(record: ReturnType<typeof newClientKey>['record']) {
  const { sha256, keyId, client, scopes, createdAt } = record;
  return {
    sha256: { S: sha256 },
    keyId: { S: keyId },
    client: { S: client },
    scopes: { L: scopes.map((scope) => ({ S: scope })) },
    createdAt: { N: String(createdAt) },
    revokedAt: { NULL: true as const },
  };
}

/** Its webhook has arrived. */
function isSettled(row: { webhook?: { M?: { status?: { S?: string } } } }): boolean {
  const status = row.webhook?.M?.status?.S;
  return status !== undefined && status !== 'pending';
}
