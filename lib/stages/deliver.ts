import { Construct } from 'constructs';
import { TIMEOUT_SECONDS } from '../../functions/core/limits.ts';
import { splitConcurrency } from './concurrency.ts';
import { toRows } from './grant.ts';
import { StageFunction, type StageProps } from './stage-function.ts';
import { batchingWindowSeconds, StageQueue } from './stage-queue.ts';

/** Sends webhooks and retries them. */
export class Deliver extends Construct {
  readonly queue: StageQueue;

  constructor(scope: Construct, id: string, props: StageProps) {
    super(scope, id);
    const { storage, settings } = props;
    this.queue = new StageQueue(this, 'Deliver', {
      consumerTimeoutSeconds: TIMEOUT_SECONDS.deliver,
      batchingWindowSeconds: batchingWindowSeconds(settings),
    });
    new StageFunction(this, 'Function', {
      ...props,
      name: 'deliver',
      environment: {
        WEBHOOK_SECRET_ARN: storage.webhookSecret,
        DELIVER_QUEUE_URL: this.queue,
        // A DNS lookup holds a thread and cannot be canceled: four slow name servers would block the default four.
        UV_THREADPOOL_SIZE: '64',
      },
      permissions: [toRows(storage.jobs, 'GetItem', 'PutItem'), ...storage.toReadDocuments],
      consumes: {
        queue: this.queue,
        batchSize: 10,
        maxConcurrency: splitConcurrency(settings.concurrency).deliver,
      },
    });
  }
}
