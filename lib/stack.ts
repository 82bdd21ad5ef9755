import { Annotations, CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { SharedVariables } from '../functions/core/variables.ts';
import { Api } from './api.ts';
import { bundleFunctions } from './bundle.ts';
import { Deliver } from './deliver.ts';
import { Gateway } from './gateway.ts';
import { Poll } from './poll.ts';
import { refuseUnsafe } from './safety/safety.ts';
import { ORGANIZATION_ID_PATTERN, type Settings } from './settings.ts';
import { State } from './state.ts';
import { Sweep } from './sweep.ts';
import { Watch } from './watch/watch.ts';

/** The whole deployment: submit → poll → deliver over tables, queues and a bucket. */
export class ModelStudioJobsStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, { description: 'ModelStudio jobs: submit, poll, signed webhook', ...props });
    const state = new State(this, 'State', settings);
    const gateway = new Gateway(this, 'Gateway', settings);
    const environment: SharedVariables = {
      JOBS_TABLE: state.jobs.tableName,
      DOCUMENTS_TABLE: state.documents.tableName,
      EXPERIENCE_TABLE: state.experience.tableName,
      BUCKET: state.bucket.bucketName,
      API_URL: gateway.url,
      MODELSTUDIO_BASE_URL: settings.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: settings.organizationId ?? this.organizationIdParameter(),
      WEBHOOK_RETRY_SCHEDULE_SECONDS: settings.webhookRetryScheduleSeconds.join(','),
      WEBHOOK_PORTS: settings.webhookPorts.join(','),
      RETENTION_DAYS: String(settings.retentionDays),
      LAG_PER_POLL_SECONDS: String(settings.lagPerPollSeconds),
      SERVICE_NAME: this.stackName,
    };
    const bundles = bundleFunctions();
    try {
      const shared = { state, settings, environment, bundles };
      const deliver = new Deliver(this, 'Deliver', shared);
      const poll = new Poll(this, 'Poll', shared, deliver);
      new Sweep(this, 'Sweep', shared, poll, deliver);
      new Api(this, 'Api', gateway.httpApi, shared, poll, deliver);
      new Watch(this, 'Watch', settings, gateway.httpApi);
    } finally {
      bundles.remove();
    }
    refuseUnsafe(this, settings);

    new CfnOutput(this, 'ApiUrl', { value: gateway.url });
    new CfnOutput(this, 'ClientKeysTable', { value: state.clientKeys.tableName });
    new CfnOutput(this, 'ModelStudioSecretArn', { value: state.modelStudioKey.secretArn });
    new CfnOutput(this, 'WebhookSecretArn', { value: state.webhookSecret.secretArn });
  }

  /** Without the setting, the stack still synthesizes, but is not deployed: nothing gives the parameter a value. */
  private organizationIdParameter(): string {
    Annotations.of(this).addWarningV2(
      'modelstudio-jobs:organizationId',
      'organizationId is not set: deploy with -c organizationId=org_…',
    );
    const parameter = new CfnParameter(this, 'OrganizationId', {
      description: 'The ModelStudio organization that jobs are created in.',
      allowedPattern: ORGANIZATION_ID_PATTERN,
    });
    return parameter.valueAsString;
  }
}
