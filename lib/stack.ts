import { Annotations, CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import { Api } from './api.ts';
import { bundleFunctions } from './bundle.ts';
import { Deliver } from './deliver.ts';
import { Poll } from './poll.ts';
import type { Settings } from './settings.ts';
import { State } from './state.ts';
import { Sweep } from './sweep.ts';

/** The whole deployment: submit → poll → deliver over tables, queues and a bucket. */
export class ModelStudioJobsStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, { description: 'ModelStudio jobs: submit, poll, signed webhook', ...props });
    const state = new State(this, 'State', settings);
    const httpApi = new HttpApi(this, 'HttpApi', { description: 'ModelStudio jobs' });
    const environment = {
      ...state.environment,
      API_URL: httpApi.apiEndpoint,
      MODELSTUDIO_BASE_URL: settings.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: settings.organizationId ?? this.organizationIdParameter(),
      WEBHOOK_RETRY_SCHEDULE_SECONDS: settings.webhookRetryScheduleSeconds.join(','),
      WEBHOOK_PORTS: settings.webhookPorts.join(','),
      RETENTION_DAYS: String(settings.retentionDays),
      POWERTOOLS_LOG_LEVEL: settings.logLevel,
    };
    const shared = { state, settings, environment, bundles: bundleFunctions() };
    const deliver = new Deliver(this, 'Deliver', shared);
    const poll = new Poll(this, 'Poll', shared, deliver);
    new Sweep(this, 'Sweep', shared, poll, deliver);
    new Api(this, 'Api', httpApi, shared, poll, deliver);
    shared.bundles.remove();

    new CfnOutput(this, 'ApiUrl', { value: httpApi.apiEndpoint });
    new CfnOutput(this, 'ClientKeysTable', { value: state.clientKeys.tableName });
    new CfnOutput(this, 'ModelStudioSecretArn', { value: state.modelStudioKey.secretArn });
    new CfnOutput(this, 'WebhookSecretArn', { value: state.webhookSecret.secretArn });
  }

  /** Without the setting, the stack still synthesizes, but CloudFormation asks before it deploys. */
  private organizationIdParameter(): string {
    Annotations.of(this).addWarningV2(
      'modelstudio-jobs:organizationId',
      'organizationId is not set: deploy with -c organizationId=org_…',
    );
    const parameter = new CfnParameter(this, 'OrganizationId', {
      description: 'The ModelStudio organization that jobs are created in.',
      allowedPattern: '[A-Za-z0-9._-]{1,128}',
    });
    return parameter.valueAsString;
  }
}
