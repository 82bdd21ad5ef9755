import './lambda-environment.ts';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { DurationStats } from '../../../functions/ports.ts';
import { Cloud, type QueueName } from '../../../test/cloud/cloud.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import {
  type Around,
  AS_IT_IS,
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
import { newClientKey } from '../../commands/new-client-key.ts';
import { Random } from '../../simulation/random.ts';
import { Environment, type Fault } from './environment.ts';
import type { Ledger } from './ledger.ts';
import { countLogLines, type EnvironmentLog, logOfEnvironment, silence } from './log-lines.ts';
import { Outside } from './outside.ts';
import { Overhead } from './overhead.ts';
import { submission } from './submission.ts';
import type { Options, Surroundings } from './surroundings.ts';
import { SECRETS, worldOf } from './world.ts';

const START = Date.UTC(2026, 0, 1);

/** A function in an environment of its own. */
interface Instance {
  environment: Environment;
  log: EnvironmentLog;
  handlers: Handlers;
}

/** The environments of a function. */
class Fleet {
  readonly idle: Instance[] = [];
  /** How many are at work, and the most that ever were. */
  busy = 0;
  busiest = 0;
}

const CALLS_OF_AN_INVOCATION = 4;

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
  /** Submissions that were not answered with 202. */
  refused = 0;
  readonly fleets: Record<FunctionName, Fleet> = {
    submit: new Fleet(),
    create: new Fleet(),
    jobs: new Fleet(),
    poll: new Fleet(),
    collect: new Fleet(),
    deliver: new Fleet(),
    sweep: new Fleet(),
  };
  readonly #clientKey = newClientKey('my-app', ['jobs:write'], new Uint8Array(48).fill(7), 0);

  constructor(ledger: Ledger, options: Options) {
    this.options = options;
    this.random = new Random(options.seed);
    this.ledger = ledger;
    this.outside = new Outside(ledger);
    const { gatherMillis = 0, pollVisibilityMillis = null, isForgetful = false } = options;
    this.cloud = new Cloud({
      time: this.time,
      handle: (queue, batch) => this.#handle(queue, batch),
      visibilityMillis: (queue) => (queue === 'poll' ? pollVisibilityMillis : null),
      gatherMillis,
      ...(isForgetful && { isDone: isSettled }),
    });
    countLogLines(this.cloud.meter);
    this.cloud.tables.clientKeys.put(marshall(this.#clientKey.record));
    for (const [id, secret] of Object.entries(SECRETS)) this.cloud.secrets.set(id, secret);
  }

  /** A client's request for a job. */
  async submit(index: number): Promise<void> {
    const { modelOf, fieldsOf } = this.options;
    const event = this.overhead.of(() =>
      submission(index, modelOf(index), this.#clientKey.key, fieldsOf?.(index)),
    );
    const answer = await this.#invoke('submit', ({ submit }) => submit(event));
    this.cloud.meter.add('http.requests');
    if (answer === 'died' || answer.statusCode !== 202) this.refused += 1;
    else this.ledger.accepted(index, this.time.now);
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
    const instance = fleet.idle.pop() ?? this.#start(name);
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
    instance.log.end(this.time.now - startedAt);
    fleet.idle.push(instance);
    return outcome;
  }

  #start(name: FunctionName): Instance {
    this.cloud.meter.add(`lambda.starts.${name}`);
    const environment = new Environment(this);
    const log = this.options.isSilent ? silence : logOfEnvironment();
    const { durationStatsOf } = this.options;
    const world = worldOf(this, environment, log, name === 'poll');
    const around = durationStatsOf && planningBy(durationStatsOf);
    const handlers = handlersOf(world, comeAgainIn(environment.clients, name), around);
    return { environment, log, handlers };
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
