import { Construct } from 'constructs';
import { toQuery, toRows } from './grant.ts';
import { StageFunction, type WakingStageProps } from './stage-function.ts';
import { StageQueue } from './stage-queue.ts';

/** Has ModelStudio create jobs that it did not take when they came. */
export class Create extends Construct {
  readonly queue: StageQueue;

  constructor(scope: Construct, id: string, props: Omit<WakingStageProps, 'createQueue'>) {
    super(scope, id);
    const { storage, settings, pollQueue, deliverQueue } = props;
    this.queue = new StageQueue(this, 'Create', { consumer: 'create', batchSize: 1, settings });
    new StageFunction(this, 'Function', {
      ...props,
      name: 'create',
      environment: {
        MODELSTUDIO_SECRET_ARN: storage.modelStudioKey,
        POLL_QUEUE_URL: pollQueue,
        DELIVER_QUEUE_URL: deliverQueue,
        CREATE_QUEUE_URL: this.queue,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem', 'UpdateItem'),
        toQuery(storage.jobs, 'queue'),
        toRows(storage.durationStats, 'GetItem', 'PutItem', 'UpdateItem'),
        ...storage.toEndJobs,
        storage.toObjects('GetObject', 'requests'),
      ],
      consumes: this.queue,
    });
  }
}
