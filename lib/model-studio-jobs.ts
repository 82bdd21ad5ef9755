import { Annotations, CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { isClientName } from '../functions/core/http/client-key.ts';
import type { SharedVariables } from '../functions/core/variables.ts';
import { ClientKeys } from './client-keys.ts';
import { FinishedJobs } from './finished-jobs.ts';
import { Api } from './http/api.ts';
import { Gateway } from './http/gateway.ts';
import { Monitoring } from './monitoring/monitoring.ts';
import { deploymentName } from './name.ts';
import * as rules from './rules/rules.ts';
import { Wiring } from './rules/wiring.ts';
import { SettingsError } from './settings/environments.ts';
import type { ModelStudioJobsProps } from './settings/props.ts';
import { checkSettings } from './settings/read-settings.ts';
import { ORGANIZATION_ID_PATTERN, type Settings } from './settings/settings.ts';
import { bundleFunctions } from './stages/bundle.ts';
import { Create } from './stages/create.ts';
import { Deliver } from './stages/deliver.ts';
import { Poll } from './stages/poll.ts';
import type { StageProps } from './stages/stage-function.ts';
import { Sweep } from './stages/sweep.ts';
import { Storage } from './storage/storage.ts';

/** Metadata of a function that may submit. */
const GRANTED = 'modelstudio-jobs:grantSubmit';
const NO_ORGANIZATION = 'organizationId is not set: deploy with -c organizationId=org_…';

/** The whole deployment: submit → create → poll → deliver over tables, queues and a bucket. */
export class ModelStudioJobs extends Construct {
  /** What its alarms, its dashboard and the like begin with: that of its stack and, unless its id is `Default`, its path. */
  readonly deploymentName: string;
  /** Where apps submit jobs, such as `https://jobs.example.com`, without a slash at the end. */
  readonly apiUrl: string;
  /** docs/runbook.md has a heading for each. */
  readonly alarms: readonly Alarm[];
  /** Where all of them are told. */
  readonly alarmTopic: ITopic;
  readonly dashboard: Dashboard;
  /** The API key of ModelStudio: put yours in after the first deployment. */
  readonly modelStudioKey: ISecret;
  readonly #parts: { storage: Storage; monitoring: Monitoring; settings: Settings };
  #clientKeys?: ClientKeys;
  #finishedJobs?: FinishedJobs;

  /** @throws a SettingsError with a sentence for each setting that is unknown or wrong */
  constructor(scope: Construct, id: string, props: ModelStudioJobsProps = {}) {
    super(scope, id);
    const settings = checkSettings(props, Stack.of(this).region);
    const name = deploymentName(this);
    // Changing an id would replace what is in it, so these keep their first names.
    const storage = new Storage(this, 'State', { settings, name });
    const { httpApi, url } = new Gateway(this, 'Gateway', { settings, name });
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
      SERVICE_NAME: name,
      JOBS_AT_ONCE: settings.jobsAtOnce?.toString(),
    };
    const bundles = bundleFunctions(settings.destinations.length > 0);
    try {
      this.addStages({ storage, settings, bundles, sharedVariables, httpApi });
    } finally {
      bundles.remove();
    }
    const monitoring = new Monitoring(this, 'Watch', { settings, httpApi, name });
    // There is no template of a deployment that breaks a rule. What is beside it may do as it likes.
    const validate = () => {
      const wiring = new Wiring(this);
      return Object.values(rules).flatMap((rule) => rule(wiring, settings));
    };
    this.node.addValidation({ validate });

    this.deploymentName = name;
    this.apiUrl = url;
    this.alarms = monitoring.alarms;
    this.alarmTopic = monitoring.topic;
    this.dashboard = monitoring.dashboard;
    this.modelStudioKey = storage.modelStudioKey;
    this.#parts = { storage, monitoring, settings };
    this.addOutputs(storage);
  }
  /**
   * Lets a function submit jobs and read them, as a client of its own: its variable MODELSTUDIO_JOBS_URL is the API's
   * address, and MODELSTUDIO_JOBS_KEY_SECRET_ARN names a secret that holds its client key and that it may read. The key is
   * made by the deployment, and revoked when the function is removed or not granted any longer.
   * @param client the client's name, by default the function's path: functions of one client see each other's jobs
   */
  grantSubmit(fn: LambdaFunction, client = fn.node.path): void {
    if (!isClientName(client))
      throw new SettingsError(
        `A client cannot have this name, which must be 1 to 128 characters, no control characters: ${JSON.stringify(client)}`,
      );
    const asked = `${this.node.path} as ${client}`;
    const granted = fn.node.metadata.find(({ type }) => type === GRANTED)?.data ?? asked;
    if (granted !== asked)
      throw new SettingsError(`${fn.node.path} cannot submit to ${asked}: its variables name ${granted}.`);
    fn.node.addMetadata(GRANTED, granted);
    const { storage, settings } = this.#parts;
    const props = { table: storage.clientKeys, settings, name: this.deploymentName };
    this.#clientKeys ??= new ClientKeys(this, 'ClientKeys', props);
    const { secret, secretArn } = this.#clientKeys.keyOf(client);
    secret.grantRead(fn);
    fn.addEnvironment('MODELSTUDIO_JOBS_URL', this.apiUrl);
    fn.addEnvironment('MODELSTUDIO_JOBS_KEY_SECRET_ARN', secretArn);
  }

  /**
   * Tells targets of each job that has finished, whosoever it is, beside its own webhook: an event of EventBridge, at least
   * once, with the job's id, client, model, status and times.
   */
  onFinished(id: string, { targets }: { targets: IRuleTarget[] }): Rule {
    const { storage, monitoring } = this.#parts;
    const props = { jobs: storage.jobs, monitoring, name: this.deploymentName };
    this.#finishedJobs ??= new FinishedJobs(this, 'Finished', props);
    return this.#finishedJobs.addRule(id, targets);
  }

  private addStages({ httpApi, ...shared }: StageProps & { httpApi: HttpApi }): void {
    const { queue: deliverQueue, role } = new Deliver(this, 'Deliver', shared);
    const poll = new Poll(this, 'Poll', { ...shared, deliverQueue });
    const { queue: pollQueue } = poll;
    const { queue: createQueue } = new Create(this, 'Create', { ...shared, pollQueue, deliverQueue });
    poll.addCollector({ ...shared, deliverQueue, createQueue });
    const waking = { ...shared, pollQueue, deliverQueue, createQueue };
    new Sweep(this, 'Sweep', waking);
    new Api(this, 'Api', { ...waking, httpApi });

    // For the policies of queues and buses in other accounts, and of keys.
    const { destinations } = shared.settings;
    if (destinations.length === 0) return;
    new CfnOutput(this, 'DeliverRoleArn', { value: role.roleArn });
    new CfnOutput(this, 'DestinationArns', { value: destinations.map(({ arn }) => arn).join(' ') });
  }

  /** What the commands find a deployment by. Those of `Default` have these very names in the stack. */
  private addOutputs({ clientKeys, modelStudioKey, webhookSecret }: Storage): void {
    new CfnOutput(this, 'ApiUrl', { value: this.apiUrl });
    new CfnOutput(this, 'ClientKeysTable', { value: clientKeys.tableName });
    new CfnOutput(this, 'ModelStudioSecretArn', { value: modelStudioKey.secretArn });
    new CfnOutput(this, 'WebhookSecretArn', { value: webhookSecret.secretArn });
    // Of the others, this is the stack's.
    if (this.deploymentName !== Stack.of(this).stackName)
      new CfnOutput(this, 'DeploymentName', { value: this.deploymentName });
  }

  /** Without the setting, the stack still synthesizes, but is not deployed: nothing gives the parameter a value. */
  private organizationIdParameter(): string {
    Annotations.of(this).addWarningV2('modelstudio-jobs:organizationId', NO_ORGANIZATION);
    const description = 'The ModelStudio organization that jobs are created in.';
    const allowedPattern = ORGANIZATION_ID_PATTERN;
    return new CfnParameter(this, 'OrganizationId', { description, allowedPattern }).valueAsString;
  }
}
