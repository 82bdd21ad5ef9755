import './lambda-environment.ts';
import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import type { Millis } from '../../../functions/core/job.ts';
import type { DurationStats } from '../../../functions/ports.ts';
import { Cloud, type QueueName } from '../../../test/cloud/cloud.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import {
  type Around,
  AS_IT_IS,
  batchOf,
  comeAgainIn,
  type FunctionName,
  failedIn,
  type HandledWorld,
  type Handlers,
  handlersOf,
  sqsEvent,
} from '../../../test/cloud/handlers.ts';
import type { Delivery, Handled } from '../../../test/cloud/queue.ts';
import { VirtualTime } from '../../../test/cloud/time.ts';
import { Random } from '../../simulation/random.ts';
import { Environment, type Fault } from './environment.ts';
import type { Ledger } from './ledger.ts';
import { countLogLines, type EnvironmentLog, logOfEnvironment, silence } from './log-lines.ts';
import { Outside } from './outside.ts';
import { Overhead } from './overhead.ts';
import { conversation, reading, submission, uploading } from './submission.ts';
import type { Options, Surroundings } from './surroundings.ts';
import { SECRETS, worldOf } from './world.ts';

const START = Date.UTC(2026, 0, 1);

/** Lambda does not say how long it keeps an environment that has nothing to do: from some minutes to an hour. */
const KEPT_IDLE_MILLIS = 10 * 60_000;
/** Of an answer: its status line and what the gateway adds. */
const ANSWER_HEAD_BYTES = 250;

/** A function in an environment of its own. */
interface Instance {
  idleSince: Millis;
  environment: Environment;
  log: EnvironmentLog;
  handlers: Handlers;
}

/** The environments of a function. The one that was busy last is used first, so that those that are not needed end. */
class Fleet {
  idle: Instance[] = [];
  /** How many are at work, and the most that ever were. */
  busy = 0;
  busiest = 0;
}

const CALLS_OF_AN_INVOCATION = 4;

/** Conversations beyond these are too large for a request. */
const IN_A_REQUEST = 1000;

/**
 * The deployed system: the flows and the edge's own code over the simulated cloud, which has no faults of its own here, in
 * virtual time, with as many environments as it takes.
 */
export class System implements Surroundings {
  readonly options: Options;
  readonly overhead = new Overhead();
  readonly time = new VirtualTime(START, (work) => this.overhead.of(work));
  readonly random: Random;
  readonly ledger: Ledger;
  readonly outside: Outside;
  readonly cloud: Cloud;
  readonly fleets: Record<FunctionName, Fleet> = {
    submit: new Fleet(),
    create: new Fleet(),
    jobs: new Fleet(),
    poll: new Fleet(),
    collect: new Fleet(),
    deliver: new Fleet(),
    sweep: new Fleet(),
  };
  readonly #clientKey = newClientKey('my-app', ['jobs:write', 'jobs:read'], new Uint8Array(48).fill(7), 0);

  constructor(ledger: Ledger, options: Options) {
    this.options = options;
    this.random = new Random(options.seed);
    this.ledger = ledger;
    const { eventSource, pollVisibilityMillis = null, isForgetful = false, readShare = 0 } = options;
    this.outside = new Outside(ledger, options.resultCharacters ?? 900);
    this.outside.onWebhook = (index, body) => {
      if (Math.floor((index + 1) * readShare) > Math.floor(index * readShare)) void this.#read(body);
    };
    this.cloud = new Cloud({
      time: this.time,
      handle: (queue, batch) => this.#handle(queue, batch),
      visibilityMillis: (queue) => (queue === 'poll' ? pollVisibilityMillis : null),
      ...(eventSource && { eventSource }),
      ...(isForgetful && { isDone: isSettled }),
    });
    countLogLines(this.cloud.meter);
    this.cloud.tables.clientKeys.put(marshall(this.#clientKey.record));
    for (const [id, secret] of Object.entries(SECRETS)) this.cloud.secrets.set(id, secret);
  }

  /** A client's request for a job. */
  async submit(index: number): Promise<void> {
    const { modelOf, fieldsOf, conversations } = this.options;
    const batch = conversations === undefined ? {} : await this.#batch(index, conversations);
    const event = this.overhead.of(() =>
      submission(index, modelOf(index), this.#clientKey.key, { ...fieldsOf?.(index), ...batch }),
    );
    const answer = await this.#request(() => this.#invoke('submit', ({ submit }) => submit(event)));
    if (answer !== 'died' && answer.statusCode === 202) this.ledger.accepted(index, this.time.now);
  }

  /** The conversations of a job, in its request or in a file. */
  async #batch(index: number, count: number): Promise<object> {
    const messages = Array.from({ length: count }, () => conversation(index));
    if (count <= IN_A_REQUEST) return { messages };
    const lines = messages.map((each) => `${JSON.stringify(each)}\n`).join('');
    const event = uploading(lines.length, this.#clientKey.key);
    const answer = await this.#request(() => this.#invoke('jobs', ({ jobs }) => jobs(event)));
    const { upload_id, url } = JSON.parse((answer !== 'died' && answer.body) || '{}');
    this.cloud.objects.set(new URL(url).pathname.slice(1), lines);
    this.cloud.meter.add('s3.puts');
    return { messages: undefined, messages_from: upload_id };
  }

  /** An app that has a job's webhook, whose row is not settled yet, reads the job, or its results where they lie. */
  async #read(webhook: string): Promise<void> {
    const { data } = JSON.parse(webhook) as { data: { job_id: string; results: object[] | null } };
    const path = data.results ? data.job_id : `${data.job_id}/results`;
    const event = reading(path, this.#clientKey.key);
    const answer = await this.#request(() => this.#invoke('jobs', ({ jobs }) => jobs(event)));
    if (answer === 'died' || answer.statusCode !== (data.results ? 200 : 307))
      throw new Error(`${path} cannot be read`);
    if (data.results) return;
    const { meter } = this.cloud;
    meter.add('s3.gets');
    const link = String(answer.headers?.['location'] ?? answer.headers?.['Location']);
    meter.add('transfer.download', Buffer.byteLength(decodeURIComponent(link)));
  }

  async #request<T extends { body?: string | undefined }>(ask: () => Promise<T | 'died'>) {
    const answer = await ask();
    const { meter } = this.cloud;
    meter.add('http.requests');
    if (answer !== 'died')
      meter.add('transfer.answer', ANSWER_HEAD_BYTES + Buffer.byteLength(answer.body ?? ''));
    return answer;
  }

  /** Sweeps each minute, until there is nothing left that could need it. */
  sweepEachMinute(): void {
    this.time.after(60_000, () => {
      const isOver = this.time.next === null && this.cloud.tables.jobs.firstIn('sweep') === null;
      if (isOver) return;
      void this.sweep();
      this.sweepEachMinute();
    });
  }

  async sweep(): Promise<void> {
    await this.#invoke('sweep', ({ sweep }) => sweep().catch(() => undefined));
  }

  async #handle(queue: QueueName, batch: readonly Delivery[]): Promise<Handled> {
    const event = this.overhead.of(() => sqsEvent(queue, batch));
    this.cloud.meter.add(`lambda.messages.${queue}`, batch.length);
    const outcome = await this.#invoke(queue, (handlers) => handlers[queue](event));
    return outcome === 'died' ? outcome : failedIn(batch, outcome);
  }

  async #invoke<T>(name: FunctionName, call: (handlers: Handlers) => Promise<T>): Promise<T | 'died'> {
    const { meter } = this.cloud;
    const fleet = this.fleets[name];
    const instance = this.#idleIn(fleet) ?? this.#start(name);
    meter.add(`lambda.requests.${name}`);
    fleet.busy += 1;
    fleet.busiest = Math.max(fleet.busiest, fleet.busy);
    const startedAt = this.time.now;
    const outcome = await new Promise<T | 'died'>((resolve, reject) => {
      instance.environment.begin(this.#drawFault(), () => resolve('died'));
      call(instance.handlers).then(resolve, reject);
    });
    fleet.busy -= 1;
    if (outcome === 'died') return outcome;
    meter.add(`lambda.millis.${name}`, this.time.now - startedAt);
    instance.log.end(this.time.now - startedAt);
    fleet.idle.push({ ...instance, idleSince: this.time.now });
    return outcome;
  }

  #idleIn(fleet: Fleet): Instance | undefined {
    const latest = fleet.idle.at(-1);
    if (latest && this.time.now - latest.idleSince > KEPT_IDLE_MILLIS) fleet.idle = [];
    return fleet.idle.pop();
  }

  #start(name: FunctionName): Instance {
    this.cloud.meter.add(`lambda.starts.${name}`);
    const environment = new Environment(this);
    const log = this.options.isSilent ? silence : logOfEnvironment();
    const { durationStatsOf } = this.options;
    const batch = batchOf(name);
    const world = worldOf(this, environment, log, batch);
    const around = durationStatsOf && planningBy(durationStatsOf);
    const handlers = handlersOf(world, comeAgainIn(environment.clients, name), around, batch);
    return { environment, log, handlers, idleSince: this.time.now };
  }

  #drawFault(): Fault | null {
    const { random, options } = this;
    if (!random.happens(options.faults ?? 0)) return null;
    const kind = random.pick(['failing_call', 'upstream_500', 'dropped'] as const);
    return { kind, atCall: kind === 'upstream_500' ? -1 : random.between(0, CALLS_OF_AN_INVOCATION - 1) };
  }
}

/** Has each poll planned by durations of its own; those of number 0 are for the submission. */
function planningBy(durationStatsOf: (poll: number) => DurationStats): Around {
  const by = (poll: number, world: HandledWorld) => ({ ...world, durationStats: durationStatsOf(poll) });
  return {
    ...AS_IT_IS,
    submit: (world, handle) => handle(by(0, world)),
    poll: ({ wakeUp }, _isRepeat, world, handle) => handle(by(wakeUp.seq, world)),
  };
}

/** Its webhook has arrived. */
function isSettled({ webhook }: Item): boolean {
  const status = webhook?.M?.['status']?.S;
  return status !== undefined && status !== 'pending';
}
