import { type CfnElement, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { allow } from './allow.ts';
import type { Settings } from './settings.ts';

/** Random letters and digits: as many as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

/** What outlives a deployment: jobs, documents, what was learnt of their durations, client keys and secrets. */
export class State extends Construct {
  readonly jobs: Table;
  readonly documents: Table;
  readonly experience: Table;
  readonly clientKeys: Table;
  readonly bucket: Bucket;
  readonly modelStudioKey: Secret;
  readonly webhookSecret: Secret;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const removalPolicy = settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.jobs = table(this, 'Jobs', 'jobId', removalPolicy, 'ttl');
    // Keys alone, and only of jobs that need looking after: an entry that does not move costs no write.
    this.jobs.addGlobalSecondaryIndex({
      indexName: 'sweep',
      partitionKey: { name: 'sweepShard', type: AttributeType.NUMBER },
      sortKey: { name: 'sweepAt', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    // Neither of its keys ever changes, so a job costs it one write.
    this.jobs.addGlobalSecondaryIndex({
      indexName: 'client',
      partitionKey: { name: 'client', type: AttributeType.STRING },
      sortKey: { name: 'listKey', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.documents = table(this, 'Documents', 'key', removalPolicy, 'ttl');
    this.experience = table(this, 'Experience', 'kind', removalPolicy);
    this.clientKeys = table(this, 'ClientKeys', 'sha256', removalPolicy);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        {
          expiration: Duration.days(settings.retentionDays + 1),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy,
    });
    this.modelStudioKey = new Secret(this, 'ModelStudioApiKey', {
      description: 'API key of ModelStudio. Put yours in after the first deploy.',
      removalPolicy,
    });
    this.webhookSecret = new Secret(this, 'WebhookSecret', {
      description: 'Signs webhooks: "whsec_" and base64. The prefix may be left out.',
      generateSecretString: { passwordLength: SIGNING_SECRET_LENGTH, excludePunctuation: true },
      removalPolicy,
    });
    this.acknowledge();
  }

  grantJobs(fn: IGrantable, ...actions: string[]): void {
    allow(fn, actions, this.jobs.tableArn);
  }

  /** To read finished jobs' documents, and links to them. */
  grantReadDocuments(fn: IGrantable): void {
    allow(fn, ['dynamodb:GetItem'], this.documents.tableArn);
    allow(fn, ['s3:GetObject'], this.bucket.arnForObjects('*'));
  }

  grantWriteDocuments(fn: IGrantable): void {
    allow(fn, ['dynamodb:PutItem'], this.documents.tableArn);
    allow(fn, ['s3:PutObject'], this.bucket.arnForObjects('*'));
  }

  /** To plan polls by what past jobs have taught. */
  grantExperience(fn: IGrantable, ...actions: string[]): void {
    allow(fn, actions, this.experience.tableArn);
  }

  /** What cdk-nag would have otherwise, and why it is as it is. */
  private acknowledge(): void {
    const stack = Stack.of(this);
    const bucketId = stack.getLogicalId(this.bucket.node.defaultChild as CfnElement);
    Validations.of(stack).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
      reason: 'A function may meet the documents of any job; nothing else lies in the bucket.',
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Only the functions reach the bucket, and they log what they do for which job.',
    });
    Validations.of(this.modelStudioKey).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'ModelStudio issues the key, so only a person can rotate it.',
    });
    Validations.of(this.webhookSecret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        "A rotation that the receivers do not know of ends in webhooks that they refuse: it is a person's step.",
    });
  }

  /** Where a function finds the jobs and their documents. */
  get environment(): Record<string, string> {
    return {
      JOBS_TABLE: this.jobs.tableName,
      DOCUMENTS_TABLE: this.documents.tableName,
      EXPERIENCE_TABLE: this.experience.tableName,
      BUCKET: this.bucket.bucketName,
    };
  }
}

function table(
  scope: Construct,
  id: string,
  key: string,
  removalPolicy: RemovalPolicy,
  timeToLiveAttribute?: string,
): Table {
  return new Table(scope, id, {
    partitionKey: { name: key, type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
    removalPolicy,
    ...(timeToLiveAttribute && { timeToLiveAttribute }),
  });
}
