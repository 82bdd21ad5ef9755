import { Annotations, CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { SharedVariables } from '../functions/core/variables.ts';
import { Api } from './http/api.ts';
import { Gateway } from './http/gateway.ts';
import { Monitoring } from './monitoring/monitoring.ts';
import { validateStack } from './rules/validate-stack.ts';
import { ORGANIZATION_ID_PATTERN, type Settings } from './settings/settings.ts';
import { bundleFunctions } from './stages/bundle.ts';
import { Create } from './stages/create.ts';
import { Deliver } from './stages/deliver.ts';
import { Poll } from './stages/poll.ts';
import { Sweep } from './stages/sweep.ts';
import { Storage } from './storage/storage.ts';

const NO_ORGANIZATION = 'organizationId is not set: deploy with -c organizationId=org_…';

/** The whole deployment: submit → create → poll → deliver over tables, queues and a bucket. */
export class ModelStudioJobsStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, { description: 'ModelStudio jobs: submit, poll, signed webhook', ...props });
    // Changing an id would replace what is in it, so these keep their first names.
    const storage = new Storage(this, 'State', settings);
    const { httpApi, url } = new Gateway(this, 'Gateway', settings);
    const sharedVariables: SharedVariables = {
      JOBS_TABLE: storage.jobs.tableName,
      DOCUMENTS_TABLE: storage.documents.tableName,
      DURATION_STATS_TABLE: storage.durationStats.tableName,
      BUCKET: storage.bucket.bucketName,
      API_URL: url,
      MODELSTUDIO_BASE_URL: settings.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: settings.organizationId ?? this.organizationIdParameter(),
      WEBHOOK_RETRY_SCHEDULE_SECONDS: settings.webhookRetryScheduleSeconds.join(','),
      WEBHOOK_PORTS: settings.webhookPorts.join(','),
      RETENTION_DAYS: String(settings.retentionDays),
      LAG_PER_POLL_SECONDS: String(settings.lagPerPollSeconds),
      SERVICE_NAME: this.stackName,
      JOBS_AT_ONCE: settings.jobsAtOnce?.toString(),
    };
    const bundles = bundleFunctions(settings.destinations.length > 0);
    try {
      const shared = { storage, settings, bundles, sharedVariables };
      const { queue: deliverQueue } = new Deliver(this, 'Deliver', shared);
      const poll = new Poll(this, 'Poll', { ...shared, deliverQueue });
      const { queue: pollQueue } = poll;
      const { queue: createQueue } = new Create(this, 'Create', { ...shared, pollQueue, deliverQueue });
      poll.addCollector({ ...shared, deliverQueue, createQueue });
      const waking = { ...shared, pollQueue, deliverQueue, createQueue };
      new Sweep(this, 'Sweep', waking);
      new Api(this, 'Api', { ...waking, httpApi });
      new Monitoring(this, 'Watch', { settings, httpApi });
    } finally {
      bundles.remove();
    }
    validateStack(this, settings);

    new CfnOutput(this, 'ApiUrl', { value: url });
    new CfnOutput(this, 'ClientKeysTable', { value: storage.clientKeys.tableName });
    new CfnOutput(this, 'ModelStudioSecretArn', { value: storage.modelStudioKey.secretArn });
    new CfnOutput(this, 'WebhookSecretArn', { value: storage.webhookSecret.secretArn });
  }

  /** Without the setting, the stack still synthesizes, but is not deployed: nothing gives the parameter a value. */
  private organizationIdParameter(): string {
    Annotations.of(this).addWarningV2('modelstudio-jobs:organizationId', NO_ORGANIZATION);
    const description = 'The ModelStudio organization that jobs are created in.';
    const allowedPattern = ORGANIZATION_ID_PATTERN;
    return new CfnParameter(this, 'OrganizationId', { description, allowedPattern }).valueAsString;
  }
}
