import { type CfnElement, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { DOCUMENT_EXTRA_DAYS } from '../functions/core/limits.ts';
import { allow } from './allow.ts';
import { JobTable, type Units } from './job-table.ts';
import type { Settings } from './settings.ts';

/** Random letters and digits: as many as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

/**
 * What a job of half a minute takes of the tables and indexes, in units, as `npm run bench -- cost` counts them. Auto
 * scaling adds what apps read, and longer jobs and larger results take.
 */
export const UNITS_PER_JOB = {
  jobs: { read: 5.1, write: 5.1 },
  client: { read: 0.1, write: 1 },
  sweep: { read: 0.1, write: 2 },
  documents: { read: 1, write: 1 },
} satisfies Record<string, Units>;

/** What outlives a deployment: jobs, documents, what was learnt of their durations, client keys and secrets. */
export class State extends Construct {
  readonly jobs: JobTable;
  readonly documents: JobTable;
  readonly experience: Table;
  readonly clientKeys: Table;
  readonly bucket: Bucket;
  readonly modelStudioKey: Secret;
  readonly webhookSecret: Secret;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    // What a failed first deployment has made is not kept, or it would stand in the way of the next one.
    const removalPolicy =
      settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const { steadyJobsPerSecond } = settings;
    const string = (name: string) => ({ name, type: AttributeType.STRING });
    const number = (name: string) => ({ name, type: AttributeType.NUMBER });
    const jobTable = (name: string, key: string, units: Units) =>
      new JobTable(this, name, tableProps(key, removalPolicy, 'ttl'), units, steadyJobsPerSecond);
    this.jobs = jobTable('Jobs', 'jobId', UNITS_PER_JOB.jobs);
    // Only of jobs that need looking after: an entry that does not move costs no write.
    this.jobs.addIndex('sweep', number('sweepShard'), number('sweepAt'), UNITS_PER_JOB.sweep);
    // Neither of its keys ever changes, so a job costs it one write.
    this.jobs.addIndex('client', string('client'), string('listKey'), UNITS_PER_JOB.client);
    this.documents = jobTable('Documents', 'key', UNITS_PER_JOB.documents);
    this.experience = new Table(this, 'Experience', tableProps('kind', removalPolicy));
    this.clientKeys = new Table(this, 'ClientKeys', tableProps('sha256', removalPolicy));
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        {
          expiration: Duration.days(settings.retentionDays + DOCUMENT_EXTRA_DAYS),
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
}

function tableProps(key: string, removalPolicy: RemovalPolicy, timeToLiveAttribute?: string): TableProps {
  return {
    partitionKey: { name: key, type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    // Neither CloudFormation could delete it then, when a first deployment fails. One that is deleted by hand can be
    // restored for 35 days, by its point-in-time recovery.
    deletionProtection: false,
    removalPolicy,
    ...(timeToLiveAttribute && { timeToLiveAttribute }),
  };
}
