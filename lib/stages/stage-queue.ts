import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { FUNCTIONS, RECEIVES_MAX } from '../../functions/core/limits.ts';
import type { Settings } from '../settings/settings.ts';
import { splitConcurrency } from './concurrency.ts';

/** Longer than any job lives. */
const RETENTION_DAYS = 8;
/** The maximum of SQS. A message keeps its age when it moves here, so this leaves six days to look at it. */
const DEAD_LETTERS_RETENTION_DAYS = 14;

const PROTECTED = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

interface StageQueueProps {
  consumer: keyof ReturnType<typeof splitConcurrency>;
  batchSize: number;
  settings: Settings;
}

export class StageQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  /** For its consumer. A record that fails goes back to the queue alone. */
  readonly eventSource: SqsEventSource;

  constructor(scope: Construct, id: string, { consumer, batchSize, settings }: StageQueueProps) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...PROTECTED,
      retentionPeriod: Duration.days(DEAD_LETTERS_RETENTION_DAYS),
    });
    this.queue = new Queue(this, 'Queue', {
      ...PROTECTED,
      // As AWS recommends.
      visibilityTimeout: Duration.seconds(6 * FUNCTIONS[consumer].timeoutSeconds),
      retentionPeriod: Duration.days(RETENTION_DAYS),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: RECEIVES_MAX },
    });
    this.eventSource = new SqsEventSource(this.queue, {
      batchSize,
      maxConcurrency: splitConcurrency(settings.concurrency)[consumer],
      reportBatchItemFailures: true,
    });
  }
}
