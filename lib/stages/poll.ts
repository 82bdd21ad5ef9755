import { Construct } from 'constructs';
import { toRows } from './grant.ts';
import { StageFunction, type StageProps } from './stage-function.ts';
import { StageQueue } from './stage-queue.ts';

/** Polls ModelStudio until a job is finished. Reports too large for the poller go to the collector. */
export class Poll extends Construct {
  readonly queue: StageQueue;

  constructor(scope: Construct, id: string, props: StageProps & { deliverQueue: StageQueue }) {
    super(scope, id);
    const { storage, settings, deliverQueue } = props;
    this.queue = new StageQueue(this, 'Poll', { consumer: 'poll', batchSize: 10, settings });
    const collectQueue = new StageQueue(this, 'Collect', { consumer: 'collect', batchSize: 1, settings });
    const shared = {
      ...props,
      environment: {
        MODELSTUDIO_SECRET_ARN: storage.modelStudioKey,
        POLL_QUEUE_URL: this.queue,
        COLLECT_QUEUE_URL: collectQueue,
        DELIVER_QUEUE_URL: deliverQueue,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem'),
        ...storage.toEndJobs,
        toRows(storage.durationStats, 'GetItem', 'UpdateItem', 'PutItem'),
      ],
    };
    new StageFunction(this, 'Poller', { ...shared, name: 'poll', consumes: this.queue });
    new StageFunction(this, 'Collector', { ...shared, name: 'collect', consumes: collectQueue });
  }
}
