import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { Log } from '../../../functions/ports.ts';
import { type Call, clientsOf } from '../../../test/cloud/clients.ts';
import { Cloud, type QueueName } from '../../../test/cloud/cloud.ts';
import { comeAgainIn, failedIn, handlersOf, sqsEvent } from '../../../test/cloud/handlers.ts';
import type { Delivery, Handled } from '../../../test/cloud/queue.ts';
import type { Environment } from '../environment.ts';
import { judgeText, must } from '../judge.ts';
import { Lambda } from '../lambda.ts';
import { Receivers } from '../receivers.ts';
import { Signers } from '../signers.ts';
import type { Simulation } from '../simulation.ts';
import { MODELSTUDIO_SECRET, WEBHOOK_SECRET, worldIn } from '../world.ts';
import { QueueUpstream } from './upstream.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

/** The deployed system with queueing, and those outside with whom it speaks. */
export class QueueSystem {
  readonly sim: Simulation;
  readonly cloud: Cloud;
  readonly lambda: Lambda;
  readonly upstream: QueueUpstream;
  readonly modelStudio: QueueUpstream;
  readonly receivers: Receivers;
  readonly ledger = { wentBy: () => undefined };
  readonly settings: { queueForSeconds: number; allowResubmit: boolean; jobsAtOnce: number | null };
  /** What a submission could not delete again, for which the bucket has a rule. */
  readonly unremoved = new Set<string>();
  /** When the queue's function was invoked. */
  readonly passes: number[] = [];

  constructor(sim: Simulation) {
    this.sim = sim;
    const chance = sim.chanceOf('settings');
    this.settings = {
      queueForSeconds: chance.pick([0, 300, 3600, 3600, 3600]),
      allowResubmit: chance.happens(0.5),
      jobsAtOnce: chance.pick([null, null, null, null, 1, 2, 3, 5]),
    };
    this.upstream = new QueueUpstream(sim, this.settings.jobsAtOnce);
    this.modelStudio = this.upstream;
    const signers = new Signers(SECRET, ['acme', 'bolt', 'crew'], () => sim.now);
    this.receivers = new Receivers(
      sim,
      (request, body) => {
        const { Item } = this.cloud.tables.jobs.get({ jobId: { S: JSON.parse(body).data.job_id } }, true);
        if (Item?.['client']?.S) signers.judge(request, body, Item['client'].S);
      },
      () => undefined,
    );
    this.cloud = this.#cloud();
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

  async #handle(queue: QueueName, batch: readonly Delivery[]): Promise<Handled> {
    if (queue === 'create') this.passes.push(this.sim.now);
    const answer = await this.lambda.invoke(queue, (handlers) => handlers[queue](sqsEvent(queue, batch)));
    return typeof answer === 'string' ? answer : failedIn(batch, answer);
  }

  #handlersIn(environment: Environment) {
    const clients = clientsOf(this.cloud, (call, effect) => {
      if (this.settings.jobsAtOnce === null) this.#judgeUnbounded(call);
      const sent = environment.carry(call, effect);
      if (!(call.command instanceof DeleteObjectCommand) || environment.name !== 'submit') return sent;
      const { Key = '' } = call.command.input;
      return sent.catch((error) => {
        this.unremoved.add(Key);
        throw error;
      });
    });
    const world = worldIn(environment, clients, this, this.sim);
    return handlersOf(world, comeAgainIn(clients, environment.name));
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
      this.sim.judge(() => judgeText('a log line', text));
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
