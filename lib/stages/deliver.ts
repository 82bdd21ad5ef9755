import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { splitConcurrency } from './concurrency.ts';
import { toDestinations, toQuery, toRows } from './grant.ts';
import { StageFunction, type StageProps } from './stage-function.ts';
import { StageQueue } from './stage-queue.ts';

/** Sends webhooks and retries them. */
export class Deliver extends Construct {
  readonly queue: StageQueue;
  readonly role: IRole;

  constructor(scope: Construct, id: string, props: StageProps) {
    super(scope, id);
    const { storage, settings } = props;
    const { toReadDocuments, toReadClientSettings } = storage;
    const { destinations } = settings;
    this.queue = new StageQueue(this, 'Deliver', { consumer: 'deliver', batchSize: 10, settings });
    const fn = new StageFunction(this, 'Function', {
      ...props,
      name: 'deliver',
      environment: {
        WEBHOOK_SECRET_ARN: storage.webhookSecret,
        CLIENT_KEYS_TABLE: storage.clientKeys.tableName,
        DELIVER_QUEUE_URL: this.queue,
        DESTINATIONS: destinations.length > 0 ? JSON.stringify(destinations) : undefined,
        ENVIRONMENTS: String(splitConcurrency(settings.concurrency).deliver),
        // A DNS lookup holds a thread and cannot be canceled: four slow name servers would block the default four.
        UV_THREADPOOL_SIZE: '64',
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem', 'UpdateItem'),
        toQuery(storage.jobs, 'queue'),
        ...toReadDocuments,
        ...toReadClientSettings,
        ...toDestinations(destinations),
      ],
      consumes: this.queue,
    });
    this.role = fn.role as IRole;
  }
}
