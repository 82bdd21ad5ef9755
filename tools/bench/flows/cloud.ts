import { newClientKey } from '../../../functions/core/http/client-key.ts';
import type { Millis } from '../../../functions/core/job.ts';
import { TIMEOUT_SECONDS } from '../../../functions/core/limits.ts';
import { VirtualTime } from '../../../test/cloud/time.ts';
import { Random } from '../../simulation/random.ts';
import { Environment, type Fault } from './environment.ts';
import { type FunctionName, type Handlers, handlersOf, sqsEvent, submission } from './handlers.ts';
import type { Ledger } from './ledger.ts';
import { countLogLines, type EnvironmentLog, logOfEnvironment, silence } from './log-lines.ts';
import { Meter, Overhead } from './meter.ts';
import { Outside } from './outside.ts';
import { type Message, Queue } from './queue.ts';
import type { CloudOptions, Services } from './services.ts';
import { type Item, Table, type TableShape } from './table.ts';
import { worldOf } from './world.ts';

const START = Date.UTC(2026, 0, 1);

/** A function in an environment of its own. */
interface Instance {
  environment: Environment;
  log: EnvironmentLog;
  handlers: Handlers;
}

/** Six times the functions' timeouts: so long stays a message hidden whose worker has died. */
const VISIBILITY_MILLIS = { poll: 6000 * TIMEOUT_SECONDS.poll, deliver: 6000 * TIMEOUT_SECONDS.deliver };
const CALLS_OF_AN_INVOCATION = 4;

/**
 * The deployed system without faults of its own: the flows and the edge's own code over tables, queues and a bucket
 * that only count, in virtual time, with as many environments as it takes.
 */
export class Cloud implements Services {
  readonly options: CloudOptions;
  readonly overhead = new Overhead();
  readonly meter = new Meter();
  readonly time = new VirtualTime(START, (work) => this.overhead.of(work));
  readonly random: Random;
  readonly ledger: Ledger;
  readonly outside: Outside;
  readonly objects = new Map<string, string>();
  readonly tables: Record<'jobs' | 'documents' | 'durationStats' | 'clientKeys', Table>;
  readonly queues: Record<'poll' | 'deliver', Queue>;
  /** Submissions that were not answered with 202. */
  refused = 0;
  /** The most environments that a function has had at work at once. */
  readonly busiest: Record<FunctionName, number> = { submit: 0, poll: 0, deliver: 0, sweep: 0 };
  readonly #busy: Record<FunctionName, number> = { submit: 0, poll: 0, deliver: 0, sweep: 0 };
  readonly #idle: Record<FunctionName, Instance[]> = { submit: [], poll: [], deliver: [], sweep: [] };
  /** Messages that are being handled, by their receipt handles. */
  readonly #received = new Map<string, Message>();
  #handles = 0;
  readonly #clientKey = newClientKey('my-app', ['jobs:write'], new Uint8Array(48).fill(7), 0);

  constructor(ledger: Ledger, options: CloudOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.ledger = ledger;
    this.outside = new Outside(ledger, options.resultBytes);
    countLogLines(this.meter);
    const table = (shape: TableShape) => new Table(shape, this.meter);
    this.tables = {
      jobs: table({ ...JOBS, ...(options.isForgetful && { isDone: isSettled }) }),
      documents: table({ name: 'documents', key: 'key' }),
      durationStats: table({ name: 'durationStats', key: 'bucket' }),
      clientKeys: table({ name: 'clientKeys', key: 'sha256' }),
    };
    this.tables.clientKeys.put(keyItem(this.#clientKey.record), {});
    const { gatherMillis = 0, pollVisibilityMillis = VISIBILITY_MILLIS.poll } = options;
    const queue = (name: 'poll' | 'deliver', visibilityMillis: Millis) => {
      const handle = (batch: readonly Message[]) => this.#handle(name, batch);
      return new Queue({ name, visibilityMillis, gatherMillis }, handle, this.time, this.meter);
    };
    this.queues = {
      poll: queue('poll', pollVisibilityMillis),
      deliver: queue('deliver', VISIBILITY_MILLIS.deliver),
    };
  }

  /** Jobs of this bucket have taken this many seconds. */
  teach(bucket: string, durations: readonly number[]): void {
    const slots = durations.map((seconds, i) => [`s${i}`, { N: String(Number(seconds.toPrecision(3))) }]);
    const item = { bucket: { S: bucket }, n: { N: String(durations.length) }, ...Object.fromEntries(slots) };
    this.tables.durationStats.put(item, {});
  }

  /** A client's request for a job. */
  async submit(index: number): Promise<void> {
    const modelId = this.options.modelOf(index);
    const event = this.overhead.of(() => submission(index, modelId, this.#clientKey.key));
    const answer = await this.#invoke('submit', ({ submit }) => submit(event));
    this.meter.add('http.requests');
    if (answer === 'died' || answer.statusCode !== 202) this.refused += 1;
    else this.ledger.accepted(index, this.time.now);
  }

  /** Sweeps each minute, until there is nothing left that could need it. */
  sweepEachMinute(): void {
    this.time.after(60_000, () => {
      const isOver = this.time.next === null && this.tables.jobs.entriesIn('sweep') === 0;
      if (isOver) return;
      void this.sweep();
      this.sweepEachMinute();
    });
  }

  async sweep(): Promise<void> {
    await this.#invoke('sweep', ({ sweep }) => sweep().catch(() => undefined));
  }

  #hand(message: Message): string {
    const handle = String(this.#handles++);
    this.#received.set(handle, message);
    return handle;
  }

  async #handle(name: 'poll' | 'deliver', batch: readonly Message[]): Promise<ReadonlySet<Message>> {
    const first = this.#handles;
    const event = this.overhead.of(() => sqsEvent(name, batch, (message) => this.#hand(message)));
    this.meter.add(`lambda.messages.${name}`, batch.length);
    const outcome = await this.#invoke(name, (handlers) => handlers[name](event));
    for (let handle = first; handle < first + batch.length; handle++) this.#received.delete(String(handle));
    if (outcome === 'died') return new Set(batch);
    const failed = outcome.batchItemFailures.map(({ itemIdentifier }) => batch[Number(itemIdentifier)]);
    return new Set(failed.filter((message) => message !== undefined));
  }

  async #invoke<T>(name: FunctionName, call: (handlers: Handlers) => Promise<T>): Promise<T | 'died'> {
    const instance = this.#idle[name].pop() ?? this.#start(name);
    this.meter.add(`lambda.requests.${name}`);
    this.#busy[name] += 1;
    this.busiest[name] = Math.max(this.busiest[name], this.#busy[name]);
    const startedAt = this.time.now;
    const outcome = await new Promise<T | 'died'>((resolve, reject) => {
      instance.environment.begin(this.#drawFault(), () => resolve('died'));
      call(instance.handlers).then(resolve, reject);
    });
    this.#busy[name] -= 1;
    if (outcome === 'died') return outcome;
    instance.log.end(this.time.now - startedAt);
    this.#idle[name].push(instance);
    return outcome;
  }

  #start(name: FunctionName): Instance {
    this.meter.add(`lambda.starts.${name}`);
    const environment = new Environment(this);
    const log = this.options.isSilent ? silence : logOfEnvironment();
    const world = worldOf(this, environment, log, name === 'poll');
    const again = (handle: string, seconds: number) =>
      environment.call(0, () => {
        this.meter.add('sqs.sends');
        Object.assign(this.#received.get(handle) ?? {}, { againAfterMillis: seconds * 1000 });
      });
    return { environment, log, handlers: handlersOf(world, this.options.durationStatsOf ?? null, again) };
  }

  #drawFault(): Fault | null {
    const { random, options } = this;
    if (!random.happens(options.faults ?? 0)) return null;
    const kind = random.pick(['failing_call', 'upstream_500', 'dropped'] as const);
    return { kind, atCall: kind === 'upstream_500' ? -1 : random.between(0, CALLS_OF_AN_INVOCATION - 1) };
  }
}

/** As lib/storage/storage.ts has it. */
const JOBS: TableShape = {
  name: 'jobs',
  key: 'jobId',
  indexes: [
    { name: 'sweep', keys: ['sweepShard', 'sweepAt'] },
    { name: 'client', keys: ['client', 'listKey'] },
  ],
};

/** Its webhook has arrived. */
function isSettled({ webhook }: Item): boolean {
  const status = webhook?.M?.['status']?.S;
  return status !== undefined && status !== 'pending';
}

function keyItem(record: ReturnType<typeof newClientKey>['record']): Item {
  const { sha256, keyId, client, scopes, createdAt } = record;
  return {
    sha256: { S: sha256 },
    keyId: { S: keyId },
    client: { S: client },
    scopes: { L: scopes.map((scope) => ({ S: scope })) },
    createdAt: { N: String(createdAt) },
    revokedAt: { NULL: true },
  };
}
