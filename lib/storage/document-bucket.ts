import { type CfnElement, Duration, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

interface DocumentBucketProps {
  expirationDays: number;
  removalPolicy: RemovalPolicy;
}

/** For documents that are too large for a row. */
export class DocumentBucket extends Bucket {
  constructor(scope: Construct, id: string, { expirationDays, removalPolicy }: DocumentBucketProps) {
    super(scope, id, {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        {
          expiration: Duration.days(expirationDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy,
    });
    const stack = Stack.of(this);
    const logicalId = stack.getLogicalId(this.node.defaultChild as CfnElement);
    Validations.of(stack).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/*]`,
      reason: 'A function may meet the documents of any job; nothing else lies in the bucket.',
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Only the functions reach the bucket, and they log what they do for which job.',
    });
  }
}
