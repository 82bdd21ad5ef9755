import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { isFinished, type Job } from '../../../functions/core/job.ts';
import type { Log } from '../../../functions/core/log.ts';
import type { PartLimits } from '../../../functions/core/parts/row.ts';
import { type Call, clientsOf } from '../../../test/cloud/clients.ts';
import { Cloud, type QueueName } from '../../../test/cloud/cloud.ts';
import { batchOf, comeAgainIn, failedIn, handlersOf, sqsEvent } from '../../../test/cloud/handlers.ts';
import type { Delivery, Handled, Message } from '../../../test/cloud/queue.ts';
import type { Environment } from '../environment.ts';
import type { Invocation } from '../invocation.ts';
import { judgeText, must } from '../judge.ts';
import { Keeping } from '../keeping.ts';
import { Lambda } from '../lambda.ts';
import { Lessons } from '../lessons.ts';
import { Receivers } from '../receivers.ts';
import { isLaterMessage, openedMessage, readAsLater, storeAs } from '../releases.ts';
import { Signers } from '../signers.ts';
import type { Simulation } from '../simulation.ts';
import { MODELSTUDIO_SECRET, WEBHOOK_SECRET, worldIn } from '../world.ts';
import { ForLater } from './for-later.ts';
import type { QueueUpstream } from './upstream.ts';

const HOUR = 3_600_000;
/** A round takes half a second and a pass ten, but for rounds whose calls fail, which are shorter. */
const ROUNDS_A_PASS_MAX = 40;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

interface Settings {
  queueForSeconds: number;
  allowResubmit: boolean;
  jobsAtOnce: number | null;
  partLimits?: PartLimits;
}

type Upstream = Pick<QueueUpstream, 'apiKey' | 'answer'>;

/** Whoever its ModelStudio is. */
export type AnySystem = QueueSystem<Upstream>;

/** The deployed system with queueing, and those outside with whom it speaks. */
export class QueueSystem<U extends Upstream = QueueUpstream> {
  readonly sim: Simulation;
  readonly cloud: Cloud;
  readonly lambda: Lambda;
  readonly upstream: U;
  readonly modelStudio: U;
  readonly receivers: Receivers;
  /** As their rows have them. */
  readonly jobs = new Map<string, Job>();
  readonly keeping: Keeping;
  readonly lessons: Lessons;
  readonly forLater: ForLater;
  readonly ledger = { wentBy: () => undefined };
  readonly settings: Settings;
  /** What a submission could not delete again, for which the bucket has a rule. */
  readonly unremoved = new Set<string>();
  /** When the queue's function was invoked. */
  readonly passes: number[] = [];
  readonly #looks = new WeakMap<Invocation, number>();

  constructor(sim: Simulation, settings: Settings, upstream: U) {
    this.sim = sim;
    this.settings = settings;
    this.upstream = upstream;
    this.modelStudio = upstream;
    this.cloud = this.#cloud();
    this.keeping = new Keeping(sim, this.cloud, this.jobs);
    this.lessons = new Lessons(sim);
    this.lessons.ofThePast(this.cloud, 'm', [64, 0], (_, random) => random.between(1, 60));
    this.forLater = new ForLater(sim, this.cloud);
    const signers = new Signers(SECRET, ['acme', 'bolt', 'crew'], () => sim.now);
    this.receivers = new Receivers(
      sim,
      (request, body) => {
        const job = this.jobs.get(JSON.parse(body).data.job_id);
        if (job) signers.judge(request, body, job.client);
      },
      (body, environment) => this.keeping.judgePost(body, environment),
    );
    this.cloud.secrets.set(MODELSTUDIO_SECRET, { AWSCURRENT: this.upstream.apiKey });
    this.cloud.secrets.set(WEBHOOK_SECRET, { AWSCURRENT: SECRET });
    this.lambda = new Lambda(sim, (environment) => this.#handlersIn(environment));
  }

  #cloud(): Cloud {
    const { sim } = this;
    const cloud = new Cloud({
      time: sim.time,
      handle: (queue, batch) => this.#handle(queue, batch),
      visibilityMillis: () => sim.faults.visibilityMillis,
    });
    cloud.faults = {
      ...cloud.faults,
      indexLagMillis: () => sim.chanceOf('index').between(0, sim.faults.indexLagMillis),
      isTaken: () => sim.fault('partialSend', 'sqs', 'a message') === null,
    };
    cloud.onSend = (queue, body, delaySeconds) => {
      judgeText('a message', body);
      sim.note(`${sim.acting?.name} sends to ${queue} in ${delaySeconds} s: ${body}`);
      if (queue === 'create') this.forLater.sent(body);
    };
    for (const queue of Object.values(cloud.queues)) {
      queue.faults = {
        ...queue.faults,
        lateMillis: () => {
          const late = sim.fault('late', queue.name, 'a message');
          return late ? late.between(1, 400) * 1000 : sim.duration(0, 30, queue.name);
        },
        againAfterMillis: () => {
          const again = sim.fault('duplicate', queue.name, 'a message');
          return again?.pick([0, 10, 1000, 60_000]) ?? null;
        },
      };
    }
    return cloud;
  }

  /** Without those that were left for later: they come again after hours, and are stale then. */
  messagesOf(queue: QueueName): Message[] {
    const isLeft = ({ body, hiddenUntil }: Message) =>
      isLaterMessage(body) && hiddenUntil > this.sim.now + HOUR;
    return [...this.cloud.queues[queue].messages].filter((message) => !isLeft(message));
  }

  async #handle(queue: QueueName, batch: readonly Delivery[]): Promise<Handled> {
    if (queue === 'create') this.passes.push(this.sim.now);
    const kept = this.keeping.keptIn(batch);
    let given: Invocation | null = null;
    const answer = await this.lambda.invoke(queue, (handlers, environment) => {
      given = environment.invocation;
      given.batch = batch;
      const event = sqsEvent(queue, batch);
      if (environment.release === 'later') {
        for (const each of event.Records) each.body = openedMessage(each.body);
      }
      return handlers[queue](event);
    });
    if (typeof answer === 'string') return answer;
    const failed = failedIn(batch, answer);
    const done = kept.filter((delivery) => !failed.has(delivery));
    this.sim.judge(() => this.keeping.judgeDone(queue, done, given));
    return failed;
  }

  #handlersIn(environment: Environment) {
    const clients = clientsOf(this.cloud, (call, effect) => {
      if (this.settings.jobsAtOnce === null) this.#judgeUnbounded(call);
      const { command } = call;
      if (environment.name === 'create' && command instanceof QueryCommand) this.#judgeLooks(environment);
      storeAs(environment.release, command, this.sim.seed);
      const read = () => (environment.release === 'later' ? readAsLater(command, effect()) : effect());
      if (!(command instanceof DeleteObjectCommand)) return environment.carry(call, read);
      const { Key = '' } = command.input;
      const sent = environment.carry(call, () => {
        this.keeping.judgeUse(Key.split('/')[1] ?? '', 'deletes the request of');
        this.#judgeDeletion(Key);
        return effect();
      });
      if (environment.name !== 'submit') return sent;
      return sent.catch((error) => {
        this.unremoved.add(Key);
        throw error;
      });
    });
    const batch = batchOf(environment.name);
    const world = worldIn(environment, clients, this, this.sim, batch);
    return handlersOf(world, comeAgainIn(clients, environment.name), undefined, batch);
  }

  /** A large job needs its conversations until its last part is begun: without them, it could only expire. */
  #judgeDeletion(key: string): void {
    const [folder, jobId = '', name = ''] = key.split('/');
    const job = this.jobs.get(jobId);
    if (folder !== 'sources' || job?.createdAt !== Number.parseInt(name, 10) || isFinished(job)) return;
    const round = (job.parts?.rounds.length ?? 0) - 1;
    const ids = Array.from(
      { length: job.parts?.rounds[round]?.parts ?? 0 },
      (_, i) => `${jobId}-${round}-${i}`,
    );
    const isBegun = ids.length > 0 && ids.every((id) => this.jobs.has(id));
    must(isBegun, 'I20', () => `the conversations of ${jobId} are deleted, which is ${job.status}`);
  }

  /** A pass looks at what waits, and at which places are free, before each round. */
  #judgeLooks({ invocationOrNull: invocation }: Environment): void {
    if (invocation === null) return;
    const looks = (this.#looks.get(invocation) ?? 0) + 1;
    this.#looks.set(invocation, looks);
    const most = 2 * (ROUNDS_A_PASS_MAX + this.jobs.size);
    this.sim.judge(() =>
      must(looks <= most, 'I19', () => `a pass looks at the queue for the ${looks}th time`),
    );
  }

  /** Where there is no bound, nobody asks for a place. */
  #judgeUnbounded({ command }: Call): void {
    const text = JSON.stringify(command.input);
    const isOfPlaces = text.includes('"place/') || text.includes('"free"');
    this.sim.judge(() => must(!isOfPlaces, 'I21', () => `places are asked for: ${text.slice(0, 200)}`));
  }

  logOf({ name }: Environment): Log {
    const told: Log['event'] = (stage, facts, metrics = {}) => {
      const text = JSON.stringify(facts);
      this.sim.judge(() => {
        judgeText('a log line', text);
        this.sim.traces.told(facts);
      });
      for (const [metric, value] of Object.entries(metrics))
        this.sim.count(
          metric,
          [value].flat().reduce((sum: number, each) => sum + Number(each), 0),
        );
      this.sim.note(`${name} tells: ${stage} ${text}`);
    };
    return { event: told, aggregate: told };
  }
}
