import { Construct } from 'constructs';
import { toRows } from './grant.ts';
import { StageFunction, type StageProps, type WakingStageProps } from './stage-function.ts';
import { StageQueue } from './stage-queue.ts';

/** Polls ModelStudio until a job is finished. Reports too large for the poller go to the collector, and large jobs. */
export class Poll extends Construct {
  readonly queue: StageQueue;
  readonly #collectQueue: StageQueue;
  /** What both functions know and may do. */
  readonly #polling;

  constructor(scope: Construct, id: string, props: StageProps & { deliverQueue: StageQueue }) {
    super(scope, id);
    const { storage, settings, deliverQueue } = props;
    this.queue = new StageQueue(this, 'Poll', { consumer: 'poll', batchSize: 10, settings });
    this.#collectQueue = new StageQueue(this, 'Collect', { consumer: 'collect', batchSize: 1, settings });
    this.#polling = {
      environment: {
        MODELSTUDIO_SECRET_ARN: storage.modelStudioKey,
        POLL_QUEUE_URL: this.queue,
        COLLECT_QUEUE_URL: this.#collectQueue,
        DELIVER_QUEUE_URL: deliverQueue,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem'),
        ...storage.toEndJobs,
        toRows(storage.durationStats, 'GetItem', 'UpdateItem', 'PutItem'),
      ],
    };
    new StageFunction(this, 'Poller', { ...props, ...this.#polling, name: 'poll', consumes: this.queue });
  }

  /** It puts the parts of large jobs into the queue for creation. */
  addCollector(props: Omit<WakingStageProps, 'pollQueue'>): void {
    const { storage, settings, createQueue } = props;
    const { partsAtOnce, jobsAtOnce = partsAtOnce } = settings;
    const { environment, permissions } = this.#polling;
    new StageFunction(this, 'Collector', {
      ...props,
      name: 'collect',
      environment: {
        ...environment,
        CREATE_QUEUE_URL: createQueue,
        PARTS_AT_ONCE: String(Math.min(partsAtOnce, jobsAtOnce)),
      },
      permissions: [
        ...permissions,
        toRows(storage.jobs, 'UpdateItem'),
        ...storage.toReadDocuments,
        storage.toObjects('GetObject', 'plans', 'sources', 'uploads'),
        storage.toObjects('PutObject', 'requests'),
      ],
      consumes: this.#collectQueue,
    });
  }
}
