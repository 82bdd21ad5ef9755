import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { RECEIVES_MAX } from '../../functions/core/limits.ts';
import type { Settings } from '../settings/settings.ts';

/** Longer than any job lives. */
const RETENTION_DAYS = 8;
/** The maximum of SQS. A message keeps its age when it moves here, so this leaves six days to look at it. */
const DEAD_LETTERS_RETENTION_DAYS = 14;

/** At this rate, a batch is full within the second. With little traffic, Lambda may wait for 20 s instead. */
const BATCHING_WINDOW_FROM_JOBS_PER_SECOND = 100;

/** For how long Lambda gathers messages for a batch. */
export function batchingWindowSeconds({ steadyJobsPerSecond = 0 }: Settings): number {
  return steadyJobsPerSecond >= BATCHING_WINDOW_FROM_JOBS_PER_SECOND ? 1 : 0;
}

interface StageQueueProps {
  /** AWS recommends a visibility timeout of six times this, plus the batching window. */
  consumerTimeoutSeconds: number;
  batchingWindowSeconds: number;
}

/** A queue and its dead letters. */
export class StageQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly batchingWindowSeconds: number;

  constructor(scope: Construct, id: string, props: StageQueueProps) {
    super(scope, id);
    this.batchingWindowSeconds = props.batchingWindowSeconds;
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(DEAD_LETTERS_RETENTION_DAYS),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(6 * props.consumerTimeoutSeconds + props.batchingWindowSeconds),
      retentionPeriod: Duration.days(RETENTION_DAYS),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: RECEIVES_MAX },
    });
  }
}
