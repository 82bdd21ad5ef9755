import { type CfnElement, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret, type SecretProps } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { DOCUMENT_EXTRA_DAYS } from '../../functions/core/limits.ts';
import { headersPrefix } from '../../functions/core/webhook/client-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { type Permission, toRows } from '../stages/grant.ts';
import { JobTable, RestorableTable } from './job-table.ts';

/** As many random letters and digits as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

/** The bucket's folders, by the keys that functions/ gives: what finished jobs are read by, */
const READ = ['events', 'results'] as const;
/** the same and what only operators look at, */
export const WRITTEN = [...READ, 'plans', 'unreadable'] as const;
/** and what queued and large jobs ask for, which is deleted as soon as nothing needs it: only who makes jobs of it reads it. */
const ASKED = ['requests', 'sources'] as const;
/** A request that a crash has left behind outlives the longest wait by a day. */
const ASKED_KEPT_DAYS = 8;
/** Files of clients. The sweeper deletes them, as jobs may name one again and again, whatever its age. */
const UPLOADS = 'uploads';
const FOLDERS = [...WRITTEN, ...ASKED, UPLOADS] as const;
type Folder = (typeof FOLDERS)[number];

/** What outlives a deployment: jobs, documents, statistics of their durations, client keys and secrets. */
export class Storage extends Construct {
  readonly jobs: JobTable;
  readonly documents: JobTable;
  readonly durationStats: Table;
  readonly clientKeys: RestorableTable;
  readonly bucket: Bucket;
  readonly modelStudioKey: Secret;
  readonly webhookSecret: Secret;

  readonly #headersPrefix: string;

  constructor(scope: Construct, id: string, { settings, name }: { settings: Settings; name: string }) {
    super(scope, id);
    this.#headersPrefix = headersPrefix(name);
    // What a failed first deployment has created is not kept, or it would block the next one.
    const removalPolicy =
      settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const string = (name: string) => ({ name, type: AttributeType.STRING });
    const number = (name: string) => ({ name, type: AttributeType.NUMBER });
    const table = (key: string): TableProps => ({
      partitionKey: string(key),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // Or a failed first deployment could not be deleted. Point-in-time recovery restores a deleted table for 35 days.
      deletionProtection: false,
      removalPolicy,
    });
    const restored = new Map(settings.restoredTables.map((pair) => pair.split('=') as [string, string]));
    const restorable = (id: string, key: string) => ({ ...table(key), restored: restored.get(id) });
    this.jobs = new JobTable(this, 'Jobs', restorable('Jobs', 'jobId'));
    // Only jobs that need looking after: an entry that does not move costs no write.
    this.jobs.addIndex('sweep', [number('sweepShard'), number('sweepAt')]);
    // Neither of its keys ever changes, so a job costs it one write.
    this.jobs.addIndex('client', [string('client'), string('listKey')]);
    // Only jobs that wait for ModelStudio.
    this.jobs.addIndex('queue', [string('queueName'), string('queuePlace')]);
    this.documents = new JobTable(this, 'Documents', restorable('Documents', 'key'));
    // The old name stays: another one would replace the table by an empty one.
    this.durationStats = new Table(this, 'DurationStats', table('bucket'));
    this.clientKeys = new RestorableTable(this, 'ClientKeys', restorable('ClientKeys', 'sha256'));
    const expiring = (folders: readonly Folder[], days: number) =>
      folders.map((folder) => ({ prefix: `${folder}/`, expiration: Duration.days(days) }));
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        ...expiring(ASKED, ASKED_KEPT_DAYS),
        ...expiring(WRITTEN, settings.retentionDays + DOCUMENT_EXTRA_DAYS),
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy,
    });
    this.modelStudioKey = this.secret('ModelStudioApiKey', {
      description: 'API key of ModelStudio. Put yours in after the first deploy.',
      reason: 'ModelStudio issues the key, so only a person can rotate it.',
      removalPolicy,
    });
    this.webhookSecret = this.secret('WebhookSecret', {
      description:
        'The root of the secrets that sign webhooks, for no receiver: "whsec_" and at least 32 bytes in base64.',
      generateSecretString: { passwordLength: SIGNING_SECRET_LENGTH, excludePunctuation: true },
      reason:
        "A rotation that the receivers do not know of ends in webhooks that they refuse: it is a person's step.",
      removalPolicy,
    });
    this.acknowledge(scope);
  }

  /** For reading finished jobs' documents, and for links to them. */
  get toReadDocuments(): Permission[] {
    return [toRows(this.documents, 'GetItem'), this.toObjects('GetObject', ...READ)];
  }

  /** For writing what a job ends with, and for deleting what nobody is to read any longer. */
  get toEndJobs(): Permission[] {
    return [
      toRows(this.documents, 'PutItem', 'DeleteItem'),
      this.toObjects('PutObject', ...WRITTEN),
      this.toObjects('DeleteObject', ...WRITTEN, ...ASKED),
    ];
  }

  /** For what `npm run keys` stores of clients, the custom headers in a secret for each that has any. */
  get toReadClientSettings(): Permission[] {
    const { partition, region, account } = Stack.of(this);
    const headers = `arn:${partition}:secretsmanager:${region}:${account}:secret:${this.#headersPrefix}*`;
    const toHeaders = { actions: ['secretsmanager:GetSecretValue'], resourceArns: [headers] };
    return [toRows(this.clientKeys, 'GetItem'), toHeaders];
  }

  /** Whoever makes links to upload or download needs permission to do it, and to look is to get. */
  toObjects(action: 'GetObject' | 'PutObject' | 'DeleteObject', ...folders: Folder[]): Permission {
    const resourceArns = folders.map((folder) => this.bucket.arnForObjects(`${folder}/*`));
    return { actions: [`s3:${action}`], resourceArns };
  }

  /** @param reason why it is not rotated automatically */
  private secret(id: string, { reason, ...props }: SecretProps & { reason: string }): Secret {
    const secret = new Secret(this, id, props);
    Validations.of(secret).acknowledge({ id: 'AwsSolutions-SMG4', reason });
    return secret;
  }

  /** What cdk-nag objects to, and why it is so. */
  private acknowledge(deployment: Construct): void {
    const policies = Validations.of(deployment);
    const bucketId = Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnElement);
    for (const prefix of FOLDERS) {
      policies.acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/${prefix}/*]`,
        reason: 'A function may meet the documents of any job.',
      });
    }
    const headers = `:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${this.#headersPrefix}*`;
    policies.acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>${headers}]`,
      reason: 'The function may meet the webhooks of any client.',
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Only the functions reach the bucket, and they log what they do for which job.',
    });
  }
}
