import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { allow } from './allow.ts';

/** Random letters and digits: as many as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

/** What outlives a deployment: jobs, documents, client keys and secrets. */
export class State extends Construct {
  readonly jobs: TableV2;
  readonly documents: TableV2;
  readonly clientKeys: TableV2;
  readonly bucket: Bucket;
  readonly modelStudioKey: Secret;
  readonly webhookSecret: Secret;

  constructor(scope: Construct, id: string, { retentionDays }: { retentionDays: number }) {
    super(scope, id);
    this.jobs = table(this, 'Jobs', 'jobId', 'ttl');
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
    this.documents = table(this, 'Documents', 'key', 'ttl');
    this.clientKeys = table(this, 'ClientKeys', 'sha256');
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        {
          expiration: Duration.days(retentionDays + 1),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.modelStudioKey = new Secret(this, 'ModelStudioApiKey', {
      description: 'API key of ModelStudio. Put yours in after the first deploy.',
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.webhookSecret = new Secret(this, 'WebhookSecret', {
      description: 'Signs webhooks: "whsec_" and base64. The prefix may be left out.',
      generateSecretString: { passwordLength: SIGNING_SECRET_LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
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

  /** Where a function finds the jobs and their documents. */
  get environment(): Record<string, string> {
    return {
      JOBS_TABLE: this.jobs.tableName,
      DOCUMENTS_TABLE: this.documents.tableName,
      BUCKET: this.bucket.bucketName,
    };
  }
}

function table(scope: Construct, id: string, key: string, timeToLiveAttribute?: string): TableV2 {
  return new TableV2(scope, id, {
    partitionKey: { name: key, type: AttributeType.STRING },
    billing: Billing.onDemand(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: RemovalPolicy.RETAIN,
    ...(timeToLiveAttribute && { timeToLiveAttribute }),
  });
}
