import { Construct } from 'constructs';
import { TIMEOUT_SECONDS } from '../../functions/core/limits.ts';
import { splitConcurrency } from './concurrency.ts';
import { toRows } from './grant.ts';
import { StageFunction, type StageProps } from './stage-function.ts';
import { batchingWindowSeconds, StageQueue } from './stage-queue.ts';

/** Polls ModelStudio until a job is finished. Reports too large for the poller go to the collector. */
export class Poll extends Construct {
  readonly queue: StageQueue;

  constructor(scope: Construct, id: string, props: StageProps & { deliverQueue: StageQueue }) {
    super(scope, id);
    const { storage, settings, deliverQueue } = props;
    this.queue = new StageQueue(this, 'Poll', {
      consumerTimeoutSeconds: TIMEOUT_SECONDS.poll,
      batchingWindowSeconds: batchingWindowSeconds(settings),
    });
    const collectQueue = new StageQueue(this, 'Collect', {
      consumerTimeoutSeconds: TIMEOUT_SECONDS.collect,
      batchingWindowSeconds: 0,
    });
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
        ...storage.toWriteDocuments,
        toRows(storage.durationStats, 'GetItem', 'UpdateItem', 'PutItem'),
      ],
    };
    const concurrency = splitConcurrency(settings.concurrency);
    new StageFunction(this, 'Poller', {
      ...shared,
      name: 'poll',
      consumes: { queue: this.queue, batchSize: 10, maxConcurrency: concurrency.poll },
    });
    new StageFunction(this, 'Collector', {
      ...shared,
      name: 'collect',
      consumes: { queue: collectQueue, batchSize: 1, maxConcurrency: concurrency.collect },
    });
  }
}
