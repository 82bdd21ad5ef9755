import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { Millis } from '../../functions/core/job.ts';
import { AWS_CALL_MILLIS, DURATIONS_CALL_MILLIS } from '../../functions/core/limits.ts';
import { awsSettings, s3Settings } from '../../functions/edge/aws.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import type { Call, Service } from '../../test/cloud/clients.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import type { AttemptFate } from './faults.ts';
import { Invocation } from './invocation.ts';
import { must } from './judge.ts';
import { jobIn } from './ledger.ts';
import { refusalOf } from './permissions.ts';
import { openedMessage, type Release } from './releases.ts';
import type { Simulation } from './simulation.ts';

interface ClientSettings {
  maxAttempts?: number;
  requestHandler?: { requestTimeout?: Millis; throwOnRequestTimeout?: boolean };
}

/** As the clients of the functions are made, and what the SDK does where nothing is said. */
const SETTINGS: Record<Service, ClientSettings> = {
  dynamodb: awsSettings,
  sqs: awsSettings,
  secrets: awsSettings,
  s3: s3Settings,
};
const TRIES_BY_DEFAULT: Record<Service, number> = { dynamodb: 4, sqs: 3, secrets: 3, s3: 3 };

/** Before the last try of a call. */
const PAUSE_MAX_MILLIS = 200;

/** Above this, a call may be why a function had no time left. */
const SLOW_CALL_MILLIS = 2500;

/** A message may lose the same race once more, by a repeat of its own. */
const LOSSES_MAX = 2;

/** After a refusal of ModelStudio's, others so soon after it say nothing new. */
const SLOWED_MILLIS = 2000;

/** Between an answer and the next invocation, a function is frozen at least so long. */
const FROZEN_MILLIS = 50;

/**
 * An execution environment: it runs one invocation at a time, and what it keeps in memory is its own. When it dies,
 * what it was waiting for never comes, but may still happen.
 */
export class Environment {
  readonly name: FunctionName;
  readonly release: Release;
  readonly #sim: Simulation;
  readonly #skew: number;
  /** When it last read an item that it remembers for a while. */
  readonly #askedAt = new Map<string, Millis>();
  #slowedAt = Number.NEGATIVE_INFINITY;
  #isAlive = true;
  #invocation: Invocation | null = null;

  constructor(sim: Simulation, name: FunctionName) {
    this.#sim = sim;
    this.name = name;
    const { skewMillis } = sim.faults;
    this.#skew = skewMillis > 0 ? sim.chanceOf(name).between(-skewMillis, skewMillis) : 0;
    this.release = sim.releaseOf(name);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get invocation(): Invocation {
    if (this.#invocation === null) throw new Error(`${this.name} runs without an invocation`);
    return this.#invocation;
  }

  get invocationOrNull(): Invocation | null {
    return this.#invocation;
  }

  /** Whether ModelStudio has reported on the job to the invocation that is going on. */
  hasReportOn(upstreamJobId: string): boolean {
    return this.#invocation?.reportedOn.has(upstreamJobId) ?? false;
  }

  readonly clock = { now: (): number => this.#sim.now + this.#skew };

  /** @param onDeath is called if it dies before it has answered */
  begin(timeoutMillis: Millis, onDeath: () => void): void {
    const invocation = new Invocation(this.release, onDeath);
    this.#invocation = invocation;
    this.#sim.mark?.({ kind: 'begun', lane: this.name, by: this });
    this.#sim.time.after(timeoutMillis, () => {
      if (this.#invocation !== invocation || !this.#isAlive) return;
      this.#sim.judge(() => this.#judgeTimeOut(invocation));
      this.die('timed out');
    });
  }

  /** The sweeper begins nothing that it could not end; that it was slow does not count while each call was quick. */
  #judgeTimeOut({ slowestMillis }: Invocation): void {
    const isExplained = this.name !== 'sweep' || slowestMillis > SLOW_CALL_MILLIS;
    must(
      isExplained,
      'I12',
      () => `the sweep is cut off, though no call took longer than ${slowestMillis} ms`,
    );
  }

  /** What an environment remembers is not older than it may be. */
  mustHaveAsked(what: string, maxAgeMillis: Millis): void {
    // One that has just died while it asked goes by nothing any more.
    if (!this.#isAlive) return;
    const age = this.#sim.now - (this.#askedAt.get(what) ?? Number.NEGATIVE_INFINITY);
    this.#sim.judge(() =>
      must(
        age <= maxAgeMillis + AWS_CALL_MILLIS,
        'I19',
        () => `${this.name} goes by ${what} of ${age} ms ago`,
      ),
    );
  }

  /** It has answered: work still under way is frozen with it, or lost. @param onThawed when it may be invoked again */
  end(onThawed: () => void): void {
    const { underWay } = this.invocation;
    this.#sim.judge(() =>
      must(underWay === 0, 'I12', () => `${this.name} answers with ${underWay} calls under way`),
    );
    this.invocation.isOver = true;
    this.#invocation = null;
    this.#sim.mark?.({ kind: 'answered', lane: this.name, by: this });
    this.#sim.time.after(FROZEN_MILLIS, onThawed);
  }

  die(how: string): void {
    if (!this.#isAlive) return;
    this.#sim.note(`${this.name} ${how}`);
    this.#sim.count('died');
    this.#sim.mark?.({ kind: 'died', lane: this.name, by: this });
    this.#isAlive = false;
    if (this.#invocation === null) return;
    this.#invocation.isOver = true;
    this.#invocation.onDeath();
  }

  /** A call by way of the SDK, which tries it several times. Its effect happens at one moment, perhaps at several, or never. */
  async carry<T>({ service, command, options }: Call, effect: () => T): Promise<T> {
    const what = nameOf(command);
    const invocation = this.#begin(what);
    if (invocation === null) return new Promise(() => undefined);
    const refused = refusalOf(this.name, command);
    this.#sim.judge(() => must(refused === null, 'I16', () => `the role of ${this.name} lacks ${refused}`));
    const { time } = this.#sim;
    const crash = this.#sim.fault('crash', this.name, what);
    if (crash) {
      const isSent = crash.happens(0.5);
      if (isSent) time.after(crash.between(1, 50), () => this.#attempt(effect));
      this.die(`crashed at ${what}, ${isSent ? 'after' : 'before'} its effect`);
      return new Promise(() => undefined);
    }
    this.#note(command, invocation);
    invocation.calls[service] = (invocation.calls[service] ?? 0) + 1;
    invocation.names.add(what);
    invocation.underWay += 1;
    const startedAt = this.#sim.now;
    const { maxAttempts = TRIES_BY_DEFAULT[service], requestHandler } = SETTINGS[service];
    const isTimed = requestHandler?.throwOnRequestTimeout === true;
    const patience = options.requestTimeout ?? (isTimed ? requestHandler?.requestTimeout : undefined);
    const fates = this.#sim.fatesOf(this.name, service, what, maxAttempts);
    try {
      for (let tried = 1; ; tried++) {
        const isLast = tried === maxAttempts;
        const fate = fates.shift() ?? 'well';
        if (fate !== 'well') this.#sim.note(`${this.name}: ${what} ${fate}`);
        const answer = await this.#tryOnce(fate, effect, patience, options.abortSignal);
        if ('value' in answer) {
          this.#sent(command, answer.value, invocation);
          return answer.value;
        }
        const isRepeated = answer.isTransient && !isLast && options.abortSignal?.aborted !== true;
        if (!isRepeated) {
          if (answer.isTransient) invocation.failures.push(what);
          else if (answer.error instanceof ConditionalCheckFailedException) this.#lost(command, invocation);
          throw answer.error;
        }
        await new Promise<void>((resolve) => time.after(50 * 2 ** tried, resolve));
      }
    } finally {
      invocation.underWay -= 1;
      const tookMillis = this.#sim.now - startedAt;
      invocation.slowestMillis = Math.max(invocation.slowestMillis, tookMillis);
      // A large object is given more time, at the rate of a slow line.
      const ofDurations = what.endsWith(' durationStats') && DURATIONS_CALL_MILLIS + PAUSE_MAX_MILLIS;
      const most = ofDurations || AWS_CALL_MILLIS + (service === 's3' ? 1000 : 0);
      this.#sim.judge(() => must(tookMillis <= most, 'I12', () => `${what} takes ${tookMillis} ms in all`));
    }
  }

  #note(command: object, { written, names }: Invocation): void {
    if (command instanceof PutItemCommand && command.input.TableName === 'durationStats')
      this.#slowedAt = this.#sim.now;
    else if (this.#sim.now - this.#slowedAt < SLOWED_MILLIS) names.add('refused lately');
    if (command instanceof GetItemCommand) {
      const { TableName, Key = {} } = command.input;
      if (TableName === 'jobs' || TableName === 'documents') return;
      this.#askedAt.set(`${TableName} ${Object.values(Key)[0]?.S}`, this.#sim.now);
    } else if (command instanceof PutItemCommand && command.input.TableName === 'jobs') {
      written.add(command.input.Item?.['jobId']?.S ?? '');
    }
  }

  /** Who has lost a race has something to write that is newer than what the winner wrote, or leaves it. */
  #lost(command: object, invocation: Invocation): void {
    invocation.conflicts += 1;
    if (!(command instanceof PutItemCommand)) return;
    const { jobId, version, partOf } = command.input.Item ?? {};
    // The row of a place has no versions: whoever finds it taken looks again later.
    if (version === undefined) return;
    const write = `${jobId?.S} v${version?.N}`;
    const times = (invocation.lost.get(write) ?? 0) + 1;
    invocation.lost.set(write, times);
    // A part is begun by messages about its job.
    const about = partOf?.S ?? jobId?.S;
    const racing = invocation.batch.filter(({ message }) => jobIn(message.body) === about).length;
    const most = LOSSES_MAX * Math.max(2, racing);
    this.#sim.judge(() => must(times <= most, 'I9', () => `${this.name} loses ${write} ${times} times`));
  }

  #sent(command: object, answer: unknown, { polled, failures }: Invocation): void {
    if (!(command instanceof SendMessageBatchCommand)) return;
    const { Failed = [] } = answer as { Failed?: { Id: string }[] };
    if (Failed.length > 0) failures.push(nameOf(command));
    if (command.input.QueueUrl !== 'poll') return;
    for (const { Id, MessageBody = '' } of command.input.Entries ?? [])
      if (!Failed.some((failed) => failed.Id === Id))
        polled.set(jobIn(MessageBody), JSON.parse(openedMessage(MessageBody)).wakeUp.seq);
  }

  /** Null: it is dead, or frozen, which nobody should be who has something to do. */
  #begin(what: string): Invocation | null {
    if (!this.#isAlive) return null;
    const invocation = this.#invocation;
    this.#sim.judge(() =>
      must(invocation !== null, 'I12', () => `${this.name} calls ${what} after its answer`),
    );
    return invocation;
  }

  /** One request to a service, and what comes back. */
  #tryOnce<T>(
    fate: AttemptFate,
    effect: () => T,
    patience: Millis | undefined,
    abortSignal: AbortSignal | undefined,
  ): Promise<Answered<T>> {
    const { time } = this.#sim;
    const lands = fate === 'well' || fate === 'slow' || fate === 'reply lost' || fate === 'hangs, done';
    return new Promise((resolve) => {
      const reply = (answer: Answered<T>) => {
        if (this.#isAlive) resolve(answer);
      };
      const fails = (what: string) => reply({ error: new Error(`The call ${what}`), isTransient: true });
      const hangs = fate === 'hangs' || fate === 'hangs, done';
      const millis = this.#sim.latency(fate, this.name);
      let result: Answered<T> | null = null;
      time.after(millis / 2, () => {
        if (lands) result = this.#attempt(effect);
      });
      // The SDK must end it by then, whatever it has been told.
      if (hangs && patience === undefined) {
        time.after(AWS_CALL_MILLIS + 500, () => {
          if (this.#isAlive)
            this.#sim.judge(() => must(false, 'I12', () => `${this.name} waits for a call without an end`));
        });
      }
      if (!hangs) {
        const isAnswered = fate === 'well' || fate === 'slow';
        time.after(millis, () => (isAnswered && result ? reply(result) : fails(fate)));
      } else if (patience !== undefined) {
        time.after(patience, () => fails('took too long'));
      }
      if (abortSignal?.aborted) fails('was aborted');
      abortSignal?.addEventListener('abort', () => fails('was aborted'));
    });
  }

  #attempt<T>(effect: () => T): Answered<T> {
    const { acting } = this.#sim;
    this.#sim.acting = this;
    try {
      return { value: effect() };
    } catch (error) {
      this.#sim.report(error);
      return { error, isTransient: false };
    } finally {
      this.#sim.acting = acting;
    }
  }

  /** An exchange over HTTP: `answer` has its effect at once, and takes as long as it says. */
  exchange(
    request: ExchangeRequest,
    answer: () => { outcome: HttpOutcome; millis: number; created?: string },
  ): Promise<HttpOutcome> {
    const { time } = this.#sim;
    const invocation = this.#begin(`${request.method} ${request.url.pathname}`);
    if (invocation === null) return new Promise(() => undefined);
    const to = request.url.hostname === 'modelstudio' ? 'ModelStudio' : 'receiver';
    const label = to === 'receiver' ? 'webhook' : request.method === 'POST' ? 'create' : 'report';
    const about = `${request.url.pathname} ${request.body ?? ''}`;
    const crash = this.#sim.fault('crash', this.name, `${request.method} ${to}`);
    if (!crash) this.#sim.mark?.({ kind: 'call', from: this.name, to, label, about });
    const isSent = crash === null || crash.happens(0.5);
    const given = isSent ? this.#attempt(answer) : null;
    const made = given && 'value' in given ? given.value.created : undefined;
    this.#sim.judge(() => this.#sim.traces.called(request, this.#sim.now, invocation, made));
    if (crash) this.die(`crashed at an exchange, ${isSent ? 'after' : 'before'} its effect`);
    invocation.underWay += 1;
    return new Promise((resolve) => {
      if (given === null || 'error' in given) return;
      const { outcome, millis, created } = given.value;
      const { deadlineMillis } = request;
      if (label === 'create') {
        const isTold = created !== undefined && millis <= deadlineMillis;
        invocation.creates.push({ outcome, ...(isTold && { upstreamJobId: created }) });
      }
      const inTime: HttpOutcome = millis <= deadlineMillis ? outcome : { kind: 'timeout', isConnected: true };
      time.after(Math.min(millis, deadlineMillis), () => {
        invocation.underWay -= 1;
        if (!this.#isAlive) return;
        const said = inTime.kind === 'answered' ? `${inTime.status}` : inTime.kind;
        this.#sim.mark?.({ kind: 'answer', from: to, to: this.name, label: said, about });
        resolve(inTime);
      });
    });
  }
}

/** A command and what it is sent to. */
function nameOf({ constructor: { name }, input }: Call['command']): string {
  const { TableName, QueueUrl } = input as { TableName?: string; QueueUrl?: string };
  return `${name.slice(0, -'Command'.length)} ${TableName ?? QueueUrl ?? ''}`.trimEnd();
}

type Answered<T> = { value: T } | { error: unknown; isTransient: boolean };
