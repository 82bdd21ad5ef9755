import { Construct } from 'constructs';
import { TIMEOUT_SECONDS } from '../functions/core/limits.ts';
import { allow } from './allow.ts';
import { splitConcurrency } from './concurrency.ts';
import type { Deliver } from './deliver.ts';
import { StageFunction } from './function.ts';
import { gatherSeconds, StageQueue } from './queue.ts';
import type { Shared } from './shared.ts';

/** Asks ModelStudio until a job is finished. Reports too large for the poller go to the collector. */
export class Poll extends Construct {
  readonly queue: StageQueue;
  readonly collectQueue: StageQueue;

  constructor(scope: Construct, id: string, shared: Shared, deliver: Deliver) {
    super(scope, id);
    this.queue = new StageQueue(this, 'Poll', TIMEOUT_SECONDS.poll, gatherSeconds(shared.settings));
    this.collectQueue = new StageQueue(this, 'Collect', TIMEOUT_SECONDS.collect);
    const concurrency = splitConcurrency(shared.settings.concurrency);
    const poller = this.addPoller('poll', shared, deliver);
    poller.consume(this.queue, { size: 10, maxConcurrency: concurrency.poll });
    const collector = this.addPoller('collect', shared, deliver);
    collector.consume(this.collectQueue, { size: 1, maxConcurrency: concurrency.collect });
  }

  private addPoller(name: 'poll' | 'collect', shared: Shared, deliver: Deliver): StageFunction {
    const { state } = shared;
    const queues = [this.queue.queue, this.collectQueue.queue, deliver.queue.queue];
    const fn = new StageFunction(this, name === 'poll' ? 'Poller' : 'Collector', shared, {
      name,
      environment: {
        MODELSTUDIO_SECRET_ARN: state.modelStudioKey.secretArn,
        POLL_QUEUE_URL: this.queue.queue.queueUrl,
        COLLECT_QUEUE_URL: this.collectQueue.queue.queueUrl,
        DELIVER_QUEUE_URL: deliver.queue.queue.queueUrl,
      },
    });
    state.grantJobs(fn, 'dynamodb:GetItem', 'dynamodb:PutItem');
    state.grantWriteDocuments(fn);
    state.grantExperience(fn, 'dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem');
    allow(fn, ['sqs:SendMessage'], ...queues.map((queue) => queue.queueArn));
    allow(fn, ['secretsmanager:GetSecretValue'], state.modelStudioKey.secretArn);
    return fn;
  }
}
