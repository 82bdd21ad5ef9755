import type { Construct } from 'constructs';
import { toQuery, toRows } from './grant.ts';
import { StageFunction, type StageProps } from './stage-function.ts';
import type { StageQueue } from './stage-queue.ts';

/** Answers all requests about a job once it exists. */
export class Jobs extends StageFunction {
  constructor(scope: Construct, id: string, props: StageProps & { deliverQueue: StageQueue }) {
    const { storage } = props;
    super(scope, id, {
      ...props,
      name: 'jobs',
      environment: {
        CLIENT_KEYS_TABLE: storage.clientKeys.tableName,
        DELIVER_QUEUE_URL: props.deliverQueue,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'BatchGetItem', 'PutItem'),
        toQuery(storage.jobs, 'client'),
        ...storage.toReadDocuments,
        ...storage.toWriteDocuments,
        toRows(storage.clientKeys, 'GetItem'),
      ],
    });
  }
}
