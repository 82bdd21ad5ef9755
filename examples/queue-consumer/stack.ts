import { fileURLToPath } from 'node:url';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

const PROTECTED = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
const FUNCTION_SECONDS = 30;

/** A queue for the events of finished jobs, and a function that stores each of them once. */
export class ConsumerStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...PROTECTED,
      retentionPeriod: Duration.days(14),
    });
    const queue = new Queue(this, 'Events', {
      ...PROTECTED,
      // As AWS recommends.
      visibilityTimeout: Duration.seconds(6 * FUNCTION_SECONDS),
      retentionPeriod: Duration.days(8),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: 10 },
    });
    // Within one account, the role's own policy is enough.
    const senderArn: string | undefined = this.node.tryGetContext('deliverRoleArn');
    if (senderArn !== undefined) queue.grantSendMessages(new ArnPrincipal(senderArn));
    const inbox = new TableV2(this, 'Inbox', {
      partitionKey: { name: 'webhook_id', type: AttributeType.STRING },
      timeToLiveAttribute: 'expires_at',
      // A function of yours on this stream does the work.
      dynamoStream: StreamViewType.NEW_IMAGE,
    });
    const consumer = new LambdaFunction(this, 'Consumer', {
      code: Code.fromAsset(fileURLToPath(new URL('.', import.meta.url)), { exclude: ['*', '!index.mjs'] }),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      timeout: Duration.seconds(FUNCTION_SECONDS),
      environment: { INBOX_TABLE: inbox.tableName },
    });
    inbox.grant(consumer, 'dynamodb:PutItem');
    consumer.addEventSource(new SqsEventSource(queue, { batchSize: 10, reportBatchItemFailures: true }));
    new CfnOutput(this, 'QueueArn', { value: queue.queueArn });
  }
}
