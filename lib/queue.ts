import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { RECEIVES_MAX } from '../functions/core/limits.ts';
import type { Settings } from './settings.ts';

/** Longer than any job lives. */
const RETENTION_DAYS = 8;
/** The most that SQS offers. A message keeps its age when it is set aside, so this leaves six days to look at it. */
const DEAD_LETTERS_RETENTION_DAYS = 14;

/** From so many on, a batch is full before the second is over. With little traffic, Lambda may wait for 20 s instead. */
const GATHERS_FROM_JOBS_PER_SECOND = 100;

/** For how long Lambda gathers messages for a batch, in seconds. */
export function gatherSeconds({ steadyJobsPerSecond = 0 }: Settings): number {
  return steadyJobsPerSecond >= GATHERS_FROM_JOBS_PER_SECOND ? 1 : 0;
}

/** A queue and its dead letters. */
export class StageQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly gatherSeconds: number;

  /**
   * @param consumerTimeoutSeconds of the function that it feeds: AWS asks for six times that as visibility,
   *   beside the time for which messages are gathered
   */
  constructor(scope: Construct, id: string, consumerTimeoutSeconds: number, gatherSeconds = 0) {
    super(scope, id);
    this.gatherSeconds = gatherSeconds;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(DEAD_LETTERS_RETENTION_DAYS),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(6 * consumerTimeoutSeconds + gatherSeconds),
      retentionPeriod: Duration.days(RETENTION_DAYS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES_MAX },
    });
  }
}
