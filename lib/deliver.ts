import { Construct } from 'constructs';
import { TIMEOUT_SECONDS } from '../functions/core/limits.ts';
import { allow } from './allow.ts';
import { splitConcurrency } from './concurrency.ts';
import { StageFunction } from './function.ts';
import { gatherSeconds, StageQueue } from './queue.ts';
import type { Shared } from './shared.ts';

/** Sends webhooks and retries them. */
export class Deliver extends Construct {
  readonly queue: StageQueue;

  constructor(scope: Construct, id: string, shared: Shared) {
    super(scope, id);
    const { state, settings } = shared;
    this.queue = new StageQueue(this, 'Deliver', TIMEOUT_SECONDS.deliver, gatherSeconds(settings));
    const fn = new StageFunction(this, 'Function', shared, {
      name: 'deliver',
      environment: {
        WEBHOOK_SECRET_ARN: state.webhookSecret.secretArn,
        DELIVER_QUEUE_URL: this.queue.queue.queueUrl,
        // A look-up of a name holds a thread and cannot be called off; of four, four slow name servers would take all.
        UV_THREADPOOL_SIZE: '64',
      },
    });
    fn.consume(this.queue, { size: 10, maxConcurrency: splitConcurrency(settings.concurrency).deliver });
    state.grantJobs(fn, 'dynamodb:GetItem', 'dynamodb:PutItem');
    state.grantReadDocuments(fn);
    allow(fn, ['sqs:SendMessage'], this.queue.queue.queueArn);
    allow(fn, ['secretsmanager:GetSecretValue'], state.webhookSecret.secretArn);
  }
}
