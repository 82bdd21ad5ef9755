import type { Construct } from 'constructs';
import { toRows } from './grant.ts';
import { StageFunction, type WakingStageProps } from './stage-function.ts';

/** Creates jobs at ModelStudio. */
export class Submit extends StageFunction {
  constructor(scope: Construct, id: string, props: WakingStageProps) {
    const { storage, settings, pollQueue, deliverQueue } = props;
    super(scope, id, {
      ...props,
      name: 'submit',
      environment: {
        CLIENT_KEYS_TABLE: storage.clientKeys.tableName,
        MODELSTUDIO_SECRET_ARN: storage.modelStudioKey,
        POLL_QUEUE_URL: pollQueue,
        DELIVER_QUEUE_URL: deliverQueue,
        DEFAULT_WEBHOOK_URL: settings.defaultWebhookUrl,
      },
      permissions: [
        toRows(storage.jobs, 'GetItem', 'PutItem', 'DeleteItem'),
        toRows(storage.durationStats, 'GetItem', 'PutItem'),
        ...storage.toReadDocuments,
        ...storage.toWriteDocuments,
        toRows(storage.clientKeys, 'GetItem'),
      ],
    });
  }
}
